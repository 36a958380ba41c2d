"""Drift: what creeps, followed inside a budget. Loaded where `drift_budget` is set.

Enters: int8 embeddings, on their way to the detector's prototypes. Leaves: the same less an offset, and the spread that
slow wandering adds. The prototypes' sums stay what was learned; the offset stands beside them and can be taken away.

While learning the offset is 0, and a slow mean (over `windows`) shows how far each dimension wanders: the range of the
slow mean inside a mode. What wandered that far in the learning period will again: an eighth of the range counts as
spread.
While watching, and while nothing is strange, the offset follows what the nearest prototype leaves over, a `windows`-th
of it a window, but never further from what was learned than `budget` spreads. So a temperature that creeps ends in no
alarm for ever, and a fault that creeps gets past by `budget` spreads at most; `trust` lets the budget start from here.
"""

import struct
from array import array

import micropython

from nearhum import kernels


class Drift:
    """The offset of one detector's embeddings. Applying, following and observing allocate nothing."""

    def __init__(self, n_dims, budget, windows):
        """budget: spreads. windows: 16 at least, of the slow mean, and of following."""
        self.n_dims = n_dims
        self.budget = budget
        self._rate_q16 = 65536 // windows
        self.offset = array("i", bytes(4 * n_dims))  # Q12 of a step
        self.variance = array("i", bytes(4 * n_dims))  # Q12, that wandering adds
        self._limits = array("i", bytes(8 * n_dims))  # Q12: budgets, and the offsets that they are around
        self._out = bytearray(n_dims)
        # Q8 of a step: slow mean, its lowest and highest in this mode, its range in any
        self._slow = array("i", bytes(16 * n_dims))
        self._mode = -1

    def forget(self):
        """Begin a learning period: no offset, nothing wandered yet."""
        for some in (self.offset, self.variance, self._slow, self._limits):
            for i in range(len(some)):
                some[i] = 0
        self._mode = -1

    @micropython.native
    def observe(self, x, mode):
        """Learn how embedding x, int8 (n_dims,), of that mode wanders; a mode that begins begins where it is."""
        _observe(x, self.n_dims, self._slow, self.variance, 65536 if mode != self._mode else self._rate_q16)
        self._mode = mode

    @micropython.native
    def apply(self, x):
        """Return x less the offset: int8 (n_dims,), one buffer."""
        _apply(x, self.n_dims, self.offset, self._out)
        return self._out

    def bound(self, variance):
        """Set the budget by the variance, Q12 (n_dims,), of what was learned. Allocates."""
        for i in range(self.n_dims):
            v = variance[i]
            self._limits[i] = min(255 << 12, self.budget * kernels.isqrt(v >> 12, (v & 0xFFF) << 12))

    @micropython.native
    def follow(self, mean):
        """Follow what `apply` returned last: mean, int8 (n_dims,), of its prototype."""
        _follow(self._out, mean, self.n_dims, self.offset, self._limits, self._rate_q16)

    def trust(self):
        """Let the budget start anew from the present offset."""
        self._limits[self.n_dims :] = self.offset

    @property
    def budget_left(self):
        """The share of the budget, in percent, that the dimension which moved most has left."""
        left = 100
        for i in range(self.n_dims):
            if self._limits[i]:
                left = min(left, 100 - 100 * abs(self.offset[i] - self._limits[self.n_dims + i]) // self._limits[i])
        return left

    def pack(self):
        """Return offset, wandering and what is trusted as bytes, 24 a dimension."""
        return bytes(self.offset) + bytes(self._slow) + bytes(self._limits[self.n_dims :])

    def unpack(self, view):
        """Take the place of what `pack` returned; `bound` comes after it."""
        n = self.n_dims
        self.offset[:] = array("i", struct.unpack_from("<%di" % n, view, 0))
        self._slow[:] = array("i", struct.unpack_from("<%di" % (4 * n), view, 4 * n))
        self._limits[n:] = array("i", struct.unpack_from("<%di" % n, view, 20 * n))
        self._mode = -1
        _add_up(n, self._slow, self.variance)


@micropython.viper
def _apply(x: ptr8, n: int, offset: ptr32, out: ptr8):
    b = 31
    sign = 1 << b
    for i in range(n):
        v = ((x[i] ^ 128) - 128) - ((((int(offset[i]) ^ sign) - sign) + 2048) >> 12)
        if v < -128:
            v = -128
        if v > 127:
            v = 127
        out[i] = v


@micropython.viper
def _follow(y: ptr8, mean: ptr8, n: int, offset: ptr32, limits: ptr32, rate_q16: int):
    # a difference of 255 times a rate of 4096 stays below 2^20, and so does a limit. Beyond 255 steps an offset leaves
    # -128 of any x, or 127: no mean is further out, and so it goes no further. It is below 2^21 then, and so is a base
    b = 31
    sign = 1 << b
    for i in range(n):
        v = ((y[i] ^ 128) - 128) - ((mean[i] ^ 128) - 128)
        base = (int(limits[n + i]) ^ sign) - sign
        v = ((int(offset[i]) ^ sign) - sign) + ((v * rate_q16 + 8) >> 4) - base
        limit = int(limits[i])
        if v > limit:
            v = limit
        if v < 0 - limit:
            v = 0 - limit
        offset[i] = v + base


@micropython.viper
def _observe(x: ptr8, n: int, slow: ptr32, variance: ptr32, rate_q16: int):
    # slow: mean, low, high, range, n each; all in Q8, |mean| <= 2^15. A difference of 255 << 8 times a rate of 4096
    # stays below 2^28; at a rate of 1 the mean begins anew. An eighth of a range is below 2^13, its square below 2^26
    b = 31
    sign = 1 << b
    for i in range(n):
        v = ((x[i] ^ 128) - 128) << 8
        mean = (int(slow[i]) ^ sign) - sign
        if rate_q16 == 65536:
            slow[i] = v
            slow[n + i] = v
            slow[2 * n + i] = v
        else:
            v = mean + (((v - mean) * rate_q16 + 0x8000) >> 16)
            slow[i] = v
            low = (int(slow[n + i]) ^ sign) - sign
            high = (int(slow[2 * n + i]) ^ sign) - sign
            if v < low:
                low = v
                slow[n + i] = v
            if v > high:
                high = v
                slow[2 * n + i] = v
            v = high - low
            if v > int(slow[3 * n + i]):
                slow[3 * n + i] = v
                v = v >> 3
                variance[i] = (v * v) >> 4


@micropython.viper
def _add_up(n: int, slow: ptr32, variance: ptr32):
    for i in range(n):
        v = int(slow[3 * n + i]) >> 3
        variance[i] = (v * v) >> 4
