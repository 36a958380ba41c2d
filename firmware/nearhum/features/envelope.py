"""Envelope spectrum: the rhythm in which a band of high frequencies swells and fades, as log bands.

A damaged bearing strikes once a ball passes; each blow rings a resonance of the housing. The blows
repeat at a few to some hundred hertz, but the sound they make lies at kilohertz: the spectrum shows
no line at the rate of the blows, the spectrum of the resonance's envelope does (McFadden & Smith
1984; Randall & Antoni 2011).

Enters: one channel's window, int16, as centred by transform_fixed. Leaves: int8 levels in steps of
0.376 dB, as other bands. Band-pass, rectify, low-pass, decimate, FFT. Each window is filtered from
rest, and the first three periods of envelope_low_hz, in which the filter settles (to -62 dB), are
left out: what a window says depends on that window alone, so a gap, a reset or an overlap changes
nothing, and a replay gives the same bits wherever it begins. On both numeric paths the same
integers. Leaf; loaded only where n_envelope_bands asks for it.
"""

from array import array

import micropython
from micropython import const
from nearhum import kernels
from nearhum.errors import ConfigError
from nearhum.kernels import viper_filter

_MAX_FACTOR = const(64)  # bound of the decimating kernel
_MIN_SAMPLES = const(32)  # of an envelope, as of a window with bands
_SETTLING = 3  # periods of the lower edge: exp(-3 * 2 pi cos(3 pi / 8)) = -62 dB
# the envelope's rate over its highest frequency: the triangle's alias there is at -19 dB
_OVERSAMPLING = 4


class EnvelopePlan:
    """How the envelope of a window is cut. Made from a complete config; raises ConfigError.

    factor: of decimation. start: samples left out. n: samples of the envelope. bands: (first bin,
    number of bins) in a transform of n_fft, whose bins are those of one of n_full at the sampling
    rate.
    """

    def __init__(self, config):
        from nearhum.features.bands import cut, fft_length, millihertz

        rate = millihertz(config["rate_hz"])
        low, high = millihertz(config["envelope_low_hz"]), millihertz(config["envelope_high_hz"])
        # the fastest that a band of that width carries, and slower than what it modulates
        top = millihertz(config["envelope_top_hz"]) or max(1, min(low, (high - low) // 2))
        self.edges = low, high, rate
        self.factor = max(1, min(_MAX_FACTOR, rate // (_OVERSAMPLING * top)))
        self.start = -(-_SETTLING * rate // low)
        self.n = (config["n_window"] - self.start) // self.factor - 1
        if self.n < _MIN_SAMPLES:
            raise ConfigError(
                "an envelope of %d samples (n_window = %d, %d of them to settle, one kept of %d)"
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
        """plan:

        EnvelopePlan. log2: transform_fixed.Log2. reading: of `centre`, filled for the window
        before.

        bias, floor: steps at which the scale starts, and under the strongest that weaker bands are
        raised to.
        """
        self._start, self._factor, self._n = plan.start, plan.factor, plan.n
        self._n_taken = plan.start + (plan.n + 1) * plan.factor
        self._n_bands = len(plan.bands)
        self._reading = reading
        self._sections = viper_filter.band_pass(*plan.edges)
        self._n_sections = len(self._sections) // viper_filter.WORDS
        self._z = array("i", bytes(4 * self._n_taken))
        # an even number: some transforms read words
        self._samples = array("h", bytes(4 * (plan.n + 1 >> 1)))
        self._own = array("i", bytes(8))
        # the triangle's gain, factor^2, is taken off in whole steps after the transform, the rest
        # in it
        self._gain = log2(plan.factor) + 4 >> 3
        offset = bias * 32 - 2 * log2(plan.n) + 32 * self._gain - 4 * log2(plan.factor)
        self._spectrum = kernels.spectrum(
            plan.n, plan.n_fft, plan.bands, offset, floor, log2.table, self._own
        )

    @micropython.native
    def extract_into(self, x, out):
        """Write n_envelope_bands int8 levels of the window x, array of 'h', to out.

        Allocates nothing.
        """
        bits = viper_filter.widen(x, 0, self._n_taken, self._reading[0], self._z)
        viper_filter.biquads(self._z, 0, self._n_taken, self._sections, self._n_sections)
        exponent = viper_filter.rectify_into(
            self._z, self._start, self._factor, self._samples, self._n
        )
        kernels.centre(self._samples, self._n, self._own)
        self._spectrum.extract_into(self._samples, out)
        # samples are counts * 2^(15 - bits) * factor^2 * 2^-exponent; a bit of amplitude is 16
        # steps
        viper_filter.lift(out, self._n_bands, 16 * (exponent - 15 + bits) - self._gain)
