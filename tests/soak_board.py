# ruff: noqa: F821
"""The boot.py of the virtual board in a soak: a sensor and a clock that run faster than real time.

/sd/soak.json says {"start": seconds of the soak at which this start of the board is, "until":
seconds to which it runs at full speed, "speed": 0, or times as fast as the host's clock}. The
sensor delivers a frame for each second of the board's clock, and the clock counts the frames
delivered. After `until` it goes on at 60 frames a second, while the host asks, pulls, or cuts the
power. Milliseconds wrap at 2^30, as on a board, six hours after every start.
"""

import json
import sys
import time as real

import micropython

CHUNK = 20  # Frames delivered at once.
PERIOD = 1 << 30


class Clock:
    """Replaces the module time."""

    def __init__(self):
        self.ms = 0  # Since the start.

    def __getattr__(self, name):
        return getattr(real, name)

    def ticks_ms(self):
        return (self.ms + PERIOD - 6 * 3600 * 1000) & (PERIOD - 1)

    def ticks_diff(self, a, b):
        return ((a - b + PERIOD // 2) & (PERIOD - 1)) - PERIOD // 2

    def sleep_ms(self, ms):
        pass


@micropython.viper
def _fill(block: ptr16, n: int, start: int, seed: int) -> int:
    # Three channels: a machine's cycle of 20 minutes, in each of another height, and noise from
    # the sum of two dice.
    for i in range(n):
        phase = (start + i) % 1200
        wave = phase if phase < 600 else 1200 - phase
        for c in range(3):
            seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
            noise = (seed >> 20) & 255
            seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
            noise += (seed >> 20) & 255
            block[3 * i + c] = 5000 * (c + 1) + wave * (c + 1) + noise - 255
    return seed


class Source:
    """The sensor: see the module."""

    cue = ""

    def __init__(self, config):
        self._read_plan()
        self._at = self._plan["start"]
        self._seed = 1 + self._at % 1000003
        self._begun_us = real.ticks_us()

    def _read_plan(self):
        try:
            with open("/sd/soak.json") as f:
                self._plan = json.load(f)
        except ValueError:
            pass  # The host is writing the file. Read it the next time.

    def _due(self):
        # Frames that may be delivered now.
        if self._at >= self._plan["until"] or self._plan["speed"]:
            self._read_plan()
            rate = self._plan["speed"] or 60
            elapsed = real.ticks_diff(real.ticks_us(), self._begun_us)
            n = elapsed * rate // 1000000
            if n:
                self._begun_us = real.ticks_add(self._begun_us, n * 1000000 // rate)
            else:
                real.sleep_ms(1)
            return min(n, CHUNK)
        self._begun_us = real.ticks_us()
        return CHUNK

    def read_into(self, block):
        n = self._due()
        if n:
            self._seed = _fill(block, n, self._at, self._seed)
            self._at += n
            clock.ms += 1000 * n
        return n

    def close(self):
        pass


class _Driver:
    pass


clock = Clock()
sys.modules["time"] = clock
_Driver.Source = Source
sys.modules["nearhum.sources.soak"] = _Driver
