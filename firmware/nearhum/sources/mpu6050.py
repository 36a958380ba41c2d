"""MPU-6050 accelerometer (and gyroscope) over I2C, by its FIFO: no sample is lost while the board computes.

source = {"driver": "mpu6050", "i2c": 0, "sda": 4, "scl": 5, "freq_hz": 400000, "address": 104}
n_channels 3: acceleration x y z, +-4 g, 8192 counts a g. 6: and angular rate, +-1000 deg/s, 32.8 counts a deg/s.
rate_hz: 1000 / n, n whole, 1..256.
Source: InvenSense MPU-6000/MPU-6050 Register Map, revision 4.2; the section stands at each register.
"""

import micropython
from machine import I2C, Pin

from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE

_SMPLRT_DIV = micropython.const(0x19)  # 4.2: 1 kHz / (1 + this) with the low-pass on
_CONFIG = micropython.const(0x1A)  # 4.3: low-pass
_GYRO_CONFIG = micropython.const(0x1B)  # 4.4
_ACCEL_CONFIG = micropython.const(0x1C)  # 4.5
_FIFO_EN = micropython.const(0x23)  # 4.6
_INT_STATUS = micropython.const(0x3A)  # 4.16: bit 4, FIFO overflow
_USER_CTRL = micropython.const(0x6A)  # 4.27: bit 6 FIFO on, bit 2 FIFO reset
_PWR_MGMT_1 = micropython.const(0x6B)  # 4.28: bit 7 reset; clock from the gyroscope: 1
_FIFO_COUNT = micropython.const(0x72)  # 4.30: two bytes, high first
_FIFO_R_W = micropython.const(0x74)  # 4.31
_WHO_AM_I = micropython.const(0x75)  # 4.32: 0x68 whatever the address pin says

_CHIP = 0x68
_BURST_BYTES = 240  # read at once, a multiple of both frame sizes


@micropython.viper
def _from_big_endian(raw: ptr8, n: int, block: ptr16):
    """Copy n big-endian int16 to the machine's order."""
    for i in range(n):
        block[i] = raw[2 * i] << 8 | raw[2 * i + 1]


class Source:
    """Reads bursts of whole frames from the chip's FIFO of 1024 bytes."""

    cue = ""

    def __init__(self, config):
        given = config["source"]
        n_channels = config["n_channels"]
        if n_channels not in (3, 6):
            raise ConfigError(
                "n_channels = %d for an MPU-6050" % n_channels, "3 (acceleration) or 6 (and angular rate)"
            )
        divider = int(1000 / config["rate_hz"] + 0.5)
        if not 1 <= divider <= 256 or abs(1000 / divider - config["rate_hz"]) > 0.001 * config["rate_hz"]:
            raise ConfigError(
                "rate_hz = %s for an MPU-6050" % config["rate_hz"], "1000 / n, n whole: 1000, 500, 250 ..."
            )
        self._frame_bytes = 2 * n_channels
        self._channels = 0x08 if n_channels == 3 else 0x78
        self._address = given.get("address", 0x68)
        self._i2c = I2C(
            given.get("i2c", 0), sda=Pin(given["sda"]), scl=Pin(given["scl"]), freq=given.get("freq_hz", 400000)
        )
        self._raw = memoryview(bytearray(_BURST_BYTES))
        # slices made once, one a number of frames: making one in each turn would allocate
        n = _BURST_BYTES // self._frame_bytes
        self._bursts = [self._raw[: i * self._frame_bytes] for i in range(n + 1)]
        self._two = bytearray(2)
        self._one = bytearray(1)
        try:
            self._start(divider)
        except OSError:
            raise SourceError(
                "no answer from address 0x%02x on I2C %d" % (self._address, given.get("i2c", 0)),
                "check wiring and pull-ups: SDA to pin %s, SCL to pin %s" % (given["sda"], given["scl"]),
            )

    def _start(self, divider):
        self._i2c.readfrom_mem_into(self._address, _WHO_AM_I, self._one)
        if self._one[0] != _CHIP:
            raise SourceError(
                "the chip at 0x%02x says it is 0x%02x, not an MPU-6050 (0x68)" % (self._address, self._one[0]),
                "another sensor needs its own driver in the board file",
            )
        for register, value in (
            (_PWR_MGMT_1, 0x01),
            (_SMPLRT_DIV, divider - 1),
            (_CONFIG, 0x01),  # 184 Hz: the widest low-pass with a 1 kHz clock
            (_GYRO_CONFIG, 0x10),
            (_ACCEL_CONFIG, 0x08),
            (_FIFO_EN, self._channels),
        ):
            self._write(register, value)
        self._reset_fifo()

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)

    def _reset_fifo(self):
        self._write(_USER_CTRL, 0x04)
        self._write(_USER_CTRL, 0x40)

    def read_into(self, block):
        """Fill block, array('h'), with whole frames. Returns their number, NONE, or GAP after an overflow."""
        self._i2c.readfrom_mem_into(self._address, _INT_STATUS, self._one)
        if self._one[0] & 0x10:
            self._reset_fifo()
            return GAP
        self._i2c.readfrom_mem_into(self._address, _FIFO_COUNT, self._two)
        n = (self._two[0] << 8 | self._two[1]) // self._frame_bytes
        n = min(n, len(self._bursts) - 1, len(block) * 2 // self._frame_bytes)
        if not n:
            return NONE
        self._i2c.readfrom_mem_into(self._address, _FIFO_R_W, self._bursts[n])
        _from_big_endian(self._raw, n * self._frame_bytes // 2, block)
        return n

    def close(self):
        """Put the chip to sleep."""
        self._write(_PWR_MGMT_1, 0x40)
