"""LIS3DH accelerometer over I2C or SPI.

source = {"driver": "lis3dh", "i2c": 0, "sda": 4, "scl": 5, "address": 24, "range_g": 4}, or the
pins of SPI. Leaves frames of n_channels 3: acceleration x y z in high-resolution mode, with 12 bits
at the top of 16. range_g 2, 4, 8, 16: 16000, 8000, 4000, 1333 counts a g (0.125 mg a count at 4 g).
rate_hz: 1, 10, 25, 50, 100, 200, 400, 1344. The FIFO holds 32 frames, 80 ms at 400 Hz.

Source: ST LIS3DH datasheet, DocID17530 Rev 2: Mechanical characteristics (sensitivity), 5.1 FIFO,
I2C operation and SPI read (of several bytes), and for each register the section of chapter 8 with
its name.
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

_WHO_AM_I = micropython.const(0x0F)  # identity, always 0x33
_TEMP_CFG_REG = micropython.const(0x1F)  # Bit 7: ADC on. Bit 6: temperature on.
_CTRL_REG1 = micropython.const(0x20)  # Bits 7:4: rate. Bits 2:0: axes on.
# Bit 3: high-pass of the data, which removes gravity. The chip has no reset (BOOT reloads only the
# trim), so this is written.
_CTRL_REG2 = micropython.const(0x21)
_CTRL_REG3 = micropython.const(0x22)  # interrupts
_CTRL_REG4 = micropython.const(0x23)  # Bit 7: block update. 5:4: range. 3: high resolution.
_CTRL_REG5 = micropython.const(0x24)  # Bit 6: FIFO on.
# Six bytes, low first. In a read of several frames the address wraps from 0x2D to 0x28.
_OUT_X_L = micropython.const(0x28)
_MANY = micropython.const(0x80)  # In the address: it counts up (I2C operation).
_FIFO_CTRL_REG = micropython.const(0x2E)  # Bits 7:6: 0 bypass, which empties it. 2 stream.
_FIFO_SRC_REG = micropython.const(0x2F)  # Bit 6: overrun. Bits 4:0: unread frames.


class Source(Fifo):
    """Reads bursts of whole frames from the chip's FIFO."""

    address = 0x18  # 0x19 if pin SDO/SA0 is high (I2C operation)
    who, chips = _WHO_AM_I, (0x33,)
    spi_many = 0x40  # Bit 6: the register counts up (SPI read).
    clip = 32752  # the largest sample: 12 bits at the top of 16
    n_burst = 32
    sleep = ((_CTRL_REG1, 0x07),)  # rate 0: power-down

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        code = code_of("rate_hz", config["rate_hz"], (0, 1, 10, 25, 50, 100, 200, 400, 0, 1344))
        wide = code_of("range_g", given.get("range_g", 4), (2, 4, 8, 16))
        self.counts = (16000, 8000, 4000, 1333)[wide]
        return (
            (_TEMP_CFG_REG, 0),
            (_CTRL_REG2, 0),
            (_CTRL_REG3, 0),
            (_CTRL_REG1, code << 4 | 7),
            (_CTRL_REG4, 0x88 | wide << 4),
            (_CTRL_REG5, 0x40),
        ), ((_FIFO_CTRL_REG, 0), (_FIFO_CTRL_REG, 0x80))

    def level(self):
        """Return the frames in the FIFO, below 0 if it overran: then frames may be lost."""
        source = self.read(_FIFO_SRC_REG, self.one)[0]
        return -1 if source & 0x40 else source & 31

    def take(self, n, block):
        """Read n frames into block. Returns n."""
        self.read(_OUT_X_L | _MANY, self.bursts[n])
        return n
