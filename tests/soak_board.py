# ruff: noqa: F821
"""Runs on the virtual board, as its boot.py: a sensor and a clock for a soak that does not take
as long as it lasts.

/sd/soak.json says {"start": seconds at which this start of the board is, "until": seconds to run to
at full speed, "speed": 0, or how many times as fast as the host's clock}. The sensor gives a frame
a second of the board's clock, and the clock is what the sensor has given. Beyond `until` it goes on
at 60 frames a second: while the host asks, pulls, or takes the power. Its milliseconds wrap at
2^30, as those of a board, six hours after every start.
"""

import json
import sys
import time as real

import micropython

CHUNK = 20  # frames given at once
PERIOD = 1 << 30


class Clock:
    """Stands in the place of the module time."""

    def __init__(self):
        self.ms = 0  # since the start

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
    # three channels: a machine's cycle of 20 minutes, each with its own height, and noise of the
    # sum of two dice
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
            pass  # the host is writing it: the next time

    def _due(self):
        # frames that may be given now
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
