"""LSM6DS3 (and LSM6DS3TR-C) accelerometer over I2C or SPI. The gyroscope stays off.

source = {"driver": "lsm6ds3", "i2c": 0, "sda": 4, "scl": 5, "address": 106, "range_g": 4}, or the
pins of SPI. Leaves frames of n_channels 3: acceleration x y z. range_g 2, 4, 8, 16: 16393, 8197,
4098, 2049 counts a g (0.122 mg a count at 4 g). rate_hz: 12.5, 26, 52, 104, 208, 416, 833, 1660,
3330, 6660. The FIFO of 4096 words (TR-C: 2048) lasts 1.6 s at 833 Hz.

Source: ST LSM6DS3 datasheet, DocID026899 Rev 8: Mechanical characteristics (sensitivity), 5.5 FIFO,
and for each register the section of chapter 9 with its name. The LSM6DS3TR-C, DocID030071, has the
same registers here and another identity.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

# Bits 2:0: 1, every sample of acceleration. Bits 5:3: 0, no angular rate.
_FIFO_CTRL3 = micropython.const(0x08)
# Bits 6:3: rate. Bits 2:0: 0 bypass, which empties it; 6 continuous.
_FIFO_CTRL5 = micropython.const(0x0A)
_WHO_AM_I = micropython.const(0x0F)  # identity: 0x69, TR-C: 0x6A
_CTRL1_XL = micropython.const(0x10)  # Bits 7:4: rate. Bits 3:2: range, 0..3 = 2 16 4 8 g.
# Bit 7: the addresses below mean other registers.
_FUNC_CFG_ACCESS = micropython.const(0x01)
# Bit 6: block update. Bit 2: the register counts up, set after a reset. Bit 0: resets the chip,
# within 50 us.
_CTRL3_C = micropython.const(0x12)
# Low byte of the number of unread words. Next register: bit 6 overrun, bits 3:0 high part.
_FIFO_STATUS1 = micropython.const(0x3A)
# A word, low byte first. The address wraps from 0x3F to 0x3E.
_FIFO_DATA_OUT_L = micropython.const(0x3E)


class Source(Fifo):
    """Reads bursts of whole frames from the chip's FIFO."""

    address = 0x6A  # 0x6B if pin SDO/SA0 is high (Digital interfaces, I2C)
    who, chips = _WHO_AM_I, (0x69, 0x6A)
    n_burst = 20
    reset = ((_FUNC_CFG_ACCESS, 0), (_CTRL3_C, 0x01))
    sleep = ((_CTRL1_XL, 0),)

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
            (_FIFO_CTRL3, 1),
            (_CTRL1_XL, code << 4 | wide << 2),
        ), ((_FIFO_CTRL5, code << 3), (_FIFO_CTRL5, code << 3 | 6))

    def level(self):
        """Return the frames in the FIFO, below 0 if frames were overwritten."""
        two = self.read(_FIFO_STATUS1, self.two)
        return -1 if two[1] & 0x40 else ((two[1] & 15) << 8 | two[0]) // 3

    def take(self, n, block):
        """Read n frames into block. Returns n."""
        self.read(_FIFO_DATA_OUT_L, self.bursts[n])
        return n
