# type: ignore
# ruff: noqa: F821, SIM115
# The parts of the module machine that the unix port lacks: watchdog, memory, clock, and pins with
# nothing connected.
import time

import uctypes
from micropython import const

# RP2040 only: bits written to this address are cleared in the watchdog's register.
_WATCHDOG_CTRL_CLEAR = const(0x4005B000)


class WDT:
    # The watchdog. The supervisor measures its time, and is told of a feed at most four times in a
    # timeout.

    tell = None  # Set at boot.
    longest_ms = 8388

    def __init__(self, id=0, timeout=5000):
        if not 0 < timeout <= self.longest_ms:
            raise ValueError("timeout exceeds %d" % self.longest_ms)
        self._timeout_ms = timeout
        self._told = time.ticks_ms()
        WDT.tell("watchdog %d" % timeout)

    def feed(self):
        now = time.ticks_ms()
        if 4 * time.ticks_diff(now, self._told) >= self._timeout_ms:
            self._told = now
            WDT.tell("fed")


class Memory:
    # machine.mem32 over the memory of this process, because mpremote's mount reads the arguments of
    # seek through it. One register of the watchdog is modelled.

    def __getitem__(self, address):
        return int.from_bytes(uctypes.bytes_at(address, 4), "little")

    def __setitem__(self, address, value):
        if address == _WATCHDOG_CTRL_CLEAR:
            WDT.tell("watchdog 0")
            return
        uctypes.bytearray_at(address, 4)[:] = (value & 0xFFFFFFFF).to_bytes(4, "little")


class RTC:
    # The host's clock. Setting it has no effect.

    def datetime(self, when=None):
        t = time.gmtime()
        return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)


class Pin:
    # A pin with nothing connected. It remembers the level that was written, by its number.

    IN, OUT, OPEN_DRAIN, PULL_UP, PULL_DOWN = 0, 1, 2, 1, 2
    levels = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self.id = id
        if value is not None:
            self.levels[id] = int(bool(value))
        elif id not in self.levels:
            self.levels[id] = int(pull == self.PULL_UP)

    def value(self, level=None):
        if level is None:
            return self.levels[self.id]
        self.levels[self.id] = int(bool(level))
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())


class Signal:
    # A pin with an inverted or plain level. The unix port's own Signal accepts no pin that is
    # written in Python.

    def __init__(self, pin, *, invert=False):
        self._pin = pin
        self._invert = invert

    def value(self, on=None):
        if on is None:
            return self._pin.value() ^ self._invert
        self._pin.value(bool(on) ^ self._invert)
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)
