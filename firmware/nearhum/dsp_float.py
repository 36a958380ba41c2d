"""Float path: log band energies with ulab's FFT, for boards with an FPU. The same int8 within one step.

Only the transform differs: the window's mean and its statistics are exact integers on every board, so they are taken
from the fixed path. Bands weaker than the common floor, 50 dB under the strongest bin or band, are set to it here too.
"""

from math import log, pi, sin

from nearhum import np
from nearhum.dsp_fixed import BAND_BIAS, BAND_FLOOR, SILENT, Fixed, clamp_i8

_STEPS = 8 / log(2)  # steps a natural unit of power


class Float(Fixed):
    """The transform of one channel on floats. plan: features.Plan."""

    def _prepare_bands(self, plan):
        n = plan.n_window
        self._hann = np.zeros(n)
        for i in range(n):
            self._hann[i] = sin(pi * i / n) ** 2
        self._padded = np.zeros(plan.n_fft)
        self._bands = plan.bands
        self._offset = BAND_BIAS - _STEPS * 2 * log(n)

    def extract_bands_into(self, x, out):
        """Write n_bands int8 log band energies of the centred window to out. Allocates: ulab's fft has no out=."""
        samples = np.frombuffer(x, dtype=np.int16)
        # times a float array first: ulab 6.12 takes int16 for uint16 where it meets a float number
        self._padded[: self.n_window] = samples * self._hann - self._hann * (self._reading[0] + self._reading[1] / 16)
        re, im = np.fft(self._padded)
        power = re * re + im * im
        top = self._level(np.max(power[1 : len(power) // 2]))
        at = 0
        for first, count in self._bands:
            value = self._level(np.sum(power[first : first + count]))
            out[at] = value & 255
            top = max(top, value)
            at += 1
        floor = top - BAND_FLOOR
        for i in range(at):
            if (out[i] ^ 128) - 128 < floor:
                out[i] = floor & 255

    def _level(self, energy):
        return SILENT if energy <= 0 else clamp_i8(int((_STEPS * log(energy) + self._offset + 128.5) // 1) - 128)
