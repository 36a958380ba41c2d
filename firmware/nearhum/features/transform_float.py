"""Float path: log band energies by ulab's transform, for boards with an FPU.

Enters and leaves: as on the fixed path. The int8 values are the same within one step. Only the
transform from windowed samples to the amplitudes of the bins differs. The fixed path supplies the
rest: the mean and the statistics, which are exact integers on every board, and the kernel that
makes log bands of powers. With ulab.utils.spectrogram a window allocates nothing.
"""

from array import array

from nearhum.features.arrays import np, spectrum
from nearhum.features.transform_fixed import BAND_BIAS, BAND_FLOOR, Fixed
from nearhum.kernels.viper_bands import bands_into, raise_to
from nearhum.kernels.viper_float import fold, weigh_window

_WIDE = 1 if np.FLOAT_BYTES == 8 else 0  # 1 if floats are doubles, for viper_float.fold


class Float(Fixed):
    """The transform of one channel's window on floats. plan: extract.Plan."""

    def _prepare_bands(self, plan):
        from nearhum.kernels.tables import Sine, hann_q14

        n = self._n = plan.n_fft
        self._window = hann_q14(Sine(), plan.n_window)
        # _bins holds the amplitudes, and later the powers in their place. _pad first holds the
        # windowed samples, and is then the scratchpad of the transform.
        self._bins = array(np.FLOAT_CODE, bytes(n * np.FLOAT_BYTES))
        self._pad = array(np.FLOAT_CODE, bytes(2 * n * np.FLOAT_BYTES))
        self._amplitudes = np.frombuffer(self._bins, dtype=np.float)
        self._scratchpad = np.frombuffer(self._pad, dtype=np.float)
        self._edge = array("H", [0, 1])  # `fold` puts the strongest bin at 0; the floor needs it
        self._edges = array("H")
        for first, count in plan.bands:
            self._edges.append(first)
            self._edges.append(count)
        self._n_bands = len(plan.bands)
        self._offset = BAND_BIAS * 32 - 2 * self.log2_n

    def extract_bands_into(self, x, out):
        """Write n_bands int8 log band energies of window x to out.

        x: array or memoryview of 'h', (n_window,), whose mean is in `reading`. Allocates nothing
        if ulab has a correct spectrogram. Otherwise it allocates what ulab's fft returns.
        """
        n, bins, amplitudes = self._n, self._bins, self._amplitudes
        weigh_window(self._pad, x, self._window, self.n_window, n, self.reading)
        spectrum.from_int32_buffer(self._pad, count=n, out=amplitudes)
        spectrum.spectrogram(amplitudes, scratchpad=self._scratchpad, out=amplitudes)
        exponent = fold(bins, n >> 1, _WIDE) - 14  # The table of the window is in Q14.
        offset, log2 = self._offset + (exponent << 9), self.log2.table
        top = bands_into(bins, 0, self._edge, out, 1, log2, offset, -128)
        top = bands_into(bins, 0, self._edges, out, self._n_bands, log2, offset, top)
        raise_to(out, top - BAND_FLOOR, self._n_bands)
