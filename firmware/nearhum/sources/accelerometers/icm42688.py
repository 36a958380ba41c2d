"""ICM-42688-P accelerometer over I2C or SPI; its gyroscope stays off.

source = {"driver": "icm42688", "i2c": 0, "sda": 4, "scl": 5, "address": 104, "range_g": 4}, or the
pins of SPI n_channels 3: acceleration x y z. range_g 2, 4, 8, 16: 16384, 8192, 4096, 2048 counts a
g (0.122 mg a count at 4 g). rate_hz: 12.5, 25, 50, 100, 200, 500, 1000, 2000, and on SPI 4000,
8000, 16000, 32000. Its FIFO holds 255 frames: 255 ms at 1 kHz, 8 ms at 32 kHz. Source: TDK
InvenSense ICM-42688-P Datasheet, DS-000347 Revision 1.5, whose section stands at each register;
3.2 (sensitivity), 6 (FIFO), 9.3 (I2C addresses).
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

_DEVICE_CONFIG = micropython.const(0x11)  # 14.1: bit 0 resets all, within 1 ms
_FIFO_CONFIG = micropython.const(0x16)  # 14.4: bits 7:6, 1: stream, the oldest frame is lost
# 14.21: bit 1, the FIFO was full; cleared by reading. The two next, 14.22 and 14.23: records in the
# FIFO, high byte first
_INT_STATUS = micropython.const(0x2D)
_FIFO_DATA = micropython.const(0x30)  # 14.24
_SIGNAL_PATH_RESET = micropython.const(0x4B)  # 14.33: bit 1 empties the FIFO
# 14.34: bit 6, the FIFO counts records; bits 5:4 high byte first, so after reset
_INTF_CONFIG0 = micropython.const(0x4C)
# 14.36: bits 1:0, 3: low noise; bits 3:2 gyroscope. No write within 200 us, so it is the last one
_PWR_MGMT0 = micropython.const(0x4E)
_ACCEL_CONFIG0 = micropython.const(0x50)  # 14.38: bits 7:5 range, 0 is 16 g; bits 3:0 rate
# 14.40: bits 7:4, 0: low-pass at half the rate; 1, after reset, is above it under 200 Hz
_GYRO_ACCEL_CONFIG0 = micropython.const(0x52)
# 14.45: bit 0, acceleration alone: packets of 8 bytes (6.4); bit 6, it may be read in parts
_FIFO_CONFIG1 = micropython.const(0x5F)
_WHO_AM_I = micropython.const(0x75)  # 14.58: 0x47
_REG_BANK_SEL = micropython.const(0x76)  # 14.59: other registers stand in the place of these
_FULL = micropython.const(255)  # 6.3: 2048 bytes, less one frame


@micropython.viper
def _frames(raw: ptr8, n: int, block: ptr16) -> int:
    """Copy the frames of acceleration from n packets of 8 bytes, high byte first. Returns their
    number.

    6.1, packet 1, and 6.2: bit 7 of the first byte, it is empty; bit 6, it has acceleration. 12.8:
    -32768 is no sample.
    """
    got = 0
    for i in range(n):
        at = 8 * i
        x = raw[at + 1] << 8 | raw[at + 2]
        if raw[at] & 0xC0 == 0x40 and x != 0x8000:
            block[3 * got] = x
            block[3 * got + 1] = raw[at + 3] << 8 | raw[at + 4]
            block[3 * got + 2] = raw[at + 5] << 8 | raw[at + 6]
            got += 1
    return got


class Source(Fifo):
    """Reads bursts of whole packets from the chip's FIFO."""

    address = 0x68  # 0x69 with the pin AP_AD0 high
    who, chips = _WHO_AM_I, (0x47,)
    n_burst = 20
    clip = 32766  # 14.34: the lowest valid sample is -32766
    page = ((_REG_BANK_SEL, 0),)
    reset = ((_DEVICE_CONFIG, 0x01),)
    sleep = ((_PWR_MGMT0, 0),)

    def plan(self, config, given):
        if config["n_channels"] != 3:
            raise ConfigError("n_channels = %d" % config["n_channels"], "3")
        # faster than 2 kHz wants more than I2C carries beside the board's work
        rates = (32000, 16000, 8000, 4000) if "spi" in given else (0, 0, 0, 0)
        rates = (0,) + rates + (2000, 1000, 200, 100, 50, 25, 12.5, 0, 0, 0, 500)
        code = code_of("rate_hz", config["rate_hz"], rates)
        wide = code_of("range_g", given.get("range_g", 4), (16, 8, 4, 2))
        self.counts = 2048 << wide
        self._three = bytearray(3)
        return (
            (_INTF_CONFIG0, 0x70),
            (_ACCEL_CONFIG0, wide << 5 | code),
            (_GYRO_ACCEL_CONFIG0, 0x01),
            (_FIFO_CONFIG1, 0x41),
            (_FIFO_CONFIG, 0x40),
        ), ((_SIGNAL_PATH_RESET, 0x02), (_PWR_MGMT0, 0x03))

    def level(self):
        """Return the frames in the FIFO, below 0 where it was full: one may be lost."""
        status, high, low = self.read(_INT_STATUS, self._three)
        n = high << 8 | low
        return -1 if status & 0x02 or n >= _FULL else n

    def cut(self, block, n):
        """Return parts of a buffer for 0 to n packets of 8 bytes."""
        packets = memoryview(bytearray(8 * n))
        return [packets[: 8 * i] for i in range(n + 1)]

    def take(self, n, block):
        """Read n packets. Returns how many of them were frames, now in block."""
        self.read(_FIFO_DATA, self.bursts[n])
        return _frames(self.bursts[-1], n, block)
