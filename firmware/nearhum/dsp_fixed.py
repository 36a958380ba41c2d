"""Fixed path: int16 samples to int8 log features with the kernels, bit-identical on every target.

Enters: one channel's window, array or memoryview of 'h', (n_window,). Leaves: int8 values in a bytearray.
Every value is a logarithm in steps: 8 a factor of two in power (0.376 dB) for energies, so a gain change is a shift.
Allocates its tables once; extracting a window allocates nothing.
"""

from array import array

from nearhum.kernels import tables, viper

# Steps at which the scales start. A full-scale square wave has 2^27.6 of mean power a window: 8 * 27.6 - 96 = 125.
BAND_BIAS = -96
POWER_BIAS = -112  # mean square: 2^30 at full scale is 128, 2^-2 is -128
RATIO_BIAS = -64  # crest and kurtosis, 16 steps a factor of two: from 2^-4 to 2^12
BAND_FLOOR = 133  # 50 dB in steps of 0.376 dB: weaker bands are raised to this floor under the strongest

SILENT = -128


class Log2:
    """log2 in Q8 with the table of the kernels."""

    def __init__(self):
        self.table = tables.log2_fraction()

    def __call__(self, value):
        """Return round(256 log2 value), 1 <= value < 2^31; 0 below."""
        return viper.log2_q8(value, self.table)

    def wide(self, high, low):
        """Return the same of high * 2^24 + low, 0 <= high < 2^23."""
        if high < 64:
            return viper.log2_q8(high << 24 | low, self.table)
        return viper.log2_q8(high << 7 | low >> 17, self.table) + 17 * 256


def clamp_i8(value):
    """Return value brought into -128..127."""
    return -128 if value < -128 else 127 if value > 127 else value


class Fixed:
    """The transform of one channel. plan: features.Plan (window length, bands, statistics)."""

    def __init__(self, plan):
        self.n_window = plan.n_window
        self.log2 = Log2()
        self.log2_n = self.log2(plan.n_window)
        self._moments = array("i", bytes(28))
        self.n_bands = len(plan.bands)
        if self.n_bands:
            self._prepare_bands(plan)

    def _prepare_bands(self, plan):
        n = plan.n_fft
        self.n_fft = n
        sine = tables.Sine()
        self._window = tables.hann_q14(sine, plan.n_window)
        self._twiddles = tables.twiddles_q14(sine, n)
        self._order = tables.digit_reversal(n // 2)
        self._z = array("i", bytes(4 * n))
        self._power = array("i", bytes(4 * (n // 2)))
        self._bands = array("H")
        for first, count in plan.bands:
            self._bands.append(first)
            self._bands.append(count)
        # power of a window of n_window: |X|^2 / n_window^2; X is n_fft long only by zeros
        self._offset = BAND_BIAS * 32 - 2 * self.log2_n

    def centre(self, x):
        """Take in one window: find its mean and the bit length of its largest deviation. Both stay for what follows.

        Returns the mean in Q4 (int, counts * 16, |mean| <= 2^19).
        """
        total = viper.total(x, self.n_window)
        n = self.n_window
        mean_q4 = (16 * total + (n >> 1)) // n
        self.mean = mean_q4 + 8 >> 4
        self._rest = mean_q4 - (self.mean << 4)
        self.bits = _bits(viper.peak_bits(x, self.n_window, self.mean))
        return mean_q4

    def statistics(self, x):
        """Compute the moments of the centred window; the readings below are taken from them."""
        viper.moments(x, self.n_window, self.mean, max(0, self.bits - 7), self._moments)

    def rms(self):
        """Return 8 log2(mean square, counts^2) + POWER_BIAS, int8; SILENT for a constant window."""
        m = self._moments
        if not m[6]:
            return SILENT
        return clamp_i8((self._log2_mean_square() + 16 >> 5) + POWER_BIAS)

    def peak(self):
        """Return 8 log2(largest deviation^2) + POWER_BIAS, int8; SILENT for a constant window."""
        m = self._moments
        return clamp_i8((2 * self.log2(m[6]) + 16 >> 5) + POWER_BIAS) if m[6] else SILENT

    def crest(self):
        """Return 16 log2(peak^2 / mean square) + RATIO_BIAS, int8; SILENT for a constant window."""
        m = self._moments
        if not m[6]:
            return SILENT
        return clamp_i8((2 * self.log2(m[6]) - self._log2_mean_square() + 8 >> 4) + RATIO_BIAS)

    def kurtosis(self):
        """Return 16 log2(n sum z^4 / (sum z^2)^2) + RATIO_BIAS, int8, not the excess; SILENT for a constant window."""
        m = self._moments
        if not m[2]:
            return SILENT
        return clamp_i8((self.log2.wide(m[3], m[4]) + self.log2_n - 2 * self.log2(m[2]) + 8 >> 4) + RATIO_BIAS)

    def zero_crossings(self):
        """Return changes of sign about the mean, 255 a window in which every sample changes, less 128; int8."""
        return self._moments[5] * 255 // self.n_window - 128

    def _log2_mean_square(self):
        return self.log2.wide(self._moments[0], self._moments[1]) - self.log2_n

    def extract_bands_into(self, x, out):
        """Write n_bands int8 log band energies of the centred window to out (writable buffer)."""
        z = self._z
        m = self.n_fft >> 1
        bits = max(1, self.bits)
        viper.load(z, x, self._window, self.n_window, self.n_fft, self.mean, self._rest, bits)
        exponent = bits - 14
        span = m
        step = 2
        shift = 0
        peak = 0
        while span >= 4:
            peak = viper.radix4(z, m, span, self._twiddles, step, shift)
            exponent += shift
            span >>= 2
            step <<= 2
            shift = max(0, _bits(peak) - 14)
        if span == 2:
            peak = viper.radix2(z, m)
            shift = max(0, _bits(peak) - 14)
        viper.powers(z, m, self._order, self._twiddles, shift, self._power)
        exponent += shift
        # the kernel's power is |X / 2|^2 / 4^exponent
        viper.bands_into(
            self._power,
            self._bands,
            self.n_bands,
            self.log2.table,
            self._offset + 512 * (exponent + 1),
            BAND_FLOOR,
            out,
        )


def _bits(value):
    """Return the bit length of value, 0 <= value < 2^30."""
    n = 0
    while value:
        value >>= 1
        n += 1
    return n
