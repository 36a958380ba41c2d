"""Envelope spectrum: how fast a band of high frequencies swells and fades, as log bands.

In a damaged bearing, each ball that passes the damage gives a blow, and each blow makes the
housing ring at a resonance. The blows repeat at a few to some hundred hertz, but the ringing lies
at kilohertz. So the spectrum shows no line at the rate of the blows, while the spectrum of the
resonance's envelope does (McFadden & Smith 1984; Randall & Antoni 2011).

Enters: one channel's window, int16, and the mean that `centre` found. Leaves: int8 levels in steps
of 0.376 dB, as other bands. The stages are band-pass, rectifier, low-pass, decimation and FFT.
Each window is filtered from rest. Its first three periods of envelope_low_hz are left out, because
the filter settles in them (to -62 dB). So the levels depend on their window alone: a gap, a reset
or an overlap changes nothing, and a replay gives the same bits wherever it begins. Both numeric
paths use the same integers. Leaf; loaded only if n_envelope_bands is set.
"""

from array import array

import micropython
from micropython import const
from nearhum import kernels
from nearhum.errors import ConfigError
from nearhum.kernels import viper_filter

_MAX_FACTOR = const(64)  # The decimating kernel (viper_filter.rectify_into) allows no more.
_MIN_SAMPLES = const(32)  # samples of an envelope: the same minimum as n_window with bands
# Periods of the lower edge: the slowest pole has then decayed to exp(-3 * 2 pi cos(3 pi / 8)),
# which is -62 dB.
_SETTLING = 3
# Sampling rate of the envelope over its highest frequency. At that frequency the alias, which the
# triangular low-pass lets through, is then at -19 dB.
_OVERSAMPLING = 4


class EnvelopePlan:
    """The dimensions of a window's envelope, computed from complete settings.

    edges: (low, high, sampling rate) in mHz. factor: of the decimation. start: number of samples
    left out at the beginning. n: samples of the envelope. bands: (first bin, number of bins) in a
    transform of n_fft points. Its bins are as wide as those of n_full points at the sampling rate.
    Raises ConfigError if the envelope has too few samples.
    """

    def __init__(self, config):
        from nearhum.features.bands import cut, fft_length, millihertz

        rate = millihertz(config["rate_hz"])
        low, high = millihertz(config["envelope_low_hz"]), millihertz(config["envelope_high_hz"])
        # By default half the bandwidth, because a band carries no faster modulation, and at most
        # the lower edge, because a carrier is faster than its modulation.
        top = millihertz(config["envelope_top_hz"]) or max(1, min(low, (high - low) // 2))
        self.edges = low, high, rate
        self.factor = max(1, min(_MAX_FACTOR, rate // (_OVERSAMPLING * top)))
        self.start = -(-_SETTLING * rate // low)
        self.n = (config["n_window"] - self.start) // self.factor - 1
        if self.n < _MIN_SAMPLES:
            raise ConfigError(
                "an envelope of %d samples (n_window = %d, without the first %d, then one in %d)"
                % (max(0, self.n), config["n_window"], self.start, self.factor),
                "at least %d: a longer window, or a higher envelope_top_hz or envelope_low_hz"
                % _MIN_SAMPLES,
            )
        self.n_fft = fft_length(self.n)
        self.n_full = self.factor * self.n_fft
        self.bands = cut(
            "n_envelope_bands", config["n_envelope_bands"], config["spacing"], rate, 0, top,
            self.n_full, self.n_fft // 2,
        )  # fmt: skip
        self.parts = self.edges, self.factor, self.bands


class Envelope:
    """Extracts the envelope bands of a channel's window. Allocates its buffers once."""

    def __init__(self, plan, log2, reading, bias, floor):
        """Allocate the buffers.

        plan: EnvelopePlan. log2: transform_fixed.Log2. reading: the array that `centre` fills
        before each call of extract_into. bias: where the scale starts, in steps. floor: steps
        below the strongest band; weaker bands are raised to that level.
        """
        self._start, self._factor, self._n = plan.start, plan.factor, plan.n
        self._n_taken = plan.start + (plan.n + 1) * plan.factor
        self._n_bands = len(plan.bands)
        self._reading = reading
        self._sections = viper_filter.band_pass(*plan.edges)
        self._n_sections = len(self._sections) // viper_filter.WORDS
        self._z = array("i", bytes(4 * self._n_taken))
        # An even number of samples, because some transforms read whole words.
        self._samples = array("h", bytes(4 * (plan.n + 1 >> 1)))
        self._own = array("i", bytes(8))  # the reading of the envelope's own `centre`
        # The triangle has a gain of factor^2. Its whole steps are subtracted after the transform
        # and the fraction of a step in it.
        self._gain = log2(plan.factor) + 4 >> 3
        offset = bias * 32 - 2 * log2(plan.n) + 32 * self._gain - 4 * log2(plan.factor)
        self._spectrum = kernels.spectrum(
            plan.n, plan.n_fft, plan.bands, offset, floor, log2.table, self._own
        )

    @micropython.native
    def extract_into(self, x, out):
        """Write the int8 levels of the envelope bands of window x to out.

        x: array or memoryview of 'h', (n_window,). out: writable buffer, (n_envelope_bands,).
        Allocates nothing.
        """
        bits = viper_filter.widen(x, 0, self._n_taken, self._reading[0], self._z)
        viper_filter.biquads(self._z, 0, self._n_taken, self._sections, self._n_sections)
        exponent = viper_filter.rectify_into(
            self._z, self._start, self._factor, self._samples, self._n
        )
        kernels.centre(self._samples, self._n, self._own)
        self._spectrum.extract_into(self._samples, out)
        # The samples are counts * 2^(15 - bits) * factor^2 * 2^-exponent. A factor of two in
        # amplitude is 16 steps.
        viper_filter.lift(out, self._n_bands, 16 * (exponent - 15 + bits) - self._gain)
