"""Level-free bands: each less the mean of the bands of its window, so that loudness and
distance do not count.

Enters and leaves: int8 levels in log steps, where a gain is the same shift of every band and so
falls out. Saturates. Leaf; loaded only where level = free asks for it.
"""

import micropython


class LevelFree:
    """Bands as another extracts them, without their level. Allocates nothing a window."""

    def __init__(self, extract_into, n_bands):
        self._extract_into = extract_into
        self._n_bands = n_bands

    @micropython.native
    def extract_into(self, x, out):
        """Write n_bands int8 of the window x to out."""
        self._extract_into(x, out)
        less_mean(out, self._n_bands)


@micropython.viper
def less_mean(out: ptr8, n: int):
    """Take the mean of n int8, rounded, from each of them; n >= 1."""
    s = 0
    for i in range(n):
        s += (out[i] ^ 128) - 128
    s = (s + (n >> 1)) // n
    for i in range(n):
        v = (out[i] ^ 128) - 128 - s
        if v > 127:
            v = 127
        if v < -128:
            v = -128
        out[i] = v
