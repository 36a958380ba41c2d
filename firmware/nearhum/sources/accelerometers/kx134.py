"""KX134-1211 accelerometer over I2C or SPI: to 64 g, for impacts and rough machines.

source = {"driver": "kx134", "i2c": 0, "sda": 4, "scl": 5, "address": 30, "range_g": 16}, or the
pins of SPI n_channels 3: acceleration x y z. range_g 8 (where none is given), 16, 32, 64: 4096,
2048, 1024, 512 counts a g (0.24 mg a count at 8 g). rate_hz: 12.5 * 2^n, on I2C to 800, on SPI to
12800. Its FIFO holds 86 frames: 107 ms at 800 Hz. It is read in bursts that are shorter than one
sample, as the chip wants it. Source: Kionix KX134-1211 Technical Reference Manual, Rev. 4.0, whose
section stands at each register; Specifications, Rev. 1.0: Mechanical Specifications (sensitivity),
I2C and SPI Communications. Its software reset is not acknowledged on I2C (1.12), so what matters is
written instead.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

_WHO_AM_I = micropython.const(0x13)  # 1.7: 0x46
# 1.12: bit 7 it measures, others are written without it; bit 6 high performance; bits 4:3 range
_CNTL1 = micropython.const(0x1B)
_CNTL4 = micropython.const(0x1E)  # 1.12: bits 5:4 engines that put it to sleep; 0x40 after reset
# 1.13: bit 6, low-pass at half the rate, not at a ninth; bits 3:0 rate, 0.78 Hz * 2^n
_ODCNTL = micropython.const(0x21)
_SELF_TEST = micropython.const(0x5D)  # 1.22: reads as 0
# 1.23: bit 7 the FIFO is on, off empties it; bit 6 16 bits; bits 1:0, 1: the oldest frame is lost
_BUF_CNTL2 = micropython.const(0x5F)
_BUF_STATUS_1 = micropython.const(0x60)  # 1.23: bytes in it, low part; in the next, bits 1:0
_BUF_READ = micropython.const(0x63)  # 1.23
_ADP_CNTL2 = micropython.const(0x65)  # 1.24: bit 7, its own filters fill the FIFO; 0x02 after reset
_FULL = micropython.const(86)


class Source(Fifo):
    """Reads bursts of whole frames from the chip's FIFO, none longer than half a sample."""

    address = 0x1E  # 0x1F with the pin ADDR high (Specifications, table 6)
    who, chips = _WHO_AM_I, (0x46,)
    n_burst = 40
    sleep = ((_CNTL1, 0),)

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        rate = config["rate_hz"]
        rates = [12.5 * (1 << i) for i in range(11 if "spi" in given else 7)]
        code = 4 + code_of("rate_hz", rate, rates)
        wide = code_of("range_g", given.get("range_g", 8), (8, 16, 32, 64))
        self.counts = 4096 >> wide
        # 1.23, BUF_READ: a burst ends within a sample. Six bytes of 9 bits, and 40 bits before
        # them, on I2C; on SPI 8 bits, and 8.
        bits = given.get("freq_hz", 5000000 if "spi" in given else 400000) / rate / 2
        n_whole = (bits - 8) / 48 if "spi" in given else (bits - 40) / 54
        self._n_whole = max(1, min(8, int(n_whole)))
        on = 0xC0 | wide << 3
        return (
            (_CNTL1, 0),
            (_CNTL4, 0x40),
            (_ODCNTL, 0x40 | code),
            (_SELF_TEST, 0),
            (_ADP_CNTL2, 0x02),
        ), ((_BUF_CNTL2, 0), (_BUF_CNTL2, 0xC1), (_CNTL1, on))

    def level(self):
        """Return the frames in the FIFO, below 0 where it is full: one may be lost."""
        two = self.read(_BUF_STATUS_1, self.two)
        n = ((two[1] & 3) << 8 | two[0]) // 6
        return -1 if n >= _FULL else n

    def cut(self, block, n):
        """Return the parts of block for each of n frames, and an end; and those of whole bursts."""
        m = 3 * self._n_whole
        self._whole_bursts = [block[m * i : m * i + m] for i in range(n // self._n_whole)]
        return [block[3 * i : 3 * i + 3] for i in range(n)] + [None]

    def take(self, n, block):
        """Read n frames into block. Returns n."""
        n_bursts = n // self._n_whole
        for i in range(n_bursts):
            self.read(_BUF_READ, self._whole_bursts[i])
        for i in range(n_bursts * self._n_whole, n):
            self.read(_BUF_READ, self.bursts[i])
        return n
