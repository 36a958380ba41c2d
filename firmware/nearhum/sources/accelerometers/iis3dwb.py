"""IIS3DWB accelerometer over SPI: a wide band for bearings and gears, flat to 6 kHz.

source = {"driver": "iis3dwb", "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17, "freq_hz":
10000000, "range_g": 4} n_channels 3: acceleration x y z. range_g 2, 4, 8, 16: 16393, 8197, 4098,
2049 counts a g (0.122 mg a count at 4 g). rate_hz: 26667, no other; the chip's clock may be off by
some percent. Its FIFO holds 512 words of a tag and a frame: 19 ms. It has no I2C. Source: ST
IIS3DWB datasheet, DS13063: Mechanical characteristics (sensitivity), FIFO, and the section of
chapter 9 that is named as the register; ST's driver iis3dwb-pid has the same registers, codes and
sensitivities.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import code_of
from nearhum.sources.accelerometers.tagged import Tagged

_FIFO_CTRL3 = micropython.const(0x09)  # bits 3:0: 10, acceleration at its rate
_FIFO_CTRL4 = micropython.const(0x0A)  # bits 2:0: 0 bypass, which empties it; 6 continuous
_WHO_AM_I = micropython.const(0x0F)  # 0x7B
# bits 7:5: 5, it measures; bits 3:2 range: 0 2 g, 1 16 g, 2 4 g, 3 8 g
_CTRL1_XL = micropython.const(0x10)
# bit 6 block update; bit 2 the register counts up (so after reset); bit 0 resets all
_CTRL3_C = micropython.const(0x12)
_CTRL6_C = micropython.const(0x15)  # bits 1:0: 0, all three axes


class Source(Tagged):
    """One rate; larger bursts, so that a turn takes more than comes meanwhile."""

    address = 0  # on SPI alone
    who, chips = _WHO_AM_I, (0x7B,)
    reset = ((_CTRL3_C, 0x01),)
    sleep = ((_CTRL1_XL, 0),)
    n_burst = 64

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        code_of("rate_hz", config["rate_hz"], (26667,))
        wide = code_of("range_g", given.get("range_g", 4), (2, 16, 4, 8))
        self.counts = (16393, 2049, 8197, 4098)[wide]
        given["spi"]  # KeyError: it is named as missing
        return (
            (_CTRL3_C, 0x44),
            (_FIFO_CTRL3, 10),
            (_CTRL6_C, 0),
            (_CTRL1_XL, 0xA0 | wide << 2),
        ), ((_FIFO_CTRL4, 0), (_FIFO_CTRL4, 6))
