"""Drift: what creeps, followed inside a budget. Loaded where `drift_budget` is set.

Enters: int8 embeddings, on their way to the detector's prototypes. Leaves: the same less an offset.
The prototypes' sums stay what was learned; the offset stands beside them and can be taken away.

While learning the offset is 0. While watching, and while nothing is strange, the offset follows
what the nearest prototype leaves over, a `windows`-th of it a window, but never further from what
was learned than `budget` spreads of the whole learning period. It stands still while a score is at
its threshold or over it, and while a channel is out of its range: a step is never swallowed. So a
temperature that creeps raises no alarm for ever, and a fault that creeps below the threshold hides
`budget` spreads at most. `trust` lets the budget start from here.
"""

import struct
from array import array

import micropython
from nearhum import kernels


class Drift:
    """The offset of one detector's embeddings.

    Applying, following and observing allocate nothing.
    """

    def __init__(self, n_dims, budget, windows):
        """budget: spreads. windows: 16 at least, of following."""
        self.n_dims = n_dims
        self.budget = budget
        self._rate_q16 = 65536 // windows
        self.offset = array("i", bytes(4 * n_dims))  # Q12 of a step
        # Q12: budgets, and the offsets that they are around
        self._limits = array("i", bytes(8 * n_dims))
        self._out = bytearray(n_dims)

    def forget(self):
        """Begin a learning period: no offset, no budget yet."""
        for some in (self.offset, self._limits):
            for i in range(len(some)):
                some[i] = 0

    @micropython.native
    def apply(self, x):
        """Return x less the offset: int8 (n_dims,), one buffer."""
        _apply(x, self.n_dims, self.offset, self._out)
        return self._out

    def bound(self, variance):
        """Set the budget by the variance, Q12 (n_dims,), of what was learned. Allocates."""
        for i in range(self.n_dims):
            v = variance[i]
            self._limits[i] = min(
                255 << 12, self.budget * kernels.isqrt(v >> 12, (v & 0xFFF) << 12)
            )

    @micropython.native
    def follow(self, mean):
        """Follow what `apply` returned last: mean, int8 (n_dims,), of its prototype."""
        _follow(self._out, mean, self.n_dims, self.offset, self._limits, self._rate_q16)

    def trust(self):
        """Let the budget start anew from the present offset."""
        self._limits[self.n_dims :] = self.offset

    def furthest(self):
        """Return (the dimension that used most of its budget, how much of it, in percent)."""
        at = most = 0
        for i in range(self.n_dims):
            limit = self._limits[i]
            if limit:
                used = 100 * abs(self.offset[i] - self._limits[self.n_dims + i]) // limit
                if used > most:
                    at, most = i, used
        return at, most

    @property
    def budget_left(self):
        """The share of the budget, in percent, that the dimension which moved most has left."""
        return 100 - self.furthest()[1]

    def pack(self):
        """Return offset and what is trusted as bytes, 8 a dimension."""
        return bytes(self.offset) + bytes(self._limits[self.n_dims :])

    def unpack(self, view):
        """Take the place of what `pack` returned; `bound` comes after it.

        A state of format 2 has 24 bytes a dimension; what is trusted comes last in it as well.
        """
        n = self.n_dims
        self.offset[:] = array("i", struct.unpack_from("<%di" % n, view, 0))
        self._limits[n:] = array("i", struct.unpack_from("<%di" % n, view, len(view) - 4 * n))


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
    # a difference of 255 times a rate of 4096 stays below 2^20, and so does a limit. Beyond 255
    # steps an offset leaves
    # -128 of any x, or 127: no mean is further out, and so it goes no further. It is below 2^21
    # then, and so is a base
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
