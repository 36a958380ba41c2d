"""ADXL345 accelerometer over I2C or SPI.

source = {"driver": "adxl345", "i2c": 0, "sda": 4, "scl": 5, "address": 83, "range_g": 4}, or the
pins of SPI. Leaves frames of n_channels 3: acceleration x y z, 256 counts a g (3.9 mg a count) in
every range, because the chip runs in full resolution. range_g: 2, 4, 8 or 16. rate_hz: 3200 / 2^n,
on I2C at most 800. The FIFO holds 32 frames, 40 ms at 800 Hz. Each frame is a transfer of its own,
so on I2C a board has little time for anything else above 400 Hz.

The chip needs 5 us between two reads of its FIFO. The interpreter takes longer than that.
Source: Analog Devices ADXL345 Data Sheet, Rev. E: Register Definitions (the heading is "Register
0x..-NAME"), Interrupts, FIFO.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

_DEVID = micropython.const(0x00)  # identity, always 0xE5
_OFSX = micropython.const(0x1E)  # offset of x, then y, z: added to each sample, 15.6 mg a count
_BW_RATE = micropython.const(0x2C)  # Table 7: code 15 is 3200 Hz, each code below halves it.
_POWER_CTL = micropython.const(0x2D)  # Bit 3: measure. 0: standby.
_INT_ENABLE = micropython.const(0x2E)
# Bit 0: overrun, a frame was overwritten. Reading frames clears it (Interrupts).
_INT_SOURCE = micropython.const(0x30)
_DATA_FORMAT = micropython.const(0x31)  # Bit 3: full resolution. Bits 1:0: +-2 4 8 16 g.
_DATAX0 = micropython.const(0x32)  # Six bytes, low first. One read takes one frame.
_FIFO_CTL = micropython.const(0x38)  # Bits 7:6: 0 bypass, which empties it. 2 stream.
_FIFO_STATUS = micropython.const(0x39)  # bits 5:0: waiting frames
_FULL = micropython.const(32)  # frames


class Source(Fifo):
    """Reads frames one by one: the FIFO advances after each read of all six bytes."""

    address = 0x53  # 0x1D if pin ALT ADDRESS is high (Serial Communications, I2C)
    who, chips = _DEVID, (0xE5,)
    spi_many = 0x40  # Bit 6: the register counts up (Serial Communications, SPI).
    n_burst = _FULL
    sleep = ((_POWER_CTL, 0),)
    counts = 256

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        rates = [3200 / (1 << i) for i in range(10 if "spi" in given else 8)]
        if "spi" not in given:
            # 800 Hz needs a bus of 400 kHz, a higher rate needs SPI (Serial Communications, I2C).
            rates = [0, 0] + [rate / 4 for rate in rates]
        code = 15 - code_of("rate_hz", config["rate_hz"], rates)
        wide = code_of("range_g", given.get("range_g", 4), (2, 4, 8, 16))
        self.clip = (512 << wide) - 1
        return (
            (_POWER_CTL, 0),  # The chip has no reset, so it is put to standby.
            (_OFSX, 0),
            (_OFSX + 1, 0),
            (_OFSX + 2, 0),
            (_INT_ENABLE, 0),
            (_BW_RATE, code),
            (_DATA_FORMAT, 0x08 | wide),
        ), ((_FIFO_CTL, 0), (_FIFO_CTL, 0x80), (_POWER_CTL, 0x08))

    def level(self):
        """Return the frames in the FIFO, below 0 if frames were overwritten."""
        n = self.read(_FIFO_STATUS, self.one)[0] & 63
        return -1 if n >= _FULL and self.read(_INT_SOURCE, self.one)[0] & 1 else n

    def cut(self, block, n):
        """Return the part of block for each of n frames, and None as an end."""
        return [block[3 * i : 3 * i + 3] for i in range(n)] + [None]

    def take(self, n, block):
        """Read n frames into block. Returns n."""
        for i in range(n):
            self.read(_DATAX0, self.bursts[i])
        return n
