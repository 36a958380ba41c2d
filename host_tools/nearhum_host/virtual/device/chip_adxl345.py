# type: ignore
# Analog Devices ADXL345 Data Sheet, Rev. E: Register Map (reset values), Register Definitions,
# Interrupts, FIFO.
from chip import Chip, counts, low_first

DEVID, BW_RATE, POWER_CTL, INT_SOURCE, DATA_FORMAT, DATAX0 = 0x00, 0x2C, 0x2D, 0x30, 0x31, 0x32
FIFO_CTL, FIFO_STATUS = 0x38, 0x39
FRAMES = 32


class Adxl345(Chip):
    ADDRESSES = (0x53, 0x1D)
    WHO = (DEVID, 0xE5)
    RESET = {BW_RATE: 0x0A, INT_SOURCE: 0x02}
    SPI_MANY = 0x40

    def rate_hz(self):
        return 3200 / (1 << (15 - (self.get(BW_RATE) & 15))) if self.get(POWER_CTL) & 8 else 0

    def keep(self, mg):
        wide, full = self.get(DATA_FORMAT) & 3, self.get(DATA_FORMAT) & 8
        bits = 10 + wide if full else 10
        frame = low_first([counts(v, 256 if full else 256 >> wide, bits) for v in mg])
        mode = self.get(FIFO_CTL) >> 6
        if mode == 0:  # Bypass: only the last frame.
            self.fifo = [frame]
        elif mode == 2:
            if len(self.fifo) == FRAMES:  # Stream: drop the oldest and set the overrun bit.
                self.fifo.pop(0)
                self.n_lost += 1
                self.registers[INT_SOURCE] = self.get(INT_SOURCE) | 1
            self.fifo.append(frame)
        elif len(self.fifo) < FRAMES:
            self.fifo.append(frame)

    def read(self, register, n):
        out = super().read(register, n)
        if register <= DATAX0 + 5 and register + n > DATAX0 and self.fifo:
            # A transfer that reads data registers removes one frame and clears the overrun bit.
            self.fifo.pop(0)
            self.registers[INT_SOURCE] = self.get(INT_SOURCE) & ~1
        return out

    def read_byte(self, register):
        if DATAX0 <= register < DATAX0 + 6:
            return self.fifo[0][register - DATAX0] if self.fifo else 0
        if register == FIFO_STATUS:
            return len(self.fifo)
        return self.get(register)

    def write_byte(self, register, value):
        if register == FIFO_CTL and value >> 6 == 0:
            self.fifo = []
        if register not in (INT_SOURCE, FIFO_STATUS):
            super().write_byte(register, value)
