"""Features: one window of every channel to one int8 vector, in log steps.

Enters: window.Window, int16. Leaves: bytearray of plan.n_features int8.
The vector's order is the plan's: channel by channel its mean, its statistics, its bands, its envelope bands.
`name(i)` says what dimension i is, so that the log can say what is strange.
Means of slow channels may be `ranged`: the first windows set centre and step (a 40th of the spread), because a sensor's
int16 has far more range than a machine's normal. That range is part of what is learned, and is kept with it.
"""

import struct
from binascii import crc32

import micropython

from nearhum import kernels
from nearhum.errors import ConfigError

MAX_FEATURES = 128  # bound of the distance kernel
RANGE_STEPS = 40  # steps a spread of a ranged mean: no channel counts as further away than three spreads


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
        transform = self._transform = Transform(plan)
        self.vector = bytearray(plan.n_features)
        out = memoryview(self.vector)
        bands_into = self._bands_into(plan, transform) if plan.bands else None
        self._band_slots, self._envelope_slots = [], []
        for c in range(plan.n_channels):
            first = c * plan.n_per_channel + plan.n_before_bands
            middle = first + len(plan.bands)
            self._band_slots.append(out[first:middle])
            self._envelope_slots.append(out[middle : (c + 1) * plan.n_per_channel])
        self.ranges = Ranges(plan) if plan.mean == "ranged" else None
        level = self.ranges.scale if self.ranges else _full_scale if plan.mean == "scaled" else None
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


class Ranges:
    """Centre and step of each channel's mean, learned from the first windows.

    Observing sums exactly in Python integers (it may allocate, it happens once); scaling allocates nothing.
    """

    def __init__(self, plan):
        self.n_channels = plan.n_channels
        self.n_window = plan.n_window
        self.n_range = plan.n_range
        self.forget()

    def forget(self):
        """Start over: the next n_range windows set the range."""
        n = self.n_channels
        self.known = False
        self.centre_q4 = [0] * n
        self.step_q4 = [0] * n
        self._gain = [0] * n
        self._n = 0
        self._sums = [0] * n
        self._squares = [0] * n

    def observe(self, rows):
        """Take in one window; after n_range of them set the ranges. Returns True when they are known."""
        for c in range(self.n_channels):
            self._sums[c] += sum(rows[c])
            squares = 0
            for v in rows[c]:
                squares += v * v
            self._squares[c] += squares
        self._n += 1
        if self._n < self.n_range:
            return False
        count = self._n * self.n_window
        for c in range(self.n_channels):
            centre_q4 = (16 * self._sums[c] + count // 2) // count
            variance_q8 = max(0, 256 * self._squares[c] // count - (16 * self._sums[c]) ** 2 // (count * count))
            spread_q4 = kernels.isqrt(variance_q8 >> 24, variance_q8 & 0xFFFFFF)
            self.assign(c, centre_q4, max(4, spread_q4 // RANGE_STEPS))
        return True

    def assign(self, channel, centre_q4, step_q4):
        """Set one channel's range: centre and step in counts, Q4; step at least a quarter of a count."""
        self.centre_q4[channel] = centre_q4
        self.step_q4[channel] = step_q4
        self._gain[channel] = (1 << 20) // step_q4
        self.known = True

    @micropython.native
    def scale(self, channel, mean_q4):
        """Return the mean as int8 steps from the centre; saturates.

        |difference| is held to 128 steps first, so difference * gain <= 128 * 2^20 < 2^30.
        """
        d = mean_q4 - self.centre_q4[channel]
        limit = self.step_q4[channel] << 7
        if d > limit:
            return 127
        if d < -limit:
            return -128
        d = d * self._gain[channel] + (1 << 19) >> 20
        return 127 if d > 127 else d

    def pack(self):
        """Return centre and step of each channel as bytes, 8 a channel; zeros while not known."""
        return b"".join([struct.pack("<ii", self.centre_q4[c], self.step_q4[c]) for c in range(self.n_channels)])

    def unpack(self, view):
        """Take the ranges from what `pack` returned. Returns the bytes used."""
        self.forget()
        for c in range(self.n_channels):
            centre_q4, step_q4 = struct.unpack_from("<ii", view, 8 * c)
            if step_q4 > 0:
                self.assign(c, centre_q4, step_q4)
        return 8 * self.n_channels
