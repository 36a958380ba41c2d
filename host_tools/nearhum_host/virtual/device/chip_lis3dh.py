# type: ignore
# ST LIS3DH datasheet, DocID17530 Rev 2: Register mapping (reset values), 5.1 FIFO, I2C operation,
# SPI read, chapter 8.
from chip import Chip, counts, low_first

WHO_AM_I, CTRL_REG1, CTRL_REG4, CTRL_REG5 = 0x0F, 0x20, 0x23, 0x24
OUT_X_L, OUT_Z_H, FIFO_CTRL_REG, FIFO_SRC_REG = 0x28, 0x2D, 0x2E, 0x2F
FRAMES = 32


class Lis3dh(Chip):
    ADDRESSES = (0x18, 0x19)
    WHO = (WHO_AM_I, 0x33)
    RESET = {CTRL_REG1: 0x07, FIFO_SRC_REG: 0x20}
    SPI_MANY = 0x40
    I2C_MANY = 0x80

    def rate_hz(self):
        low_power = self.get(CTRL_REG1) & 8
        return (
            0,
            1,
            10,
            25,
            50,
            100,
            200,
            400,
            1600 if low_power else 0,
            5376 if low_power else 1344,
        )[min(9, self.get(CTRL_REG1) >> 4)]

    def keep(self, mg):
        per_g = (16000, 8000, 4000, 1333)[self.get(CTRL_REG4) >> 4 & 3]
        mask = ~15 if self.get(CTRL_REG4) & 8 else ~63  # 12 or 10 bits, left-aligned in 16.
        frame = low_first([counts(v, per_g) & mask for v in mg])
        mode = self.get(FIFO_CTRL_REG) >> 6 if self.get(CTRL_REG5) & 0x40 else 0
        if mode == 0:
            self.fifo = []
        elif mode == 1 and len(self.fifo) == FRAMES:
            self.n_lost += 1
        else:
            if len(self.fifo) == FRAMES:
                self.fifo.pop(0)
                self.n_lost += 1
            self.fifo.append(frame)

    def next(self, register):
        if register == OUT_Z_H and self.get(FIFO_CTRL_REG) >> 6:
            self._taken()  # The last byte of a frame was read: go on to the next frame.
            return OUT_X_L
        return register + 1

    def _taken(self):
        if self.fifo:
            self.fifo.pop(0)

    def read_byte(self, register):
        if OUT_X_L <= register <= OUT_Z_H:
            return self.fifo[0][register - OUT_X_L] if self.fifo else 0
        if register == FIFO_SRC_REG:
            n = len(self.fifo)
            return (0x40 if n == FRAMES else 0) | (0 if n else 0x20) | min(n, 31)
        return self.get(register)

    def write_byte(self, register, value):
        super().write_byte(register, value)
        if register == FIFO_CTRL_REG and value >> 6 == 0:
            self.fifo = []
