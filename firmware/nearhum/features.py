"""Features: one window of every channel to one int8 vector, in log steps.

Enters: window.Window, int16. Leaves: bytearray of plan.n_features int8.
The vector's order is the plan's: channel by channel its mean, its statistics, its bands. `name(i)` says what
dimension i is, so that the log can say what is strange.
Means of slow channels may be `ranged`: the first windows set centre and step (a 16th of the spread), because a sensor's
int16 has far more range than a machine's normal. That range is part of what is learned, and is kept with it.
"""

import struct
from binascii import crc32

from nearhum.config import statistics
from nearhum.errors import ConfigError

MAX_FEATURES = 128  # bound of the distance kernel
RANGE_STEPS = 16  # steps a spread of a ranged mean


class Plan:
    """What is computed of a window, and in which order. Made from a complete config; raises ConfigError."""

    def __init__(self, config):
        self.n_channels = config["n_channels"]
        self.n_window = config["n_window"]
        self.mean = config["mean"]
        self.n_range = config["n_range"]
        self.statistics = statistics(config)
        self.n_fft = 64
        while self.n_fft < self.n_window:
            self.n_fft *= 2
        self.bands = band_edges(config, self.n_fft)
        self.n_per_channel = (self.mean != "off") + len(self.statistics) + len(self.bands)
        self.n_features = self.n_per_channel * self.n_channels
        if self.n_features > MAX_FEATURES:
            raise ConfigError(
                "%d features (%d a channel)" % (self.n_features, self.n_per_channel),
                "at most %d: fewer bands, statistics or channels" % MAX_FEATURES,
            )
        self._rate_mhz = int(config["rate_hz"] * 1000 + 0.5)

    def name(self, i):
        """Return what feature i is, such as `c0.mean`, `c2.rms` or `c1.120-250Hz`."""
        channel, i = divmod(i, self.n_per_channel)
        if self.mean != "off":
            if i == 0:
                return "c%d.mean" % channel
            i -= 1
        if i < len(self.statistics):
            return "c%d.%s" % (channel, self.statistics[i])
        first, count = self.bands[i - len(self.statistics)]
        hz = self._rate_mhz / 1000 / self.n_fft
        return "c%d.%.3g-%.3gHz" % (channel, (first - 0.5) * hz, (first - 0.5 + count) * hz)

    def fingerprint(self, head):
        """Return a CRC-32 over all that makes an embedding comparable with another; head: the head's fingerprint."""
        parts = (self.n_channels, self.n_window, self.mean, self.statistics, self.bands, self._rate_mhz, head)
        return crc32(repr(parts).encode())


def band_edges(config, n_fft):
    """Return a list of (first bin, number of bins), n_bands of them, without gaps, the DC and Nyquist bins left out.

    linear, log (equal ratios) or mel spacing (equal ratios of 700 Hz + f: O'Shaughnessy) from f_low_hz to f_high_hz.
    A band narrower than a bin takes one whole bin and pushes the next ones up. Raises ConfigError where the range has
    fewer bins than bands: no band is empty, and none lies outside.
    In exact integers, so that boards with single and with double floats cut the same bands.
    """
    n = config["n_bands"]
    if not n:
        return []
    # frequencies as integers: a bin is 2 * rate_mhz wide
    rate = int(config["rate_hz"] * 1000 + 0.5)
    unit = 2000 * n_fft
    offset = 700 * unit if config["spacing"] == "mel" else 0
    low = max(int(config["f_low_hz"] * 1000 + 0.5) * unit // 1000, rate) + offset
    # at most the upper edge of the last bin below Nyquist, half a bin under it
    high = min(int(config["f_high_hz"] * 1000 + 0.5) * unit // 1000 or rate * n_fft, rate * (n_fft - 1)) + offset

    def bin_of(i):
        # the smallest k whose lower edge, (k - 1/2) bins, is not below the i-th of n edges
        k, step = 0, n_fft
        while step:
            edge = (2 * (k + step) - 1) * rate + offset
            if config["spacing"] == "linear":
                below = edge * n < low * (n - i) + high * i
            else:
                below = edge**n < low ** (n - i) * high**i
            if below:
                k += step
            else:
                step >>= 1
        return k + 1

    edges = [max(1, bin_of(0))]
    end = min(bin_of(n), n_fft // 2)
    for i in range(1, n + 1):
        edges.append(max(edges[-1] + 1, bin_of(i)))
    if edges[n] > end:
        hz = config["rate_hz"] / n_fft
        raise ConfigError(
            "n_bands = %d from %s to %s Hz" % (n, config["f_low_hz"], config["f_high_hz"] or config["rate_hz"] / 2),
            "bins of %.3g Hz there: %d; fewer bands, a wider range or a longer window" % (hz, max(0, end - edges[0])),
        )
    return [(edges[i], edges[i + 1] - edges[i]) for i in range(n)]


class Features:
    """Extracts vectors by a plan on one of the two numeric paths."""

    def __init__(self, plan, path):
        self.plan = plan
        if path == "fixed":
            from nearhum.dsp_fixed import Fixed as Transform
        else:
            from nearhum.dsp_float import Float as Transform
        self._transform = Transform(plan)
        # bound methods made once: making one at every window would allocate
        self._statistics = [getattr(self._transform, name) for name in plan.statistics]
        self.vector = bytearray(plan.n_features)
        out = memoryview(self.vector)
        first_band = plan.n_per_channel - len(plan.bands)
        self._band_slots = [
            out[c * plan.n_per_channel + first_band : (c + 1) * plan.n_per_channel] for c in range(plan.n_channels)
        ]
        self.ranges = Ranges(plan) if plan.mean == "ranged" else None

    def extract_into(self, window):
        """Fill self.vector from a full window. Allocates nothing on the fixed path. Returns nothing."""
        plan = self.plan
        transform = self._transform
        out = self.vector
        at = 0
        for c in range(plan.n_channels):
            x = window.rows[c]
            mean_q4 = transform.centre(x)
            if self.ranges:
                out[at] = self.ranges.scale(c, mean_q4) & 255
                at += 1
            elif plan.mean == "scaled":
                out[at] = min(127, mean_q4 + 2048 >> 12) & 255
                at += 1
            if self._statistics:
                transform.statistics(x)
                for reading in self._statistics:
                    out[at] = reading() & 255
                    at += 1
            if plan.bands:
                transform.extract_bands_into(x, self._band_slots[c])
                at += len(plan.bands)

    def observe_range(self, window):
        """While ranging: take one window into the range. Returns True when the range is now known."""
        for c in range(self.plan.n_channels):
            self.ranges.observe(c, window.rows[c])
        return self.ranges.observed()


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
        self.centre_q4 = [0] * n
        self.step_q4 = [0] * n  # 0: not known
        self._gain = [0] * n
        self._n = 0
        self._sums = [0] * n
        self._squares = [0] * n

    @property
    def known(self):
        """True when every channel has its range."""
        return self.step_q4[0] > 0

    def observe(self, channel, x):
        """Add one window of one channel, array of int16."""
        self._sums[channel] += sum(x)
        squares = 0
        for v in x:
            squares += v * v
        self._squares[channel] += squares

    def observed(self):
        """Count the window; after n_range of them set the ranges. Returns True when they are known."""
        self._n += 1
        if self._n < self.n_range:
            return False
        count = self._n * self.n_window
        for c in range(self.n_channels):
            centre_q4 = (16 * self._sums[c] + count // 2) // count
            variance_q8 = max(0, 256 * self._squares[c] // count - (16 * self._sums[c]) ** 2 // (count * count))
            self.assign(c, centre_q4, max(4, _root(variance_q8) // RANGE_STEPS))
        return True

    def assign(self, channel, centre_q4, step_q4):
        """Set one channel's range: centre and step in counts, Q4; step at least a quarter of a count."""
        self.centre_q4[channel] = centre_q4
        self.step_q4[channel] = step_q4
        self._gain[channel] = (1 << 20) // step_q4

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


def _root(n):
    """Return the integer square root of n >= 0 (Newton)."""
    if n < 2:
        return n
    x = 1 << (len(bin(n)) - 1) // 2
    while True:
        y = (x + n // x) >> 1
        if y >= x:
            return x
        x = y
