"""ADXL355 accelerometer over I2C or SPI: little noise, for slow and weak vibration.

source = {"driver": "adxl355", "i2c": 0, "sda": 4, "scl": 5, "address": 29, "range_g": 4}, or the
pins of SPI n_channels 3: acceleration x y z, the upper 16 of its 20 bits. range_g 2, 4, 8: 16000,
8000, 4000 counts a g (0.125 mg a count at 4 g). rate_hz: 4000 / 2^n, on I2C 1000 at most. Its FIFO
holds 32 frames: 32 ms at 1 kHz. An ADXL357 has the same identity and five times the range: `nearhum
doctor` finds a fifth of gravity. Source: Analog Devices ADXL354/ADXL355 Data Sheet, Rev. B:
Specifications (sensitivity), FIFO, Serial Communications, and Register Definitions (the heading is
that of the register); the Linux and no-OS drivers adxl355 have the same registers and codes.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources import GAP
from nearhum.sources.accelerometers.registers import Fifo, code_of

_PARTID = micropython.const(0x02)  # 0xED
# bit 2: values of the FIFO were overwritten; cleared by reading. The next is FIFO_ENTRIES: values
# in it, three a frame
_STATUS = micropython.const(0x04)
_FIFO_DATA = micropython.const(0x11)  # three bytes a value, high first; it does not count up
_FILTER = micropython.const(0x28)  # bits 6:4: 0, no high-pass; bits 3:0 rate, 4000 Hz / 2^n
_RANGE = micropython.const(0x2C)  # bit 7: so after reset; bits 1:0: 1 2 g, 2 4 g, 3 8 g
_POWER_CTL = micropython.const(0x2D)  # bit 0: standby, in which others are written
_RESET = micropython.const(0x2F)  # 0x52 resets all


@micropython.viper
def _frames(raw: ptr8, n: int, block: ptr16) -> int:
    """Copy n frames of three values of 3 bytes, high first. Returns n; -1, -2 where one does not
    begin with x, so many values after its place: bit 0 of a value's last byte says x, bit 1 that
    the FIFO was empty.
    """
    for i in range(n):
        at = 9 * i
        if raw[at + 2] & 3 != 1:
            return -1 if raw[at + 5] & 1 else -2
        for j in range(3):
            block[3 * i + j] = raw[at + 3 * j] << 8 | raw[at + 3 * j + 1]
    return n


class Source(Fifo):
    """Reads bursts of whole frames from the chip's FIFO."""

    address = 0x1D  # 0x53 with the pin ASEL high (Serial Communications, I2C)
    who, chips = _PARTID, (0xED,)
    spi_low = True
    n_burst = 16
    reset = ((_RESET, 0x52),)
    reset_ms = 10
    sleep = ((_POWER_CTL, 0x01),)

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        rates = [4000 / (1 << i) for i in range(11)]
        if "spi" not in given:
            rates[:2] = 0, 0  # they want more than I2C carries beside the board's work
        code = code_of("rate_hz", config["rate_hz"], rates)
        wide = code_of("range_g", given.get("range_g", 4), (2, 4, 8))
        self.counts = 16000 >> wide
        self._three = bytearray(3)
        return (
            (_FILTER, code),
            (_RANGE, 0x81 + wide),
        ), ((_POWER_CTL, 0),)

    def level(self):
        """Return the frames in the FIFO, below 0 where some were overwritten: then it is emptied,
        which no register does.
        """
        status, n = self.read(_STATUS, self.two)
        if status & 0x04:
            for _ in range(2):
                self.read(_FIFO_DATA, self.bursts[-1])
            return -1
        return n // 3

    def cut(self, block, n):
        """Return parts of a buffer for 0 to 16 frames of 9 bytes; the last empties half a FIFO."""
        frames = memoryview(bytearray(9 * self.n_burst))
        return [frames[: 9 * i] for i in range(n + 1)] + [frames]

    def take(self, n, block):
        """Read n frames into block. Returns n, GAP where values were lost: then one or two more
        are left out, so that x comes first again.
        """
        n = min(n, len(self.bursts) - 2)
        self.read(_FIFO_DATA, self.bursts[n])
        got = _frames(self.bursts[n], n, block)
        for _ in range(-got):
            self.read(_FIFO_DATA, self._three)
        return GAP if got < 0 else n
