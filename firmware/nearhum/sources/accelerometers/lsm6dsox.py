"""LSM6DSOX (and LSM6DSO) accelerometer over I2C or SPI. The gyroscope stays off.

source = {"driver": "lsm6dsox", "i2c": 0, "sda": 4, "scl": 5, "address": 106, "range_g": 4}, or the
pins of SPI. Leaves frames of n_channels 3: acceleration x y z. range_g 2, 4, 8, 16: 16393, 8197,
4098, 2049 counts a g (0.122 mg a count at 4 g). rate_hz: 12.5, 26, 52, 104, 208, 416, 833, 1660,
3330, 6660. The FIFO holds 512 words, each a tag and a frame: 0.6 s at 833 Hz. It works in another
way than the LSM6DS3's, so this chip has its own driver.

Source: ST LSM6DSOX datasheet, DS12814: Mechanical characteristics (sensitivity), FIFO reading
procedure, and for each register the section of chapter 9 with its name.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

# Bits 3:0: rate of acceleration in the FIFO. Bits 7:4: 0, no angular rate.
_FIFO_CTRL3 = micropython.const(0x09)
_FIFO_CTRL4 = micropython.const(0x0A)  # Bits 2:0: 0 bypass, which empties it; 6 continuous.
_WHO_AM_I = micropython.const(0x0F)  # identity: 0x6C
_CTRL1_XL = micropython.const(0x10)  # Bits 7:4: rate. Bits 3:2: range, 0..3 = 2 16 4 8 g.
# Bit 7: the addresses below mean other registers.
_FUNC_CFG_ACCESS = micropython.const(0x01)
# Bit 6: block update. Bit 2: the register counts up, set after a reset. Bit 0: resets the chip,
# within 50 us.
_CTRL3_C = micropython.const(0x12)
# Low byte of the number of unread words. Next register: bits 6 and 3 overrun, bits 1:0 high part.
_FIFO_STATUS1 = micropython.const(0x3A)
# Bits 7:3: tag, 2 is acceleration. Six bytes of a frame follow. The address wraps after 0x7E.
_FIFO_DATA_OUT_TAG = micropython.const(0x78)


@micropython.viper
def _frames(raw: ptr8, n: int, block: ptr16) -> int:
    """Copy the frames of acceleration from n words of 7 bytes to block. Returns their number."""
    got = 0
    for i in range(n):
        word = 7 * i
        if raw[word] >> 3 == 2:
            for j in range(3):
                block[3 * got + j] = raw[word + 1 + 2 * j] | raw[word + 2 + 2 * j] << 8
            got += 1
    return got


class Source(Fifo):
    """Reads bursts of whole words from the chip's FIFO."""

    address = 0x6A  # 0x6B if pin SDO/SA0 is high (Digital interfaces, I2C)
    who, chips = _WHO_AM_I, (0x6C,)
    reset = ((_FUNC_CFG_ACCESS, 0), (_CTRL3_C, 0x01))
    sleep = ((_CTRL1_XL, 0),)
    n_burst = 20

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        code = code_of(
            "rate_hz", config["rate_hz"], (0, 12.5, 26, 52, 104, 208, 416, 833, 1660, 3330, 6660)
        )
        wide = code_of("range_g", given.get("range_g", 4), (2, 16, 4, 8))
        self.counts = (16393, 2049, 8197, 4098)[wide]
        return (
            (_CTRL3_C, 0x44),
            (_FIFO_CTRL3, code),
            (_CTRL1_XL, code << 4 | wide << 2),
        ), ((_FIFO_CTRL4, 0), (_FIFO_CTRL4, 6))

    def level(self):
        """Return the words in the FIFO, below 0 if words were overwritten."""
        two = self.read(_FIFO_STATUS1, self.two)
        return -1 if two[1] & 0x48 else (two[1] & 3) << 8 | two[0]

    def cut(self, block, n):
        """Return the parts of a buffer for 0 to n words of 7 bytes. block: not used."""
        words = memoryview(bytearray(7 * n))
        return [words[: 7 * i] for i in range(n + 1)]

    def take(self, n, block):
        """Read n words, and copy the frames of acceleration to block. Returns their number."""
        self.read(_FIFO_DATA_OUT_TAG, self.bursts[n])
        return _frames(self.bursts[-1], n, block)
