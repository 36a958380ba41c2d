"""Fixed path: int16 samples to int8 log features with the kernels, bit-identical on every target.

Enters: one channel's window, array or memoryview of 'h', (n_window,). Leaves: int8 values for
extract.Features. Energies are logarithms: 8 steps are a factor of two in power, and a step is 0.376
dB. So a change of gain is a shift. Allocates its tables once. Extracting a window allocates
nothing.
"""

from array import array

from micropython import const
from nearhum import kernels

# Added to each logarithm, in steps, so that the values of int16 signals fit int8. A full-scale
# square wave has a mean power of 2^27.6 in a window: 8 * 27.6 - 96 = 125.
BAND_BIAS = -96
_POWER_BIAS = const(-112)  # mean square: 2^30, full scale, gives 128; 2^-2 gives -128
_RATIO_BIAS = const(-64)  # crest and kurtosis, 16 steps a factor of two: from 2^-4 to 2^12
# 50 dB in steps of 0.376 dB. A band further below the strongest bin or band is raised to this.
BAND_FLOOR = 133

_SILENT = const(-128)  # the value of a constant window, which has no logarithm


class Log2:
    """log2 of integers, in Q8, with the table of the kernels."""

    def __init__(self):
        # Imported here, because the code that makes tables is released after the start.
        from nearhum.kernels.tables import log2_table

        self.table = log2_table()

    def __call__(self, value):
        """Return round(256 log2(value)) for 1 <= value < 2^31, and 0 for value < 1."""
        return kernels.log2_q8(value, self.table)

    def wide(self, high, low):
        """Return round(256 log2(high * 2^24 + low)), 0 <= high < 2^23, 0 <= low < 2^24."""
        if high < 64:
            return kernels.log2_q8(high << 24 | low, self.table)
        return kernels.log2_q8(high << 7 | low >> 17, self.table) + 17 * 256


def clamp_i8(value):
    """Return value clamped to -128..127."""
    return -128 if value < -128 else 127 if value > 127 else value


class Fixed:
    """The transform of one channel's window, used for one channel after the other.

    plan: extract.Plan (window length, bands, statistics). Call kernels.centre(x, n_window, reading)
    on a window before any of the methods.
    """

    def __init__(self, plan):
        self.n_window = plan.n_window
        self.log2 = Log2()
        self.log2_n = self.log2(plan.n_window)
        # kernels.centre writes here: the rounded mean, and the remainder of the mean in Q4 (-8..7).
        self.reading = array("i", bytes(8))
        self._moments = array("i", bytes(28))
        if plan.statistics or plan.aside:
            from nearhum.kernels.viper_moments import moments

            self._write_moments = moments
        if plan.bands and not plan.is_spectrum:
            self._prepare_bands(plan)
        if plan.envelope:
            self._prepare_envelope(plan)

    def _prepare_bands(self, plan):
        # The power is |X|^2 / n_window^2, and not / n_fft^2: the samples beyond n_window are zeros.
        offset = BAND_BIAS * 32 - 2 * self.log2_n
        self.spectrum = kernels.spectrum(
            plan.n_window, plan.n_fft, plan.bands, offset, BAND_FLOOR, self.log2.table, self.reading
        )
        # extract_bands_into(x, out) writes n_bands int8 log band energies of window x to out, a
        # writable buffer. It is the spectrum's own method, which saves one call a window.
        self.extract_bands_into = self.spectrum.extract_into

    def _prepare_envelope(self, plan):
        from nearhum.features.envelope import Envelope

        envelope = Envelope(plan.envelope, self.log2, self.reading, BAND_BIAS, BAND_FLOOR)
        # extract_envelope_into(x, out) does the same for the envelope bands. The float path uses
        # these integers too.
        self.extract_envelope_into = envelope.extract_into

    def statistics(self, x):
        """Compute the moments of window x, from which the methods below read."""
        self._write_moments(x, self.n_window, self.reading[0], self._moments)

    def rms(self):
        """Return 8 log2(mean square in counts^2) + _POWER_BIAS, int8; _SILENT if constant."""
        m = self._moments
        if not m[6]:
            return _SILENT
        return clamp_i8((self._log2_mean_square() + 16 >> 5) + _POWER_BIAS)

    def peak(self):
        """Return 8 log2(largest deviation^2) + _POWER_BIAS, int8; _SILENT if constant."""
        m = self._moments
        return clamp_i8((2 * self.log2(m[6]) + 16 >> 5) + _POWER_BIAS) if m[6] else _SILENT

    def crest(self):
        """Return 16 log2(peak^2 / mean square) + _RATIO_BIAS, int8; _SILENT if constant."""
        m = self._moments
        if not m[6]:
            return _SILENT
        return clamp_i8((2 * self.log2(m[6]) - self._log2_mean_square() + 8 >> 4) + _RATIO_BIAS)

    def kurtosis(self):
        """Return 16 log2(n sum z^4 / (sum z^2)^2) + _RATIO_BIAS, int8; _SILENT if constant.

        This is the kurtosis, not the excess kurtosis: 3 for a normal distribution.
        """
        m = self._moments
        if not m[2]:
            return _SILENT
        return clamp_i8(
            (self.log2.wide(m[3], m[4]) + self.log2_n - 2 * self.log2(m[2]) + 8 >> 4) + _RATIO_BIAS
        )

    def zero_crossings(self):
        """Return 255 times the share of samples at which the sign about the mean changes, less
        128; int8.
        """
        return self._moments[5] * 255 // self.n_window - 128

    def _log2_mean_square(self):
        return self.log2.wide(self._moments[0], self._moments[1]) - self.log2_n
