# type: ignore
# Kionix KX134-1211 Technical Reference Manual, Rev. 4.0. Comments below name its sections in
# brackets. A burst of the FIFO that lasts longer than a sample loses frames in the chip; here it is
# an error, so that a test sees it.
from chip import Chip, counts, low_first

WHO_AM_I, CNTL1, CNTL2, CNTL4 = 0x13, 0x1B, 0x1C, 0x1E  # [1.7] [1.12]
ODCNTL, SELF_TEST = 0x21, 0x5D  # [1.13] [1.22]
BUF_CNTL2, BUF_STATUS_1, BUF_STATUS_2, BUF_CLEAR, BUF_READ = 0x5F, 0x60, 0x61, 0x62, 0x63  # [1.23]
ADP_CNTL2 = 0x65  # [1.24]
FRAMES = 86
# Table 1: these are written only while the chip does not measure
STANDBY = (ODCNTL, 0x1D, CNTL4, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x3A, 0x3B)


class Kx134(Chip):
    ADDRESSES = (0x1E, 0x1F)
    WHO = (WHO_AM_I, 0x46)
    RESET = {0x12: 0x55, CNTL2: 0x3F, CNTL4: 0x40, ODCNTL: 0x06, ADP_CNTL2: 0x02}
    BITS_A_S = 400000  # Of the bus, for the length of a burst.

    def rate_hz(self):
        if not self.get(CNTL1) & 0x80 or self.get(CNTL4) & 0x10:  # Asleep.
            return 0
        return 0.78125 * (1 << (self.get(ODCNTL) & 15))

    def keep(self, mg):
        mode = self.get(BUF_CNTL2)
        if mode & 0xC0 != 0xC0 or self.get(ADP_CNTL2) & 0x80:
            return  # Off, of 8 bits, or filled by the advanced data path, which is not modelled.
        if len(self.fifo) == FRAMES:
            self.n_lost += 1
            if mode & 3 != 1:
                return
            self.fifo.pop(0)
        per_g = 4096 >> (self.get(CNTL1) >> 3 & 3)
        if self.get(SELF_TEST) == 0xCA:
            mg = [v + 500 for v in mg]
        self.fifo.append(low_first([counts(v, per_g) for v in mg]))

    def next(self, register):
        return register if register == BUF_READ else register + 1

    def read(self, register, n):
        if register != BUF_READ:
            return super().read(register, n)
        self.answer()
        if n % 6 or 9 * n / self.BITS_A_S > 1 / (self.rate_hz() or 1):
            raise AssertionError("a burst of %d bytes lasts longer than a sample" % n)
        out = b"".join(self.fifo[: n // 6])
        self.fifo = self.fifo[n // 6 :]
        return bytearray(out + b"\x00" * (n - len(out)))

    def read_byte(self, register):
        n = 6 * len(self.fifo)
        if register == BUF_STATUS_1:
            return n & 255
        if register == BUF_STATUS_2:
            return n >> 8
        return 0 if register == SELF_TEST else self.get(register)

    def write_byte(self, register, value):
        on = self.get(CNTL1) & 0x80
        if register == CNTL1 and not value & 0x80 or register == BUF_CLEAR:
            self.fifo = []
        if register == BUF_CNTL2 and not value & 0x80:
            self.fifo = []
        if register == CNTL2 and value & 0x80 and not on:
            self.power_on()
            raise OSError(5)  # [1.12]: it is not acknowledged.
        if on and (register in STANDBY or register == CNTL1 and value & 0x80):
            return
        if register not in (BUF_STATUS_1, BUF_STATUS_2, BUF_CLEAR, BUF_READ):
            super().write_byte(register, value)
