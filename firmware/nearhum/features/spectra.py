"""Given spectra: a window is not samples but a spectrum that something else has computed, one
value a bin.

Enters: one window, int16: amplitudes in any unit, bin 0 first; a negative one counts as its
magnitude. Leaves: int8 levels of its bands, in steps of 0.376 dB, as other bands. On both numeric
paths the same integers. Leaf; loaded only where bin_hz asks for it.
"""

from array import array

import micropython
from nearhum.features.transform_fixed import BAND_FLOOR
from nearhum.kernels.viper_bands import bands_into, raise_to

# of 8 log2(sum of squares): one count is -128, a full-scale bin 112, and more than three of them
# 127
BIAS = -128


class Spectrum:
    """Extracts the bands of a given spectrum. Allocates its buffers once."""

    def __init__(self, plan, log2):
        """plan: features.Plan, its bands in bins of the window. log2: transform_fixed.Log2."""
        self._power = array("i", bytes(4 * plan.n_window))
        self._n = plan.n_window
        edges = array("H")
        for first, count in plan.bands:
            edges.append(first)
            edges.append(count)
        self._edges = edges
        self._n_bands = len(plan.bands)
        self._table = log2.table

    @micropython.native
    def extract_into(self, x, out):
        """Write n_bands int8 levels of the spectrum x, int16 (n_window,), to out.

        Allocates nothing.
        """
        power, n_bands = self._power, self._n_bands
        squares(x, self._n, power)
        top = bands_into(power, 0, self._edges, out, n_bands, self._table, BIAS * 32, -128)
        raise_to(out, top - BAND_FLOOR, n_bands)


@micropython.viper
def squares(x: ptr16, n: int, power: ptr32):
    """Write the squares of n int16 to power: at most 2^30, of -32768."""
    for i in range(n):
        v = (x[i] ^ 0x8000) - 0x8000
        power[i] = v * v
