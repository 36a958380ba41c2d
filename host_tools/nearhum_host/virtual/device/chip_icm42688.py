# type: ignore
# TDK InvenSense ICM-42688-P Datasheet, DS-000347 Revision 1.5. Comments below name its sections in
# brackets. The accelerometer only, without the gyroscope.
from chip import Chip, counts, high_first, low_first

DEVICE_CONFIG, DRIVE_CONFIG, FIFO_CONFIG = 0x11, 0x13, 0x16  # [14.1] [14.2] [14.4]
INT_STATUS, FIFO_COUNTH, FIFO_COUNTL, FIFO_DATA = 0x2D, 0x2E, 0x2F, 0x30  # [14.21] to [14.24]
SIGNAL_PATH_RESET, INTF_CONFIG0, PWR_MGMT0 = 0x4B, 0x4C, 0x4E  # [14.33] [14.34] [14.36]
GYRO_CONFIG0, ACCEL_CONFIG0, GYRO_ACCEL_CONFIG0 = 0x4F, 0x50, 0x52  # [14.37] [14.38] [14.40]
FIFO_CONFIG1, WHO_AM_I, REG_BANK_SEL = 0x5F, 0x75, 0x76  # [14.45] [14.58] [14.59]
RATES_HZ = (
    0, 32000, 16000, 8000, 4000, 2000, 1000, 200, 100, 50, 25, 12.5, 6.25, 3.125, 1.5625, 500,
)  # fmt: skip
FRAMES = 255  # [6.3]: 2048 bytes, less one packet of 8
FULL, RESUME = 0x02, 0x40


class Icm42688(Chip):
    ADDRESSES = (0x68, 0x69)  # [9.3]
    WHO = (WHO_AM_I, 0x47)
    RESET = {
        DRIVE_CONFIG: 0x05,
        INT_STATUS: 0x10,
        INTF_CONFIG0: 0x30,
        0x4D: 0x91,
        GYRO_CONFIG0: 0x06,
        ACCEL_CONFIG0: 0x06,
        0x51: 0x16,
        GYRO_ACCEL_CONFIG0: 0x11,
        0x53: 0x0D,
        0x54: 0x23,
        0x65: 0x10,
    }

    def rate_hz(self):
        mode, code = self.get(PWR_MGMT0) & 3, self.get(ACCEL_CONFIG0) & 15
        low_noise, low_power = mode == 3 and not 12 <= code <= 14, mode == 2 and code >= 7
        return RATES_HZ[code] if low_noise or low_power else 0

    def keep(self, mg):
        if not self.get(FIFO_CONFIG) >> 6 or self.get(FIFO_CONFIG1) & 0x13 != 1:
            return  # Bypass, or packets that this model does not make.
        wide = self.get(ACCEL_CONFIG0) >> 5
        frame = [counts(v, 2048 << wide) for v in mg]
        if not self.get(INTF_CONFIG0) & 0x80:
            frame = [max(-32766, v) for v in frame]
        ends = high_first if self.get(INTF_CONFIG0) & 0x10 else low_first
        if len(self.fifo) == FRAMES:
            self.n_lost += 1
            if self.get(FIFO_CONFIG) >> 6 > 1:  # It stops when it is full.
                return
            self.fifo.pop(0)
        self.fifo.append(b"\x40" + ends(frame) + b"\x00")  # [6.1]: packet 1
        if len(self.fifo) == FRAMES:
            self.registers[INT_STATUS] = self.get(INT_STATUS) | FULL

    def next(self, register):
        return register if register == FIFO_DATA else register + 1

    def read(self, register, n):
        if register != FIFO_DATA or self.get(REG_BANK_SEL):
            return super().read(register, n)
        self.answer()
        out, n_whole = b"".join(self.fifo)[:n], n // 8
        # [14.45]: without this bit, a FIFO that was read in part begins again.
        if self.get(FIFO_CONFIG1) & RESUME or n_whole >= len(self.fifo):
            self.fifo = self.fifo[n_whole:]
        return bytearray(out + b"\xff" * (n - len(out)))

    def read_byte(self, register):
        if self.get(REG_BANK_SEL) and register != REG_BANK_SEL:
            return 0
        if register in (FIFO_COUNTH, FIFO_COUNTL):
            n = len(self.fifo) * (1 if self.get(INTF_CONFIG0) & 0x40 else 8)
            high = (register == FIFO_COUNTH) == (self.get(INTF_CONFIG0) & 0x20 > 0)
            return n >> 8 if high else n & 255
        value = self.get(register)
        if register == INT_STATUS:
            self.registers[INT_STATUS] = 0
        return value

    def write_byte(self, register, value):
        if self.get(REG_BANK_SEL) and register != REG_BANK_SEL:
            return  # A register of another bank, which is not modelled.
        if register == DEVICE_CONFIG and value & 1:
            self.power_on()
        elif register == SIGNAL_PATH_RESET:
            if value & 0x02:
                self.fifo = []
        elif register not in (INT_STATUS, FIFO_COUNTH, FIFO_COUNTL, FIFO_DATA):
            super().write_byte(register, value)
            if register == FIFO_CONFIG and value >> 6 == 0:
                self.fifo = []
