"""Analogue sensors on the ADC of any board, by a timer, for slow signals.

Enters: readings that a timer's callback has put into a ring. Leaves: int16 frames. 65536 counts are
the full scale of the port's ADC.read_u16, and 0 is its middle. On an RP2040, adc_dma is better at
any rate.

source = {"driver": "adc_timer", "pins": [34], "timer": 0} with rate_hz of at most 1000.

The callback runs between two bytecodes, so a kernel that computes for milliseconds delays a sample.
`late` counts samples that came more than a quarter of a period off their time. A delay of a whole
period is a gap.
"""

import time
from array import array

from machine import ADC, Pin, Timer

from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE


class Source:
    """Reads a ring that the timer's callback fills. It holds one second, at least 64 frames."""

    cue = ""
    unit = "full scale"
    counts = 65536

    def plan(self, config, given):
        n, rate = config["n_channels"], config["rate_hz"]
        if len(given["pins"]) != n:
            raise ConfigError("pins = %r" % (given["pins"],), "one for each of n_channels = %d" % n)
        if rate > 1000:
            raise ConfigError("rate_hz = %s" % rate, "at most 1000; an RP2040 has adc_dma")

    def __init__(self, config):
        given, n, rate = config["source"], config["n_channels"], config["rate_hz"]
        self.plan(config, given)
        self._inputs = [ADC(Pin(pin)) for pin in given["pins"]]
        self._period_us = int(1000000 / rate)
        self._n_ring = max(64, int(rate))
        self._ring = array("h", bytes(2 * n * self._n_ring))
        self._head = self._tail = 0  # in frames, modulo the ring's length
        self._gap = False
        self.late = 0
        self._last_us = time.ticks_us()
        self._timer = Timer(given.get("timer", -1))
        self._timer.init(mode=Timer.PERIODIC, freq=rate, callback=self._sample)

    def _sample(self, timer):
        now = time.ticks_us()
        off = time.ticks_diff(now, self._last_us) - self._period_us
        self._last_us = now
        head, n = self._head, len(self._inputs)
        after = (head + 1) % self._n_ring
        if off >= self._period_us or after == self._tail:
            self._gap = True
            return
        if abs(off) * 4 > self._period_us:
            self.late += 1
        for c in range(n):
            self._ring[head * n + c] = self._inputs[c].read_u16() - 32768
        self._head = after

    def read_into(self, block):
        """Fill block, array('h'), with interleaved frames.

        Returns their number, NONE, or GAP if a frame was lost.
        """
        if self._gap:
            self._tail = self._head
            self._gap = False
            return GAP
        n, head = len(self._inputs), self._head
        n_frames = min((head - self._tail) % self._n_ring, len(block) // n)
        at = 0
        for _ in range(n_frames):
            for c in range(n):
                block[at] = self._ring[self._tail * n + c]
                at += 1
            self._tail = (self._tail + 1) % self._n_ring
        return n_frames or NONE

    def close(self):
        """Stop the timer."""
        self._timer.deinit()
