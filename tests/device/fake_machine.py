"""Stand-ins for `machine`, and for `time` and `sys` of the sources.

A test calls `stand_in(machine=..., ...)` before it imports a driver, and `give_back()` afterwards,
which restores the real modules. Time advances only when a test advances it.
"""

import sys
from array import array

from uctypes import addressof, bytearray_at

BLOCK = array("h", bytes(1024))
PICO = "Raspberry Pi Pico with RP2040"
_kept = {}


class Clock:
    """Time that goes on when a test says so; stands in for `time` in the sources."""

    us = 0
    slept_ms = 0

    @classmethod
    def ticks_us(cls):
        return cls.us

    @classmethod
    def ticks_ms(cls):
        return cls.us // 1000

    @staticmethod
    def ticks_diff(a, b):
        return a - b

    @staticmethod
    def ticks_add(a, b):
        return a + b

    @classmethod
    def sleep_ms(cls, ms):
        cls.slept_ms += ms
        cls.us += 1000 * ms


class Memory:
    """machine.mem32: what a test has put in its place."""

    of = None

    def __getitem__(self, address):
        return self.of[address]

    def __setitem__(self, address, value):
        self.of[address] = value


class Pin:
    IN, OUT = 0, 1
    levels = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if id == "nonsense":
            raise ValueError("unknown named Pin")
        self.id = id

    def value(self, level=None):
        if level is not None:
            self.levels[self.id] = int(bool(level))
        return self.levels.get(self.id)

    __call__ = value


class Signal:
    def __init__(self, pin, invert=False):
        self.pin, self.invert = pin, invert

    def __call__(self, on):
        self.pin.value(not on if self.invert else on)


class ADC:
    values = {}

    def __init__(self, pin):
        self.pin = pin.id

    def read_u16(self):
        return self.values.get(self.pin, 32768)


class Timer:
    PERIODIC = 1
    made = []

    def __init__(self, id):
        self.on = False
        self.made.append(self)

    def init(self, *, mode, freq, callback):
        self.freq, self.callback, self.on = freq, callback, True

    def deinit(self):
        self.on = False


class I2S:
    """A port's receiver: `sound` comes at `rate`; a buffer holds what nobody asked for, and
    loses the rest.
    """

    RX, MONO = 0, 0
    made = None

    def __init__(self, id, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        assert bits == 32
        self.rate, self.n_most = rate, ibuf // 8
        # [first, number] of each run of samples that wait: a list of them all would be larger than
        # the buffer, and than what a board has in one piece
        self.waiting, self.n_waiting = [], 0
        self.n_come = self.n_lost = 0
        self.wanted = None
        I2S.made = self

    def irq(self, callback):
        self.callback = callback

    def readinto(self, out):
        assert self.wanted is None, "asked while the last buffer is being filled"
        self.wanted, self._at = bytearray_at(addressof(out), 2 * len(out)), 0
        self._fill()

    def run(self, n):
        for _ in range(n):
            if self.n_waiting == self.n_most:
                self.n_lost += 1
            else:
                if not self.waiting or sum(self.waiting[-1]) != self.n_come:
                    self.waiting.append([self.n_come, 0])
                self.waiting[-1][1] += 1
                self.n_waiting += 1
            self.n_come += 1
            self._fill()
        Clock.us += n * 1000000 // self.rate

    def _next(self):
        run = self.waiting[0]
        v = sound(run[0])
        run[0] += 1
        run[1] -= 1
        self.n_waiting -= 1
        if not run[1]:
            self.waiting.pop(0)
        return v

    def _fill(self):
        while self.wanted is not None and self.waiting:
            v = self._next()
            self.wanted[self._at : self._at + 4] = bytes((0, v & 255, v >> 8 & 255, v >> 16 & 255))
            self._at += 4
            if self._at == len(self.wanted):
                self.wanted = None
                self.callback(self)

    def deinit(self):
        self.gone = True


def sound(i):
    """24 bits, different ones for thousands of samples."""
    return (i * 797) % 60000 - 30000


class Machine:
    """The module `machine`, as far as the sources use it."""

    lightslept_ms = 0
    ADC, Pin, Timer, I2S, Signal, mem32 = ADC, Pin, Timer, I2S, Signal, Memory()

    @classmethod
    def lightsleep(cls, ms):
        cls.lightslept_ms += ms
        Clock.us += 1000 * ms


class OnPico:
    """sys, on an RP2040."""

    platform = "rp2"

    class implementation:
        _machine = PICO


class OnEsp32:
    """sys, on a port whose I2S is filled by DMA alone."""

    platform = "esp32"


def stand_in(**modules):
    """Put stand-ins where modules are imported from."""
    for name in modules:
        if name not in _kept:
            _kept[name] = sys.modules.get(name)
        sys.modules[name] = modules[name]


def give_back():
    """Let imports find the port's own modules again; where there are none the stand-ins stay."""
    for name in _kept:
        if _kept[name]:
            sys.modules[name] = _kept[name]


def config(rate, n_channels=1, **source):
    return {
        "n_channels": n_channels,
        "n_subcarriers": 0,
        "rate_hz": rate,
        "n_window": 32,
        "source": source,
    }


def stopped_at_the_ends(v, gain_bits):
    return max(-32768, min(32767, v >> (8 - gain_bits)))
