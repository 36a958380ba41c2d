"""Ranges: centre and step of each channel's mean, for slow channels, whose means are features.

Enters: the first windows of a learning period. Leaves: int8 steps, a 40th of the channel's spread
each, because a sensor's int16 has far more range than a machine's normal. They are part of what is
learned, and are kept with it. A slow signal leaves the range of its first windows while it is still
learned: then `widen` makes the step twice as large, so that the range is that of the whole period.
Afterwards `beyond` tells how far the last window was out of its range, and a score adds that: a
score has the dynamic range of the signal, although a feature has that of int8.
"""

import struct

import micropython
from micropython import const
from nearhum import kernels

_RANGE_STEPS = const(40)  # a spread of the first windows: int8 ends at three of them
_NEAR = 96  # steps from a mean up to which int8 has room, wherever the mean is
_MOST_STEP_Q4 = 1 << 20  # twice the range of int16: no step has to be larger


class Ranges:
    """The ranges of one plan's channels.

    Observing sums exactly in Python integers (it may allocate, it happens once); scaling allocates
    nothing.
    """

    def __init__(self, plan):
        self.n_channels = plan.n_channels
        self.n_window = plan.n_window
        self.n_range = plan.n_range
        self.forget()

    def forget(self):
        """Start over: the next n_range windows set the range."""
        n = self.n_channels
        self.known = False
        self.centre_q4 = [0] * n
        self.step_q4 = [0] * n
        self._gain = [0] * n
        # steps of the last window from the centre, where they are out of range; the most of any
        # channel
        self.reach = [0] * n
        self.beyond = 0
        self._n = 0
        self._sums = [0] * n
        self._squares = [0] * n

    def observe(self, rows):
        """Take in one window; after n_range of them set the ranges.

        Returns True when they are known.
        """
        for c in range(self.n_channels):
            self._sums[c] += sum(rows[c])
            squares = 0
            for v in rows[c]:
                squares += v * v
            self._squares[c] += squares
        self._n += 1
        if self._n < self.n_range:
            return False
        count = self._n * self.n_window
        for c in range(self.n_channels):
            centre_q4 = (16 * self._sums[c] + count // 2) // count
            variance_q8 = max(
                0, 256 * self._squares[c] // count - (16 * self._sums[c]) ** 2 // (count * count)
            )
            spread_q4 = kernels.isqrt(variance_q8 >> 24, variance_q8 & 0xFFFFFF)
            self.assign(c, centre_q4, max(4, spread_q4 // _RANGE_STEPS))
        return True

    def assign(self, channel, centre_q4, step_q4):
        """Set one channel's range: centre and step in counts, Q4; step at least a quarter of a
        count.
        """
        self.centre_q4[channel] = centre_q4
        self.step_q4[channel] = step_q4
        self._gain[channel] = (1 << 20) // step_q4
        self.known = True

    @micropython.native
    def scale(self, channel, mean_q4):
        """Return the mean as int8 steps from the centre; saturates, and then sets `reach`.

        Channel 0 comes first. |difference| is held to 128 steps first, so difference * gain <=
        128 * 2^20 < 2^30.
        """
        d = mean_q4 - self.centre_q4[channel]
        step = self.step_q4[channel]
        limit = step << 7
        if channel == 0:
            self.beyond = 0
        if d > limit or d < -limit:
            far = (d if d > 0 else -d) // step
            if far > self.beyond:
                self.beyond = far
            self.reach[channel] = far if d > 0 else -far
            return 127 if d > 0 else -128
        self.reach[channel] = 0
        d = d * self._gain[channel] + (1 << 19) >> 20
        return 127 if d > 127 else d

    def widen(self, channel):
        """Make the step of a channel twice as large, which halves what was learned of it."""
        step_q4 = min(_MOST_STEP_Q4, 2 * self.step_q4[channel])
        self.assign(channel, self.centre_q4[channel], step_q4)

    def nearer_into(self, near, x, mean, offset, stride):
        """Bring a window that is out of its range nearer to a mean, so often by half that int8 has
        room for it. Returns how often. Allocates nothing.

        near: int8 (n,), written. x, mean: int8 (n,), of which every stride-th is a channel's.
        offset: Q12 of a step, (n,), that is taken off x afterwards, or None.
        """
        reach = self.reach
        most = self.beyond + 256
        halvings = 0
        while most > _NEAR:
            most >>= 1
            halvings += 1
        for i in range(len(near)):
            at = (mean[i] ^ 128) - 128
            if offset:
                at += offset[i] + 2048 >> 12
            far = reach[i // stride] if i % stride == 0 else 0
            if not far:
                far = (x[i] ^ 128) - 128
            v = at + (far - at >> halvings)
            near[i] = (127 if v > 127 else -128 if v < -128 else v) & 255
        return halvings

    def pack(self):
        """Return centre and step of each channel as bytes, 8 a channel; zeros while not known."""
        return b"".join(
            [struct.pack("<ii", self.centre_q4[c], self.step_q4[c]) for c in range(self.n_channels)]
        )

    def unpack(self, view):
        """Take the ranges from what `pack` returned. Returns the bytes used."""
        self.forget()
        for c in range(self.n_channels):
            centre_q4, step_q4 = struct.unpack_from("<ii", view, 8 * c)
            if step_q4 > 0:
                self.assign(c, centre_q4, step_q4)
        return 8 * self.n_channels
