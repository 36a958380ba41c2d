"""Given spectra: the window is a spectrum that was computed elsewhere, not a series of samples.

Enters: one window, int16: one amplitude a bin, in any unit, bin 0 first. The sign of an amplitude
is ignored. Leaves: int8 levels of its bands, in steps of 0.376 dB, as other bands. Both numeric
paths use the same integers. Leaf; loaded only if bin_hz is set.
"""

from array import array

import micropython
from nearhum.features.transform_fixed import BAND_FLOOR
from nearhum.kernels.viper_bands import bands_into, raise_to

# Added to 8 log2(sum of squares): a band of one count is at -128 and a full-scale bin at 112. The
# sum of four full-scale bins saturates at 127.
BIAS = -128


class Spectrum:
    """Extracts the bands of a given spectrum. Allocates its buffers once."""

    def __init__(self, plan, log2):
        """plan: extract.Plan, with bands in bins of the window. log2: transform_fixed.Log2."""
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
        """Write the int8 levels of the bands of spectrum x to out.

        x: array or memoryview of 'h', (n_window,). out: writable buffer, (n_bands,). Allocates
        nothing.
        """
        power, n_bands = self._power, self._n_bands
        squares(x, self._n, power)
        top = bands_into(power, 0, self._edges, out, n_bands, self._table, BIAS * 32, -128)
        raise_to(out, top - BAND_FLOOR, n_bands)


@micropython.viper
def squares(x: ptr16, n: int, power: ptr32):
    """Write the squares of n int16 to power, int32. A square is at most 2^30."""
    for i in range(n):
        v = (x[i] ^ 0x8000) - 0x8000
        power[i] = v * v
