"""Ranges: centre and step of each channel's mean, for slow channels, whose means are features.

Enters: the first windows of a learning period, to find the ranges, and then each window's means.
Leaves: int8 steps. A step is a 40th of the channel's spread, because a sensor's int16 has a far
wider range than a machine's normal. The ranges are learned, and are saved with the learned state.

A slow signal may leave the range of its first windows during the learning period. `widen` then
doubles the step, so that the range covers the whole period. After the period, `beyond` tells how
far the last window was out of range, and the score adds that. So the score has the dynamic range of
the signal, although a feature has only that of int8.
"""

import struct

import micropython
from micropython import const
from nearhum import kernels

_RANGE_STEPS = const(40)  # steps in a spread of the first windows: int8 covers 3 spreads each way
_NEAR = 96  # steps: a window out of range is brought within this of a mean, so that int8 holds it
_MOST_STEP_Q4 = 1 << 20  # 65,536 counts, the whole range of int16: no larger step is needed


class Ranges:
    """The ranges of one plan's channels.

    `observe` sums exactly in Python integers and allocates, because it runs only at the beginning
    of a learning period. `scale` allocates nothing.
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
        # How far the last window's channels were from their centres, in steps: 0 if in range.
        # beyond: the largest of any channel.
        self.reach = [0] * n
        self.beyond = 0
        self._n = 0
        self._sums = [0] * n
        self._squares = [0] * n

    def observe(self, rows):
        """Sum one window, and set the ranges after n_range windows.

        rows: n_channels buffers of 'h', (n_window,). Returns True once the ranges are known.
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
        """Set one channel's range.

        centre_q4, step_q4: counts, Q4. The gain is 2^20 / step_q4, rounded down.
        """
        self.centre_q4[channel] = centre_q4
        self.step_q4[channel] = step_q4
        self._gain[channel] = (1 << 20) // step_q4
        self.known = True

    @micropython.native
    def scale(self, channel, mean_q4):
        """Return a channel's mean as int8 steps from the centre.

        mean_q4: counts, Q4. Out of range the result saturates, and `reach` and `beyond` keep the
        true distance. Call it for channel 0 first, because that resets `beyond`. Allocates nothing:
        |d| is at most 128 steps before it is multiplied, so d * gain <= 128 * 2^20 < 2^30.
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
        """Double the step of a channel. The caller halves what was learned in the old steps."""
        step_q4 = min(_MOST_STEP_Q4, 2 * self.step_q4[channel])
        self.assign(channel, self.centre_q4[channel], step_q4)

    def nearer_into(self, near, x, mean, offset, stride):
        """Bring an out-of-range window nearer to a mean, by halving its distance until int8 holds
        it, and return the number of halvings.

        near: int8 (n,), is written. x, mean: int8 (n,). Every stride-th dimension is the mean of a
        channel, for which `reach` replaces the saturated x. offset: array('i') (n,), Q12 steps,
        that the caller later subtracts from x, or None. Allocates nothing.
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
        """Return centre and step of each channel as bytes: two i32 a channel, 0 if unknown."""
        return b"".join(
            [struct.pack("<ii", self.centre_q4[c], self.step_q4[c]) for c in range(self.n_channels)]
        )

    def unpack(self, view):
        """Restore the ranges from the bytes that `pack` returned. Returns the bytes used."""
        self.forget()
        for c in range(self.n_channels):
            centre_q4, step_q4 = struct.unpack_from("<ii", view, 8 * c)
            if step_q4 > 0:
                self.assign(c, centre_q4, step_q4)
        return 8 * self.n_channels
