"""Level-free bands: the mean of a window's bands is subtracted from each of them.

Loudness and distance then do not count: in log steps a gain shifts every band by the same amount,
and the subtraction cancels it. Enters: int8 levels in log steps. Leaves: the same number of int8
levels, saturated. Leaf; loaded only if `level` is `free`.
"""

import micropython


class LevelFree:
    """Extracts bands with a given function and removes their level."""

    def __init__(self, extract_into, n_bands):
        self._extract_into = extract_into
        self._n_bands = n_bands

    @micropython.native
    def extract_into(self, x, out):
        """Write n_bands int8 of the window x to out. Allocates nothing of its own."""
        self._extract_into(x, out)
        less_mean(out, self._n_bands)


@micropython.viper
def less_mean(out: ptr8, n: int):
    """Subtract the rounded mean of n int8 from each of them; saturates. n >= 1."""
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
