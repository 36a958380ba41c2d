"""Calibration: from the scores of a learning period to the threshold for the stated alarms.

Enters: smoothed scores, one a window. They are logarithms. Leaves: a threshold, and how far it can
be trusted. The whole of it is integer arithmetic, so that every board sets the same threshold.

1. Independence. Windows that overlap, or are smoothed together, say one thing: `tied` of them make
   a block, and a block says its largest score. A slow signal ties even more windows together: its
   scores seldom cross their own mean. So the number of independent scores is that of the blocks,
   or of the crossings where there are fewer; a part of one where not one block is whole.
2. Many scores, as many as one false alarm is to come in: an exponential tail through the k-th
   largest block, k = blocks / 4, 1 to MOST, with the mean excess over it as its scale (Hill, Annals
   of Statistics 3 (1975), 1163), read off where it says one in `one_in` blocks, and rarer by
   one_in / blocks: as many blocks as were seen may mislead as often as that. Four excesses of
   an eighth of the spread, as a normal tail has them far out, stand beside those that were seen.
   The time in alarm is promised too: the same tail, from the share of scores over the k-th block,
   is followed until one score in _TIME_ONE_IN is left.
3. Few scores, a quarter of that and less: no tail can be read off them. The threshold is the
   largest score plus a margin: about 3/4 octave, and 7/8 octaves divided by the number of scores,
   of a mean over windows 3/4 octaves.
   It grows slowly with the rarity that is asked for. The largest counts as no more than four upper
   spreads (0.8 quantile less median) over the median: one wild window sets no threshold.
   docs/method.md has the figures that chose these constants.
4. Between the two: their mean by the octaves that `one_in` is beyond the number of scores.

Adding a score allocates nothing. The code is freed after a learning period, so none of it is
native: native code of a freed module is lost memory on an ESP32.
"""

import struct
from array import array

from micropython import const
from nearhum.wire import NO_THRESHOLD

MOST = 32  # blocks of the tail
_PRIOR = const(4)
ENOUGH = 512  # scores, of a period that ends when it is stable
_N_BINS = const(128)  # of the histogram of scores
_BIN_Q8 = const(32)  # an eighth of an octave
_LOWEST_Q8 = const(-4 * 256)  # of the first bin; lower scores count in it
_REACH = const(4)  # upper spreads over the median that the largest of few scores counts as, at most
_LEAST_SPREAD_Q8 = const(64)  # a quarter of an octave: few scores that agree by chance
_MARGIN_Q8 = const(128)  # over the largest of few scores
_MARGIN_SHIFT = const(5)  # and a 32nd of the octaves by which a false alarm is rarer
_MARGIN_ONE_Q8 = const(224)  # the same, of one independent score alone; of n the n-th part
_MARGIN_MEAN_Q8 = const(192)  # the same, of a mean over windows
_LEAST_Q8 = const(32)  # an eighth of an independent score: what fewer windows count as
_TIME_ONE_IN = const(100)  # scores, of which one may be in an alarm
_FEW_Q8 = const(512)  # octaves by which one_in exceeds the scores where they are few
_EXCESS_Q8 = const(32)  # spreads
_LN2_Q8 = const(177)
# a normal spread in upper spreads, Q8: 1 / 0.8416
_NORMAL_Q8 = const(304)
# of a period too short to score anything: four octaves, sixteen times the usual distance
_SHORT = const(1024)
_LIMIT = const(8191)  # scores are held within +-32 octaves
_FULL = const(65535)  # of a bin
# n, blocks, in this block, its largest, the largest, crossings, side, running mean
_STATE = "<IIIhhIbi"


class Calibration:
    """The scores of one learning period: their histogram, and the largest."""

    def __init__(self, one_in, tied=1, skip=0, held=1, mean=False):
        """one_in: blocks a false alarm, at least 2. tied: windows a block. skip: first scores that
        do not count, because smoothing has not seen enough windows; they do where fewer than twice
        as many follow. held: windows for which one window over the threshold is an alarm. mean:
        whether features are averaged over windows. See `rarity`.
        """
        self.one_in = one_in
        self.tied = tied
        self.skip = skip
        self.held = held
        self._margin_q8 = _MARGIN_MEAN_Q8 if mean else _MARGIN_ONE_Q8
        self._top = array("h", bytes(2 * MOST))  # the first n_top, in no order
        self._first = array("h", bytes(2 * skip))  # scores that were skipped
        self.bins = array("H", bytes(2 * _N_BINS))
        self.clear()

    def clear(self):
        """Forget all scores."""
        self.n = 0
        self._n_first = 0
        self.n_blocks = self.n_in_block = 0
        self.largest = self.most = -_LIMIT
        self.crossings = self._side = 0
        self._mean_q8 = 0  # of the scores so far, Q8 of their unit
        for i in range(_N_BINS):
            self.bins[i] = 0

    def add(self, score):
        """Take in a smoothed score."""
        score = max(-_LIMIT, min(_LIMIT, score))
        if not self.n and self._n_first < self.skip:
            self._first[self._n_first] = score
            self._n_first += 1
            return
        self._count(score)

    def _count(self, score):
        self.n += 1
        # rounded to nearest: the mean of very many scores stands still, and does not creep down
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
        # a block ends: its largest among the largest, in the place of the least of them
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
        """Return the score that part / of the scores are below, linear inside a bin."""
        wanted, below = part * sum(self.bins), 0
        for i in range(_N_BINS):
            here = of * self.bins[i]
            if here and below + here >= wanted:
                return _LOWEST_Q8 + _BIN_Q8 * i + _BIN_Q8 * (wanted - below) // here
            below += here
        return _LOWEST_Q8

    def independent_q8(self):
        """Return the number of independent scores, Q8, an eighth at least."""
        return max(_LEAST_Q8, min((self.n << 8) // self.tied, self.crossings << 8))

    def beyond_q8(self):
        """Return the octaves, Q8, by which a false alarm is rarer than what was seen; 0 for none.

        Two to this power is the factor by which the threshold's promise may be off.
        """
        return max(0, octaves_q8(self.one_in) + 2048 - octaves_q8(self.independent_q8()))

    def threshold(self):
        """Return the threshold, -8191..32766. Allocates."""
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
            top.append(self.largest)  # a block that is not full counts by what it has
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
        # the number of scores over this one, Q8, linear inside a bin
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
        """Take the place of what `pack` returned. Returns the bytes used."""
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
    """Return log2 of n >= 1 in Q8, linear between the powers of two."""
    octave = len(bin(n)) - 3
    return 256 * octave + (n << 8 >> octave) - 256


def rarity(config, slow=0):
    """Return (blocks in which the stated alarms_per_day allow one false alarm, at least 2; windows
    a block; first scores that do not count; windows that one holds an alarm; whether features are
    averaged).

    Windows overlap by n_window / n_hop, and smoothing by k of 256 ties about 2 * 256 / k - 1
    windows together; features averaged over `slow` windows tie 2 * slow - 1. A smoothed score
    counts once smoothing has seen 256 / k windows.
    """
    rate_hz = config["rate_hz"]
    # in micro-hertz: hourly rows come at 278. Above 1 Hz a board's single floats know thousandths.
    rate_uhz = int(rate_hz * 1000 + 0.5) * 1000 if rate_hz >= 1 else int(rate_hz * 1000000 + 0.5)
    per_day = rate_uhz * 864 // (10000 * config["n_hop"])
    tied = config["n_window"] // config["n_hop"] + 512 // config["smooth"] - 2
    tied = max(1, tied + (2 * slow - 1 if slow else 0))
    one_in = per_day * 1000 // (int(config["alarms_per_day"] * 1000 + 0.5) * tied)
    return max(2, one_in), tied, 256 // config["smooth"] - 1, config["alarm_n"], slow > 0
