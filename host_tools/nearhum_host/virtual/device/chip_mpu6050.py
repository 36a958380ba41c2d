# type: ignore
# InvenSense MPU-6000/MPU-6050 Register Map and Descriptions, revision 4.2. Comments below name its
# sections in brackets.
from chip import Bytes, Chip, counts, high_first

SMPLRT_DIV, CONFIG, ACCEL_CONFIG, FIFO_EN = 0x19, 0x1A, 0x1C, 0x23  # [4.2] [4.3] [4.5] [4.6]
GYRO_CONFIG = 0x1B  # [4.4]: bits 4:3, +-250, 500, 1000, 2000 degrees a second
INT_STATUS, USER_CTRL, PWR_MGMT_1 = 0x3A, 0x6A, 0x6B  # [4.16] [4.27] [4.28]
FIFO_COUNTH, FIFO_COUNTL, FIFO_R_W, WHO_AM_I = 0x72, 0x73, 0x74, 0x75  # [4.30] [4.31] [4.32]
FIFO_BYTES = 1024


class Mpu6050(Chip):
    ADDRESSES = (0x68, 0x69)
    WHO = (WHO_AM_I, 0x68)
    RESET = {PWR_MGMT_1: 0x40}  # [3]: it sleeps. All other registers are 0.
    turning = 0, 0, 0  # Degrees a second.

    def power_on(self):
        super().power_on()
        self.fifo = Bytes(FIFO_BYTES)
        self._last = 0

    def rate_hz(self):
        if (
            self.get(PWR_MGMT_1) & 0x40
            or not self.get(USER_CTRL) & 0x40
            or not self.get(FIFO_EN) & 0x78
        ):
            return 0
        # [4.2]: 8 kHz without the low-pass filter, 1 kHz with it. The accelerometer itself has at
        # most 1 kHz [4.5].
        base = 8000 if self.get(CONFIG) & 7 in (0, 7) else 1000
        return base / (1 + self.get(SMPLRT_DIV))

    def keep(self, mg):
        per_g = 16384 >> (self.get(ACCEL_CONFIG) >> 3 & 3)
        frame = b""
        if self.get(FIFO_EN) & 0x08:
            frame += high_first([counts(v, per_g) for v in mg])
        if self.get(FIFO_EN) & 0x70:
            widest = 250 << (self.get(GYRO_CONFIG) >> 3 & 3)
            # [6.1]: 131, 65.5, 32.8, 16.4 counts a degree a second
            per_1000 = {250: 131000, 500: 65500, 1000: 32800, 2000: 16400}[widest]
            frame += high_first([counts(v, per_1000) for v in self.turning])
        if self.fifo.push(frame):  # [4.31]: the oldest is lost, and the flag is set.
            self.registers[INT_STATUS] = self.get(INT_STATUS) | 0x10
            self.n_lost += 1

    def next(self, register):
        return register if register == FIFO_R_W else register + 1

    def read_byte(self, register):
        if register == FIFO_R_W:
            if self.fifo.n:
                self._last = self.fifo.pull()
            return self._last  # [4.31]: an empty FIFO returns its last byte again.
        if register == FIFO_COUNTH:
            return self.fifo.n >> 8
        if register == FIFO_COUNTL:
            return self.fifo.n & 255
        value = self.get(register)
        if register == INT_STATUS:  # [4.16]: reading clears it.
            self.registers[INT_STATUS] = 0
        return value

    def write_byte(self, register, value):
        if register == PWR_MGMT_1 and value & 0x80:  # [4.28]: reset
            self.power_on()
            return
        # [4.27]: this bit empties the FIFO only while the FIFO is off, and clears itself.
        if register == USER_CTRL and value & 0x04:
            if not value & 0x40:
                self.fifo.clear()
            value &= ~0x04
        super().write_byte(register, value)
