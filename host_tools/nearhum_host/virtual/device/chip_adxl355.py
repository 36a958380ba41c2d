# type: ignore
# Analog Devices ADXL354/ADXL355 Data Sheet, Rev. B: Register Map (reset values), Register
# Definitions, FIFO, Serial Communications.
from chip import Chip

PARTID, STATUS, FIFO_ENTRIES, FIFO_DATA = 0x02, 0x04, 0x05, 0x11
FILTER, FIFO_SAMPLES, RANGE, POWER_CTL, SELF_TEST, RESETS = 0x28, 0x29, 0x2C, 0x2D, 0x2E, 0x2F
OFFSET_X_H = 0x1E  # And y, z: two bytes each, high first, in the place of bits 19:4.
VALUES = 96
OVERRUN = 0x04


class Adxl355(Chip):
    ADDRESSES = (0x1D, 0x53)
    WHO = (PARTID, 0xED)
    RESET = {0x00: 0xAD, 0x01: 0x1D, 0x03: 0x01, FIFO_SAMPLES: 0x60, RANGE: 0x81, POWER_CTL: 0x01}
    SPI_LOW = True  # The address in bits 7:1, bit 0 reads; mode 0.

    def rate_hz(self):
        return 0 if self.get(POWER_CTL) & 1 else 4000 / (1 << min(10, self.get(FILTER) & 15))

    def keep(self, mg):
        if self.get(FILTER) & 0x70:  # The high-pass takes gravity away.
            mg = [v - g for v, g in zip(mg, self.motion.gravity_mg)]
        per_g = 512000 >> (self.get(RANGE) & 3)  # Codes 1, 2, 3.
        for axis, v in enumerate(mg):
            high, low = self.get(OFFSET_X_H + 2 * axis), self.get(OFFSET_X_H + 2 * axis + 1)
            count = v * per_g // 1000 + ((high << 8 | low) - ((high & 0x80) << 9) << 4)
            if self.get(SELF_TEST) & 3 == 3:
                count += per_g // 3
            count = max(-524288, min(524287, count)) & 0xFFFFF
            last = (count & 15) << 4 | (1 if axis == 0 else 0)
            if len(self.fifo) == VALUES:
                self.fifo.pop(0)
                self.registers[STATUS] = self.get(STATUS) | OVERRUN
                self.n_lost += 1
            self.fifo.append(bytes((count >> 12, count >> 4 & 255, last)))

    def next(self, register):
        return register if register == FIFO_DATA else register + 1

    def read(self, register, n):
        if register != FIFO_DATA:
            return super().read(register, n)
        self.answer()
        n_values = n // 3
        out = self.fifo[:n_values]
        self.fifo = self.fifo[n_values:]
        return bytearray(b"".join(out) + b"\x00\x00\x02" * (n_values - len(out)))

    def read_byte(self, register):
        if register == FIFO_ENTRIES:
            return len(self.fifo)
        value = self.get(register)
        if register == STATUS:
            self.registers[STATUS] = 0
        return value

    def write_byte(self, register, value):
        if register == RESETS:
            if value == 0x52:
                self.power_on()
        elif register >= OFFSET_X_H and (register == POWER_CTL or self.get(POWER_CTL) & 1):
            super().write_byte(register, value)
