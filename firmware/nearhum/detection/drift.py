"""Drift: slow changes of normal, followed within a budget. Loaded only if `drift_budget` is set.

Enters: int8 embeddings, on their way to the detector's prototypes. Leaves: the same less an offset.
The sums of the prototypes stay as they were learned. The offset is kept apart, so that it can be
removed.

During a learning period the offset is 0. While watching, the offset follows the difference between
the embedding and the nearest prototype: by a `windows`-th of it at each window, up to `budget`
spreads of the learning period. It does not move while a score is at its threshold or above, or
while a channel is out of its range. So a step is never absorbed. A slow change of temperature does
not raise an alarm that never ends, and a fault that grows slowly below the threshold can hide at
most `budget` spreads. `trust` starts the budget anew from the present offset.
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
        """budget: in spreads. windows: time constant of following, at least 16."""
        self.n_dims = n_dims
        self.budget = budget
        self._rate_q16 = 65536 // windows
        self.offset = array("i", bytes(4 * n_dims))  # steps, Q12
        # Steps, Q12: the budget of each dimension, then the trusted offset from which it counts.
        self._limits = array("i", bytes(8 * n_dims))
        self._out = bytearray(n_dims)

    def forget(self):
        """Reset for a learning period: no offset, and no budget until it ends."""
        for some in (self.offset, self._limits):
            for i in range(len(some)):
                some[i] = 0

    @micropython.native
    def apply(self, x):
        """Return x less the offset, int8 (n_dims,), always in the same buffer."""
        _apply(x, self.n_dims, self.offset, self._out)
        return self._out

    def bound(self, variance):
        """Set the budget from the learned variance, Q12 (n_dims,). Allocates."""
        for i in range(self.n_dims):
            v = variance[i]
            self._limits[i] = min(
                255 << 12, self.budget * kernels.isqrt(v >> 12, (v & 0xFFF) << 12)
            )

    @micropython.native
    def follow(self, mean):
        """Move the offset towards what `apply` returned last less mean, int8 (n_dims,)."""
        _follow(self._out, mean, self.n_dims, self.offset, self._limits, self._rate_q16)

    def trust(self):
        """Start the budget anew from the present offset."""
        self._limits[self.n_dims :] = self.offset

    @property
    def budget_left(self):
        """The percent of the budget that is left to the dimension that moved most."""
        left = 100
        for i in range(self.n_dims):
            if self._limits[i]:
                left = min(
                    left,
                    100
                    - 100 * abs(self.offset[i] - self._limits[self.n_dims + i]) // self._limits[i],
                )
        return left

    def pack(self):
        """Return the offset and the trusted offset as bytes, 8 for each dimension."""
        return bytes(self.offset) + bytes(self._limits[self.n_dims :])

    def unpack(self, view):
        """Restore the offsets from the bytes that `pack` returned. Call `bound` afterwards.

        A state of format 2 has 24 bytes for each dimension, with the trusted offset last as well.
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
    # A difference of at most 255 times a rate of at most 4096 is below 2^20, and so is a limit. An
    # offset stops near 255 steps, because beyond them `apply` returns -128 or 127 for any x, and no
    # mean is further out. So the offset and the base are below 2^21.
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
