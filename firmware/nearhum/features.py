"""Features: one window of every channel to one int8 vector, in log steps.

Enters: window.Window, int16. Leaves: bytearray of plan.n_features int8.
The vector's order is the plan's: channel by channel its mean, its statistics, its bands, its envelope bands.
`name(i)` says what dimension i is, so that the log can say what is strange.
Means of slow channels may be `ranged`, see ranges.py.
"""

from binascii import crc32

import micropython

from nearhum import kernels
from nearhum.errors import ConfigError

MAX_FEATURES = 128  # bound of the distance kernel


class Plan:
    """What is computed of a window, and in which order. Made from a complete config; raises ConfigError."""

    def __init__(self, config):
        from nearhum import bands  # what only a start needs is let go of after it, see pipeline
        from nearhum.config import statistics

        self.n_channels = config["n_channels"]
        self.n_subcarriers = config["n_subcarriers"]
        self.n_window = config["n_window"]
        self.mean = config["mean"]
        self.words = ("words",) if config["recognise"] == "words" else ()  # their head's fingerprint comes to it
        self.n_range = config["n_range"]
        self.statistics = statistics(config)
        self.level = config["level"]
        self.is_spectrum = config["bin_hz"] > 0
        if self.is_spectrum:  # as if the window were the half of a transform
            self.n_fft = 2 * self.n_window
            self._rate_mhz = self.n_fft * bands.millihertz(config["bin_hz"])
        else:
            self.n_fft = bands.fft_length(self.n_window)
            self._rate_mhz = bands.millihertz(config["rate_hz"])
        self.bands = []
        if config["n_bands"]:
            low, high = bands.millihertz(config["f_low_hz"]), bands.millihertz(config["f_high_hz"])
            self.bands = bands.cut(
                "n_bands", config["n_bands"], config["spacing"], self._rate_mhz, low, high, self.n_fft, self.n_fft // 2
            )
        self.envelope = None
        if config["n_envelope_bands"]:
            from nearhum.envelope import EnvelopePlan

            self.envelope = EnvelopePlan(config)
        self.n_before_bands = (self.mean != "off") + len(self.statistics)
        n_envelope = len(self.envelope.bands) if self.envelope else 0
        self.n_per_channel = self.n_before_bands + len(self.bands) + n_envelope
        self.n_features = self.n_per_channel * self.n_channels
        if self.n_features > MAX_FEATURES:
            raise ConfigError(
                "%d features (%d a channel)" % (self.n_features, self.n_per_channel),
                "at most %d: fewer bands, statistics or channels" % MAX_FEATURES,
            )

    def name(self, i):
        """Return what feature i is, such as `c0.mean`, `c2.rms`, `c1.120-250Hz` or `c0.env.20-30Hz`."""
        channel, i = divmod(i, self.n_per_channel)
        if self.mean != "off" and i == 0:
            return "c%d.mean" % channel
        if i < self.n_before_bands:
            return "c%d.%s" % (channel, self.statistics[i - (self.mean != "off")])
        i -= self.n_before_bands
        if i < len(self.bands):
            kind, (first, count), n_fft = "", self.bands[i], self.n_fft
        else:
            kind, (first, count), n_fft = "env.", self.envelope.bands[i - len(self.bands)], self.envelope.n_full
        hz = self._rate_mhz / 1000 / n_fft
        return "c%d.%s%.3g-%.3gHz" % (channel, kind, (first - 0.5) * hz, (first - 0.5 + count) * hz)

    def fingerprint(self, head):
        """Return a CRC-32 over all that makes an embedding comparable with another; head: the head's fingerprint."""
        parts = (self.n_channels, self.n_window, self.mean, self.statistics, self.bands, self._rate_mhz, head)
        parts += (self.level, self.is_spectrum, self.n_subcarriers)
        if self.envelope:
            parts += self.envelope.parts
        return crc32(repr(parts + self.words).encode())  # examples of words are of another form


class Features:
    """Extracts vectors by a plan on one of the two numeric paths."""

    def __init__(self, plan, path):
        self.plan = plan
        if path == "fixed":
            from nearhum.dsp_fixed import Fixed as Transform
        else:
            from nearhum.dsp_float import Float as Transform
        transform = self.transform = Transform(plan)
        self.vector = bytearray(plan.n_features)
        out = memoryview(self.vector)
        bands_into = self._bands_into(plan, transform) if plan.bands else None
        self._band_slots, self._envelope_slots = [], []
        for c in range(plan.n_channels):
            first = c * plan.n_per_channel + plan.n_before_bands
            middle = first + len(plan.bands)
            self._band_slots.append(out[first:middle])
            self._envelope_slots.append(out[middle : (c + 1) * plan.n_per_channel])
        self.ranges, level = None, _full_scale if plan.mean == "scaled" else None
        if plan.mean == "ranged":
            from nearhum.ranges import Ranges

            self.ranges = Ranges(plan)
            level = self.ranges.scale
        # what a window needs, in one tuple: making bound methods allocates, and taking attributes takes time
        self._bound = (
            plan.n_channels, plan.n_per_channel, plan.n_window, self.vector, kernels.centre, transform.reading, level,
            transform.statistics if plan.statistics else None, [getattr(transform, name) for name in plan.statistics],
            bands_into, self._band_slots,
            transform.extract_envelope_into if plan.envelope else None, self._envelope_slots,
        )  # fmt: skip

    def _bands_into(self, plan, transform):
        if plan.is_spectrum:
            from nearhum.spectra import Spectrum

            bands_into = Spectrum(plan, transform.log2).extract_into
        else:
            bands_into = transform.extract_bands_into
        if plan.level == "free":
            from nearhum.level import LevelFree

            return LevelFree(bands_into, len(plan.bands)).extract_into
        return bands_into

    @micropython.native
    def extract_into(self, rows):
        """Return self.vector, filled from the rows of a full window. Allocates nothing on the fixed path."""
        (
            n_channels, n_per_channel, n_window, out, centre, reading, level, statistics, readings, extract_bands_into,
            band_slots, extract_envelope_into, envelope_slots,
        ) = self._bound  # fmt: skip
        for c in range(n_channels):
            x, at = rows[c], c * n_per_channel
            mean_q4 = centre(x, n_window, reading)
            if level:
                out[at] = level(c, mean_q4) & 255
                at += 1
            if statistics:
                statistics(x)
                for statistic in readings:
                    out[at] = statistic() & 255
                    at += 1
            if extract_bands_into:
                extract_bands_into(x, band_slots[c])
            if extract_envelope_into:
                extract_envelope_into(x, envelope_slots[c])
        return out


def _full_scale(channel, mean_q4):
    # 256 counts a step
    return min(127, mean_q4 + 2048 >> 12)
