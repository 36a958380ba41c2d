"""Calibration: from the scores of a learning period to the threshold for the stated false alarms.

Enters: smoothed scores, one for each window, in octaves, Q8. Leaves: a threshold, and how far it
can be trusted. All of it is integer arithmetic, so that every board sets the same threshold.

1. Independence. Windows that overlap, or are smoothed together, are not independent. `tied` of them
   make a block, and a block counts by its largest score. A slow signal ties even more windows
   together, and its scores then seldom cross their own mean. So the number of independent scores is
   the number of blocks, or of crossings if there are fewer. Before the first block is complete, it
   is a fraction of one.
2. Many scores: at least as many as one false alarm may come in. The threshold is read off an
   exponential tail through the k-th largest block, k = blocks / 4, limited to 1 to MOST. Its scale
   is the mean excess over that block (Hill, Annals of Statistics 3 (1975), 1163). The threshold is
   where the tail leaves one in `one_in` blocks. It is then made rarer by the factor
   1 + one_in / blocks, because the sample itself misleads about as often. Four prior excesses of an
   eighth of the spread, as a normal distribution has far out in its tail, are added to those seen.
   The time in alarm is bounded too: the same tail, starting at the share of scores above the k-th
   block, is followed until one score in _TIME_ONE_IN is left.
3. Few scores: a quarter of that number, or fewer. They show no tail. The threshold is the largest
   score plus a margin: half an octave, a 32nd of the octaves by which a false alarm is to be rarer
   than what was seen (about a quarter of an octave), and 7/8 octave divided by the number of
   scores (3/4 for features averaged over windows). The largest score counts as at most four upper
   spreads (0.8 quantile less median) above the median, so that one wild window sets no threshold.
   docs/method.md has the figures that chose these constants.
4. In between: both thresholds, weighted by the octaves by which `one_in` exceeds the number of
   scores.

Adding a score allocates nothing. The code is released after a learning period. So none of it is
native: an ESP32 never gets the memory of native code back.
"""

import struct
from array import array

from micropython import const
from nearhum.wire import NO_THRESHOLD

MOST = 32  # largest number of blocks in the tail
_PRIOR = const(4)  # prior excesses that are added to those seen
ENOUGH = 512  # scores: a period until stable does not end before it has so many
_N_BINS = const(128)  # bins of the histogram of scores
_BIN_Q8 = const(32)  # width of a bin: an eighth of an octave
_LOWEST_Q8 = const(-4 * 256)  # lower edge of the first bin, which also counts lower scores
# The largest of few scores counts as at most so many upper spreads above the median.
_REACH = const(4)
_LEAST_SPREAD_Q8 = const(64)  # A quarter of an octave, because few scores may agree by chance.
# The margin over the largest of few scores has three parts, see 3. above.
_MARGIN_Q8 = const(128)  # half an octave
_MARGIN_SHIFT = const(5)  # a 32nd of the octaves by which a false alarm is to be rarer
_MARGIN_ONE_Q8 = const(224)  # 7/8 octave, divided by the number of independent scores
_MARGIN_MEAN_Q8 = const(192)  # the same for features that are averaged over windows
_LEAST_Q8 = const(32)  # smallest number of independent scores: an eighth of one
_TIME_ONE_IN = const(100)  # One score in so many may be in an alarm: 1 % of the time.
_FEW_Q8 = const(512)  # Scores are few if one_in is four times (two octaves) their number.
_EXCESS_Q8 = const(32)  # a prior excess: an eighth of a spread
_LN2_Q8 = const(177)  # ln 2 in Q8: octaves to natural logarithms
# A spread of a normal distribution in upper spreads, Q8: 1 / 0.8416, its 0.8 quantile.
_NORMAL_Q8 = const(304)
# The threshold of a period too short to score anything: four octaves of squared distance, which is
# four times the usual distance.
_SHORT = const(1024)
_LIMIT = const(8191)  # Scores are limited to +-32 octaves, Q8.
_FULL = const(65535)  # largest count of a bin, u16
# n, blocks, scores in the open block, its largest, the largest of all, crossings, side, mean in Q8
_STATE = "<IIIhhIbi"


class Calibration:
    """The scores of one learning period: their histogram, and the largest blocks."""

    def __init__(self, one_in, tied=1, skip=0, held=1, mean=False):
        """Allocate the histogram. `rarity` computes the arguments from the settings.

        one_in: blocks for each false alarm, at least 2. tied: windows in a block. skip: first
        scores that are left out, because smoothing has not seen enough windows. They count after
        all if the period has fewer than twice as many scores. held: windows for which one window
        over the threshold holds an alarm. mean: True if features are averaged over windows.
        """
        self.one_in = one_in
        self.tied = tied
        self.skip = skip
        self.held = held
        self._margin_q8 = _MARGIN_MEAN_Q8 if mean else _MARGIN_ONE_Q8
        self._top = array("h", bytes(2 * MOST))  # largest scores of blocks, in no order
        self._first = array("h", bytes(2 * skip))  # the scores that were left out
        self.bins = array("H", bytes(2 * _N_BINS))
        self.clear()

    def clear(self):
        """Forget all scores."""
        self.n = 0
        self._n_first = 0
        self.n_blocks = self.n_in_block = 0
        self.largest = self.most = -_LIMIT
        self.crossings = self._side = 0
        self._mean_q8 = 0  # mean of the scores so far, Q8 of their unit
        for i in range(_N_BINS):
            self.bins[i] = 0

    def add(self, score):
        """Add a smoothed score, in octaves, Q8. Allocates nothing."""
        score = max(-_LIMIT, min(_LIMIT, score))
        if not self.n and self._n_first < self.skip:
            self._first[self._n_first] = score
            self._n_first += 1
            return
        self._count(score)

    def _count(self, score):
        self.n += 1
        # Rounded to nearest. Rounded down, the mean of very many scores would drift downwards.
        away = (score << 8) - self._mean_q8
        self._mean_q8 += (2 * away + self.n) // (2 * self.n)
        side = 1 if away > 0 else -1
        if side != self._side:
            self.crossings += 1
            self._side = side
        i = max(0, min(_N_BINS - 1, (score - _LOWEST_Q8) // _BIN_Q8))
        if self.bins[i] == _FULL:
            for j in range(_N_BINS):
                self.bins[j] >>= 1
        self.bins[i] += 1
        self.most = max(self.most, score)
        self.largest = max(self.largest, score)
        self.n_in_block += 1
        if self.n_in_block >= self.tied:
            self._keep()

    def _keep(self):
        # Ends a block. Its largest score replaces the smallest in `top`, if it exceeds that.
        top, n = self._top, self.n_blocks
        if n < MOST:
            top[n] = self.largest
        else:
            at = 0
            for i in range(1, MOST):
                if top[i] < top[at]:
                    at = i
            if self.largest > top[at]:
                top[at] = self.largest
        self.n_blocks = n + 1
        self.n_in_block = 0
        self.largest = -_LIMIT

    def quantile(self, part, of):
        """Return the score below which part / of the scores lie, interpolated inside a bin, Q8."""
        wanted, below = part * sum(self.bins), 0
        for i in range(_N_BINS):
            here = of * self.bins[i]
            if here and below + here >= wanted:
                return _LOWEST_Q8 + _BIN_Q8 * i + _BIN_Q8 * (wanted - below) // here
            below += here
        return _LOWEST_Q8

    def independent_q8(self):
        """Return the number of independent scores, Q8, at least an eighth."""
        return max(_LEAST_Q8, min((self.n << 8) // self.tied, self.crossings << 8))

    def beyond_q8(self):
        """Return the octaves, Q8, by which a false alarm is to be rarer than what was seen, or 0.

        The rate of false alarms may be off by a factor of two to this power.
        """
        return max(0, octaves_q8(self.one_in) + 2048 - octaves_q8(self.independent_q8()))

    def threshold(self):
        """Return the threshold, in octaves, Q8, -8191 to 32766. Allocates."""
        if self.n < 2 * self.skip:
            for i in range(self._n_first):
                self._count(self._first[i])
            self._n_first = 0
        if not self.n:
            return _SHORT
        median = self.quantile(1, 2)
        upper = max(_LEAST_SPREAD_Q8, self.quantile(4, 5) - median)
        beyond = self.beyond_q8()
        few = min(self.most, median + _REACH * upper) + _MARGIN_Q8 + (beyond >> _MARGIN_SHIFT)
        few += self._margin_q8 * 256 // self.independent_q8()
        tail = self._tail(upper * _NORMAL_Q8 >> 8)
        beyond = min(_FEW_Q8, beyond)
        return min(tail + (few - tail) * beyond // _FEW_Q8, NO_THRESHOLD - 1)

    def _tail(self, spread):
        top = list(self._top[: min(self.n_blocks, MOST)])
        if self.n_in_block:
            top.append(self.largest)  # The open block counts too.
        top.sort()
        n_blocks = max(1, self.n_blocks)
        k = max(1, min(MOST, n_blocks >> 2))
        top = top[-k:]
        scale_q8 = ((sum(top) - k * top[0] << 8) + _PRIOR * _EXCESS_Q8 * spread) // (k - 1 + _PRIOR)
        one_in = self.one_in + self.one_in * self.one_in // n_blocks
        times_q8 = max(0, octaves_q8(k * one_in) - octaves_q8(n_blocks))
        over_q8 = self._over_q8(top[0])
        if over_q8:
            more_q8 = octaves_q8(over_q8 * _TIME_ONE_IN * self.held) - octaves_q8(sum(self.bins))
            times_q8 = max(times_q8, more_q8 - 2048)
        return top[0] + (scale_q8 * _LN2_Q8 * times_q8 >> 24)

    def _over_q8(self, score):
        # Returns the number of scores above this one, Q8, interpolated inside a bin.
        i = max(0, min(_N_BINS - 1, (score - _LOWEST_Q8) // _BIN_Q8))
        inside = max(0, min(_BIN_Q8, _LOWEST_Q8 + _BIN_Q8 * (i + 1) - score))
        return (sum(self.bins[i + 1 :]) << 8) + (self.bins[i] * inside << 8) // _BIN_Q8

    def pack(self):
        """Return the scores as bytes."""
        fields = struct.pack(
            _STATE, self.n, self.n_blocks, self.n_in_block, self.largest, self.most,
            self.crossings, self._side, self._mean_q8,
        )  # fmt: skip
        used = _N_BINS
        while used and not self.bins[used - 1]:
            used -= 1
        first = 0
        while first < used and not self.bins[first]:
            first += 1
        fields += bytes([first, used - first]) + bytes(self.bins[first:used])
        fields += bytes(self._top[: min(self.n_blocks, MOST)])
        return fields + bytes([self._n_first]) + bytes(self._first[: self._n_first])

    def unpack(self, view):
        """Restore the scores from the bytes that `pack` returned. Returns the bytes used."""
        self.clear()
        (
            self.n, self.n_blocks, self.n_in_block, self.largest, self.most,
            self.crossings, self._side, self._mean_q8,
        ) = struct.unpack_from(_STATE, view, 0)  # fmt: skip
        at = struct.calcsize(_STATE)
        first, used = view[at], view[at + 1]
        at += 2
        self.bins[first : first + used] = array("H", struct.unpack_from("<%dH" % used, view, at))
        at += 2 * used
        n = min(self.n_blocks, MOST)
        self._top[:n] = array("h", struct.unpack_from("<%dh" % n, view, at))
        at += 2 * n
        self._n_first = n = view[at]
        self._first[:n] = array("h", struct.unpack_from("<%dh" % n, view, at + 1))
        return at + 1 + 2 * n


def octaves_q8(n):
    """Return log2 of an int n >= 1, in Q8, interpolated linearly between powers of two."""
    octave = len(bin(n)) - 3
    return 256 * octave + (n << 8 >> octave) - 256


def rarity(config, slow=0):
    """Return the arguments of Calibration (one_in, tied, skip, held, mean) for complete settings.

    slow: windows over which features are averaged, 0 for none. one_in: the blocks in which
    alarms_per_day allows one false alarm. tied: n_window / n_hop windows overlap, smoothing by k of
    256 ties about 2 * 256 / k - 1 windows together, and an average over `slow` windows ties
    2 * slow - 1. skip: a smoothed score counts once smoothing has seen 256 / k windows.
    """
    rate_hz = config["rate_hz"]
    # In micro-hertz, because hourly rows come at 278 of them. Above 1 Hz a board's single floats
    # resolve only thousandths.
    rate_uhz = int(rate_hz * 1000 + 0.5) * 1000 if rate_hz >= 1 else int(rate_hz * 1000000 + 0.5)
    per_day = rate_uhz * 864 // (10000 * config["n_hop"])
    tied = config["n_window"] // config["n_hop"] + 512 // config["smooth"] - 2
    tied = max(1, tied + (2 * slow - 1 if slow else 0))
    one_in = per_day * 1000 // (int(config["alarms_per_day"] * 1000 + 0.5) * tied)
    return max(2, one_in), tied, 256 // config["smooth"] - 1, config["alarm_n"], slow > 0
