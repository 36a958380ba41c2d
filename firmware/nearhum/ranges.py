"""Ranges: centre and step of each channel's mean, for slow channels, whose means are features.

Enters: the first windows of a learning period. Leaves: int8 steps, a 40th of the channel's spread each, because a
sensor's int16 has far more range than a machine's normal. They are part of what is learned, and are kept with it.
"""

import struct

import micropython

from nearhum import kernels

RANGE_STEPS = 40  # steps a spread of a ranged mean: no channel counts as further away than three spreads


class Ranges:
    """The ranges of one plan's channels.

    Observing sums exactly in Python integers (it may allocate, it happens once); scaling allocates nothing.
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
        self._n = 0
        self._sums = [0] * n
        self._squares = [0] * n

    def observe(self, rows):
        """Take in one window; after n_range of them set the ranges. Returns True when they are known."""
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
            variance_q8 = max(0, 256 * self._squares[c] // count - (16 * self._sums[c]) ** 2 // (count * count))
            spread_q4 = kernels.isqrt(variance_q8 >> 24, variance_q8 & 0xFFFFFF)
            self.assign(c, centre_q4, max(4, spread_q4 // RANGE_STEPS))
        return True

    def assign(self, channel, centre_q4, step_q4):
        """Set one channel's range: centre and step in counts, Q4; step at least a quarter of a count."""
        self.centre_q4[channel] = centre_q4
        self.step_q4[channel] = step_q4
        self._gain[channel] = (1 << 20) // step_q4
        self.known = True

    @micropython.native
    def scale(self, channel, mean_q4):
        """Return the mean as int8 steps from the centre; saturates.

        |difference| is held to 128 steps first, so difference * gain <= 128 * 2^20 < 2^30.
        """
        d = mean_q4 - self.centre_q4[channel]
        limit = self.step_q4[channel] << 7
        if d > limit:
            return 127
        if d < -limit:
            return -128
        d = d * self._gain[channel] + (1 << 19) >> 20
        return 127 if d > 127 else d

    def pack(self):
        """Return centre and step of each channel as bytes, 8 a channel; zeros while not known."""
        return b"".join([struct.pack("<ii", self.centre_q4[c], self.step_q4[c]) for c in range(self.n_channels)])

    def unpack(self, view):
        """Take the ranges from what `pack` returned. Returns the bytes used."""
        self.forget()
        for c in range(self.n_channels):
            centre_q4, step_q4 = struct.unpack_from("<ii", view, 8 * c)
            if step_q4 > 0:
                self.assign(c, centre_q4, step_q4)
        return 8 * self.n_channels
