"""MPU-6050 accelerometer (and gyroscope) over I2C.

source = {"driver": "mpu6050", "i2c": 0, "sda": 4, "scl": 5, "freq_hz": 400000, "address": 104,
"range_g": 4}. Leaves frames of n_channels
3  acceleration x y z. range_g 2, 4, 8, 16: 16384, 8192, 4096, 2048 counts a g (0.122 mg a count at
   4 g)
6  the same and angular rate x y z, +-1000 deg/s, 32.8 counts a deg/s
rate_hz: 1000 / n, n whole, 1 to 256. The FIFO of 1024 bytes lasts 170 ms at 1 kHz and 3 channels.

Boards sold as MPU-6050 often have another chip: an MPU-6500 (identity 0x70), an MPU-6880 (0x72) or
an ICM-20689 (0x98). These have the same registers here, but a FIFO of 512 bytes and their own
low-pass. There are also copies with the identity of the MPU-6050 and such a FIFO.

Source: InvenSense MPU-6000/MPU-6050 Register Map, revision 4.2 (each register names its section);
MPU-6500 Register Map, revision 2.1, 4.8 (0x1D), and Product Specification 1.3, 4.17 (FIFO).
"""

import micropython
from nearhum.errors import ConfigError
from nearhum.sources.accelerometers.registers import Fifo, code_of

_SMPLRT_DIV = micropython.const(0x19)  # 4.2: rate = 1 kHz / (1 + this) with the low-pass on
_CONFIG = micropython.const(0x1A)  # 4.3: low-pass. 1: 184 Hz, the widest with a clock of 1 kHz.
_GYRO_CONFIG = micropython.const(0x1B)  # 4.4: bits 4:3, 2 is +-1000 deg/s
_ACCEL_CONFIG = micropython.const(0x1C)  # 4.5: bits 4:3, +-2 4 8 16 g
_ACCEL_CONFIG2 = micropython.const(0x1D)  # MPU-6500 and similar: acceleration, 1: 184 Hz
_FIFO_EN = micropython.const(0x23)  # 4.6: 0x08 acceleration, 0x70 angular rate
_USER_CTRL = micropython.const(0x6A)  # 4.27: bit 6 FIFO on, bit 2 FIFO reset (while it is off)
_PWR_MGMT_1 = micropython.const(0x6B)  # 4.28: bit 7 reset, bit 6 sleep, 1: the gyroscope's clock
_PWR_MGMT_2 = micropython.const(0x6C)  # 4.29: bits of axes in standby
_FIFO_COUNT = micropython.const(0x72)  # 4.30: two bytes, high first
_FIFO_R_W = micropython.const(0x74)  # 4.31
_WHO_AM_I = micropython.const(0x75)  # 4.32: identity, 0x68 whatever the address pin says


@micropython.viper
def _swap(block: ptr16, n: int):
    """Swap the bytes of n big-endian int16, because all ports are little endian."""
    while n:
        n -= 1
        value = block[n]
        block[n] = value << 8 | value >> 8


class Source(Fifo):
    """Reads bursts of whole frames from the chip's FIFO."""

    address = 0x68
    who, chips = _WHO_AM_I, (0x68, 0x70, 0x72, 0x98)
    n_burst = 20
    reset = ((_PWR_MGMT_1, 0x80),)
    reset_ms = 100  # section 4.28
    sleep = ((_PWR_MGMT_1, 0x40),)

    def plan(self, config, given):
        rate = config["rate_hz"]
        divider = max(1, min(256, int(1000 / rate + 0.5)))
        if abs(1000 - rate * divider) > 1:
            raise ConfigError(
                "rate_hz = %s" % rate, "1000 / n, n of 1 to 256: %g is near" % (1000 / divider)
            )
        turning = code_of("n_channels", config["n_channels"], (3, 6))
        wide = code_of("range_g", given.get("range_g", 4), (2, 4, 8, 16))
        self.counts = 16384 >> wide
        return (
            (_PWR_MGMT_1, 0x01),
            (_PWR_MGMT_2, 0),
            (_SMPLRT_DIV, divider - 1),
            (_CONFIG, 0x01),
            (_GYRO_CONFIG, 0x10),
            (_ACCEL_CONFIG, wide << 3),
            (_FIFO_EN, 0x08 | turning * 0x70),
        ), ((_USER_CTRL, 0x04), (_USER_CTRL, 0x40))

    def also(self, found):
        """Return the low-pass of acceleration, for the chips that have a separate one."""
        return () if found == self.chips[0] else ((_ACCEL_CONFIG2, 1),)

    def level(self):
        """Return the frames in the FIFO, below 0 if it overflowed."""
        n_bytes = self._count()
        # A FIFO that overflowed stays full until it is read, and then it has no whole frames:
        # neither 1024 nor 512 is a multiple of 6 or 12. A FIFO of 1024 bytes has 512 only while it
        # writes a frame. So 512 bytes twice in a row mean a full FIFO of that size.
        if n_bytes > 1020 or n_bytes == 512 and self._count() == 512:
            return -1
        return n_bytes // (2 * self.n_values)

    def _count(self):
        two = self.read(_FIFO_COUNT, self.two)
        return two[0] << 8 | two[1]

    def take(self, n, block):
        """Read n frames into block. Returns n."""
        self.read(_FIFO_R_W, self.bursts[n])
        _swap(block, n * self.n_values)
        return n
