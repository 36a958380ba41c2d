# type: ignore
# ruff: noqa: F821
# Base of the register models of sensors. They run under MicroPython on a virtual board (buses.py),
# and under CPython beside an emulated RP2040 (../emulated_sensor.py). Enters: reads and writes of
# registers, and a clock. Leaves: bytes. Registers, reset values and behaviour follow the chip's
# data sheet, and the file of each chip names the sections. This includes what is inconvenient for a
# driver: a FIFO that is not read in time loses frames.


class Motion:
    # The acceleration that a sensor measures, in mg for each axis: gravity on z, a vibration and
    # noise. Integers only, so that both Pythons agree. _SINE: 32 steps of one period, amplitude
    # 1000.
    _SINE = (
        0, 195, 383, 556, 707, 831, 924, 981, 1000, 981, 924, 831, 707, 556, 383, 195,
        0, -195, -383, -556, -707, -831, -924, -981, -1000, -981, -924, -831, -707, -556, -383,
        -195,
    )  # fmt: skip

    def __init__(self, gravity_mg=(0, 0, 1000), amplitude_mg=50, period=20, noise_mg=8):
        self.gravity_mg = gravity_mg
        self.amplitude_mg = amplitude_mg
        self.period = period  # Samples.
        self.noise_mg = noise_mg
        self._state = 1

    def _noise(self):
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % (2 * self.noise_mg + 1) - self.noise_mg if self.noise_mg else 0

    def at(self, i):
        # Return the i-th sample: x, y, z in mg.
        swing = self._SINE[(i % self.period) * 32 // self.period] * self.amplitude_mg // 1000
        return tuple(
            [g + swing // (1 + axis) + self._noise() for axis, g in enumerate(self.gravity_mg)]
        )


def counts(mg, per_g, bits=16):
    # Return an acceleration in the chip's counts, clipped to its range.
    most = (1 << (bits - 1)) - 1
    return max(-most - 1, min(most, mg * per_g // 1000))


def low_first(values):
    out = bytearray()
    for v in values:
        out += bytes((v & 255, (v >> 8) & 255))
    return bytes(out)


def high_first(values):
    return bytes([byte for v in values for byte in ((v >> 8) & 255, v & 255)])


class Chip:
    # clock_us: function that returns a time in µs. motion: a Motion. A subclass defines WHO
    # (register, value), RESET {register: value}, rate_hz(), keep(sample), and the behaviour of its
    # registers.
    RESET = {}
    INCREMENT = True  # A transfer of several bytes goes on to the next register.

    def __init__(self, clock_us, motion=None, who=None):
        self.clock_us = clock_us
        self.motion = motion or Motion()
        self.drift = 1.0  # Rate of its oscillator relative to the board's.
        self.nacks = 0  # Number of transfers that it will not answer.
        self.hold = False  # True: it has stopped measuring.
        self.n_made = 0
        self.n_lost = 0
        self.n_transfers = 0
        self.who = self.WHO[1] if who is None else who
        self.power_on()

    def power_on(self):
        # Set the registers to their values after power-on, or after its supply failed.
        self.registers = dict(self.RESET)
        self.registers[self.WHO[0]] = self.who
        self.fifo = []
        self._rate = 0
        self._begun_us = 0
        self._n_since = 0

    def get(self, register):
        return self.registers.get(register, 0)

    def go_on(self):
        # Put the samples that are due by now into the FIFO.
        rate = 0 if self.hold else self.rate_hz()
        now = self.clock_us()
        if rate != self._rate:
            self._rate, self._begun_us, self._n_since = rate, now, 0
        if not rate:
            return
        due = int((now - self._begun_us) * rate * self.drift / 1000000)
        while self._n_since < due:
            self._n_since += 1
            self.keep(self.motion.at(self.n_made))
            self.n_made += 1

    def next(self, register):
        # Return the register after this one in a transfer of several bytes.
        return register + 1

    def read(self, register, n):
        # Carry out one transfer of n bytes. Raises OSError if the chip does not answer.
        self.answer()
        out = bytearray(n)
        for i in range(n):
            out[i] = self.read_byte(register)
            register = self.next(register)
        return out

    def write(self, register, raw):
        self.answer()
        for byte in raw:
            self.write_byte(register, byte)
            register = self.next(register)
        self.go_on()  # If this write set a rate, sampling starts here.

    def answer(self):
        self.n_transfers += 1
        if self.nacks:
            self.nacks -= 1
            raise OSError(5)
        self.go_on()

    def read_byte(self, register):
        return self.get(register)

    def write_byte(self, register, value):
        if register != self.WHO[0]:
            self.registers[register] = value


class Bytes:
    # A FIFO of bytes that keeps the newest. It is allocated once, so that a model with 8 KB fits on
    # a board.
    def __init__(self, capacity):
        self._cells = bytearray(capacity)
        self._first = self.n = 0

    def clear(self):
        self._first = self.n = 0

    def push(self, raw):
        # Append raw. Return how many of the oldest bytes were lost.
        lost = max(0, self.n + len(raw) - len(self._cells))
        self._first = (self._first + lost) % len(self._cells)
        self.n -= lost
        for byte in raw:
            self._cells[(self._first + self.n) % len(self._cells)] = byte
            self.n += 1
        return lost

    def pull(self):
        # Remove and return the oldest byte, 0xFF if there is none.
        if not self.n:
            return 0xFF
        byte = self._cells[self._first]
        self._first = (self._first + 1) % len(self._cells)
        self.n -= 1
        return byte
