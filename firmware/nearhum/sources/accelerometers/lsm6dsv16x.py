"""LSM6DSV16X (and LSM6DSV) accelerometer over I2C or SPI; its gyroscope stays off.

source = {"driver": "lsm6dsv16x", "i2c": 0, "sda": 4, "scl": 5, "address": 106, "range_g": 4}, or
the pins of SPI n_channels 3: acceleration x y z, in high-performance mode. range_g 2, 4, 8, 16:
16393, 8197, 4098, 2049 counts a g (0.122 mg a count at 4 g). rate_hz: 7.5, 15, 30, 60, 120, 240,
480, 960, 1920, 3840, 7680. Its FIFO of 1.5 KB holds 208 frames at least: 0.2 s at 960 Hz. Source:
ST LSM6DSV16X datasheet, DS13510: Mechanical characteristics (sensitivity), FIFO, and the section of
chapter 9 that is named as the register; ST's driver lsm6dsv16x-pid has the same registers, codes
and sensitivities.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import code_of
from nearhum.sources.accelerometers.tagged import Tagged

# bit 7, bit 6: other registers stand in the place of these
_FUNC_CFG_ACCESS = micropython.const(0x01)
# bits 3:0: rate of acceleration in the FIFO; bits 7:4: 0, no angular rate
_FIFO_CTRL3 = micropython.const(0x09)
_FIFO_CTRL4 = micropython.const(0x0A)  # bits 2:0: 0 bypass, which empties it; 6 continuous
_WHO_AM_I = micropython.const(0x0F)  # 0x70
_CTRL1 = micropython.const(0x10)  # bits 6:4: 0 high performance; bits 3:0 rate
_CTRL2 = micropython.const(0x11)  # the same of the gyroscope
# bit 6 block update; bit 2 the register counts up (both so after reset); bit 0 resets all, with
# both sensors off
_CTRL3 = micropython.const(0x12)
_CTRL8 = micropython.const(0x17)  # bits 1:0 range, 2 4 8 16 g
_FIFO_STATUS1 = micropython.const(0x1B)


class Source(Tagged):
    """The FIFO's status and the range are not where its forerunners had them."""

    address = 0x6A  # 0x6B with the pin SDO/SA0 high (Digital interfaces, I2C)
    who, chips = _WHO_AM_I, (0x70,)
    page = ((_FUNC_CFG_ACCESS, 0),)
    reset = ((_CTRL1, 0), (_CTRL2, 0), (_CTRL3, 0x01))
    reset_ms = 10
    sleep = ((_CTRL1, 0),)
    status, high = _FIFO_STATUS1, 1

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        rates = (0, 0, 7.5, 15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680)
        code = code_of("rate_hz", config["rate_hz"], rates)
        wide = code_of("range_g", given.get("range_g", 4), (2, 4, 8, 16))
        self.counts = (16393, 8197, 4098, 2049)[wide]
        return (
            (_CTRL3, 0x44),
            (_CTRL8, wide),
            (_FIFO_CTRL3, code),
            (_CTRL1, code),
        ), ((_FIFO_CTRL4, 0), (_FIFO_CTRL4, 6))
