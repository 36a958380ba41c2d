# type: ignore
# ST LSM6DS3 (DocID026899 Rev 8), LSM6DSOX (DS12814), LSM6DSV16X (DS13510) and IIS3DWB (DS13063):
# register map (reset values), FIFO, chapter 9. The accelerometer only, without the gyroscope.
from chip import Bytes, Chip, counts, low_first

FUNC_CFG_ACCESS = 0x01
WHO_AM_I, CTRL1_XL, CTRL3_C, FIFO_STATUS1, FIFO_STATUS2 = 0x0F, 0x10, 0x12, 0x3A, 0x3B
RATES_HZ = (0, 12.5, 26, 52, 104, 208, 416, 833, 1660, 3330, 6660, 0, 0, 0, 0, 0)
PER_G = (16393, 2049, 8197, 4098)  # FS_XL: 2, 16, 4, 8 g


class _Lsm6ds(Chip):
    ADDRESSES = (0x6A, 0x6B)
    RESET = {CTRL3_C: 0x04}

    def rate_hz(self):
        return RATES_HZ[self.get(CTRL1_XL) >> 4]

    def get(self, register):
        # FUNC_CFG_ACCESS: other registers stand in the place of the identity.
        paged = register == WHO_AM_I and self.registers.get(FUNC_CFG_ACCESS, 0) & 0xC0
        return 0 if paged else super().get(register)

    def frame(self, mg):
        return low_first([counts(v, PER_G[self.get(CTRL1_XL) >> 2 & 3]) for v in mg])

    def write_byte(self, register, value):
        if register == CTRL3_C and value & 1:  # SW_RESET
            self.power_on()
        else:
            super().write_byte(register, value)
            if register == self.MODE and value & 7 == 0:  # Bypass empties the FIFO.
                self.clear()


class Lsm6ds3(_Lsm6ds):
    WHO = (WHO_AM_I, 0x69)
    MODE = 0x0A  # FIFO_CTRL5: bits 6:3 rate of the FIFO, bits 2:0 mode.
    FIFO_CTRL3, DATA_L, DATA_H = 0x08, 0x3E, 0x3F
    WORDS = 4096

    def power_on(self):
        super().power_on()
        self.fifo = Bytes(2 * self.WORDS)
        self.clear()

    def clear(self):
        self.fifo.clear()
        self.over = False

    def keep(self, mg):
        mode = self.get(self.MODE)
        if (
            mode & 7 != 6
            or self.get(self.FIFO_CTRL3) & 7 != 1
            or mode >> 3 & 15 != self.get(CTRL1_XL) >> 4
        ):
            return
        if self.fifo.push(self.frame(mg)):
            self.over = True
            self.n_lost += 1

    def next(self, register):
        return self.DATA_L if register == self.DATA_H else register + 1

    def read_byte(self, register):
        n = self.fifo.n // 2
        if register == FIFO_STATUS1:
            return n & 255
        if register == FIFO_STATUS2:
            return (0x40 if self.over else 0) | (0 if n else 0x10) | (n >> 8 & 15)
        if register in (self.DATA_L, self.DATA_H):
            return self.fifo.pull()
        return self.get(register)


class Lsm6dsox(_Lsm6ds):
    WHO = (WHO_AM_I, 0x6C)
    MODE = 0x0A  # FIFO_CTRL4: bits 2:0
    FIFO_CTRL3, TAG, LAST = 0x09, 0x78, 0x7E
    STATUS1, HIGH = FIFO_STATUS1, 3
    WORDS = 512

    def power_on(self):
        super().power_on()
        self.fifo = Bytes(7 * self.WORDS)
        self.clear()

    def clear(self):
        self.fifo.clear()
        self.over = self.latched = False

    def word(self, tag, raw):
        # Append one word to the FIFO: a tag that names the sensor, and six bytes.
        if self.fifo.push(bytes((tag << 3,)) + raw):
            self.over = self.latched = True
            self.n_lost += 1

    def keep(self, mg):
        if self.get(self.MODE) & 7 != 6 or not self.get(self.FIFO_CTRL3) & 15:
            return
        self.word(2, self.frame(mg))

    def next(self, register):
        return self.TAG if register == self.LAST else register + 1

    def read_byte(self, register):
        n = self.fifo.n // 7
        if register == self.STATUS1:
            return n & 255
        if register == self.STATUS1 + 1:
            value = (
                (0x40 if self.over else 0) | (0x08 if self.latched else 0) | (n >> 8 & self.HIGH)
            )
            self.latched = False  # Reading clears it.
            return value
        if self.TAG <= register <= self.LAST:
            self.over = False
            return self.fifo.pull()
        return self.get(register)


class Lsm6dsv16x(Lsm6dsox):
    # CTRL1: bits 6:4, 0 is high performance, bits 3:0 the rate; CTRL8: the range. FIFO of 1.5 KB.
    WHO = (WHO_AM_I, 0x70)
    RESET = {CTRL3_C: 0x44}
    STATUS1, HIGH = 0x1B, 1
    WORDS = 256
    CTRL8 = 0x17
    RATES_HZ = (0, 0, 7.5, 15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 0, 0, 0)

    def rate_hz(self):
        return 0 if self.get(CTRL1_XL) & 0x70 else self.RATES_HZ[self.get(CTRL1_XL) & 15]

    def frame(self, mg):
        per_g = (16393, 8197, 4098, 2049)[self.get(self.CTRL8) & 3]
        return low_first([counts(v, per_g) for v in mg])

    def write_byte(self, register, value):
        if register == CTRL3_C and value & 1 and (self.get(CTRL1_XL) or self.get(CTRL1_XL + 1)):
            return  # SW_RESET: the sensors have to be off.
        super().write_byte(register, value)


class Iis3dwb(Lsm6dsox):
    # CTRL1_XL: bits 7:5, 5 is on; CTRL6_C: bits 1:0, one axis alone, which this model does not make
    WHO = (WHO_AM_I, 0x7B)
    CTRL6_C = 0x15

    def rate_hz(self):
        on = self.get(CTRL1_XL) >> 5 == 5 and not self.get(self.CTRL6_C) & 3
        return 26667 if on else 0

    def keep(self, mg):
        if self.get(self.FIFO_CTRL3) & 15 == 10:
            super().keep(mg)
