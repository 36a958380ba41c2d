"""Calibration: from the scores of a learning period to the threshold that the stated false alarms a day ask for.

Enters: smoothed scores, one a window; they are logarithms. Leaves: a threshold. Windows that overlap or are smoothed
together count as one: `tied` of them make a block, and what a block says is its largest score.

Two readings of the same scores, and their mean by weight:
  body  mean + z * spread of all scores, z the normal quantile of the rate asked for: sound from few scores on
  tail  from the k largest of m blocks, k = m / 4, 1 to MOST: an exponential tail through the k-th, the mean excess over
        it the tail's scale (Hill, Annals of Statistics 3 (1975), 1163: scores are logarithms), read off where it says
        one in `one_in` blocks. PRIOR excesses of an eighth of the spread, as a normal tail has
        them far out, stand beside those that were seen: few blocks cannot say that there is no tail.
Fewer than FEW blocks are filled up with typical scores, and have no tail.
The tail counts by n of ENOUGH scores, and from there on alone. All in integers; adding a score allocates nothing.
"""

import struct
from array import array

import micropython
from micropython import const

from nearhum import kernels
from nearhum.wire import NO_THRESHOLD

MOST = 32  # blocks of the tail
PRIOR = 4
FEW = 4  # blocks
ENOUGH = 512  # scores
_EXCESS_Q8 = const(32)  # spreads
_LN2_Q8 = const(177)
_SHORT = const(1024)  # of a period too short to score anything: four octaves, sixteen times the usual distance
_LIMIT = const(8191)  # scores are summed within +-32 octaves: a square stays below 2^26

# Standard normal quantiles, z(1 - 2^-i) in Q8 for i = 1..40.
_Z_Q8 = (
    0, 173, 294, 393, 477, 551, 619, 681, 739, 793, 844, 893, 939, 984, 1026, 1067, 1107, 1146, 1183, 1219,
    1255, 1289, 1323, 1355, 1388, 1419, 1450, 1480, 1509, 1538, 1567, 1595, 1623, 1650, 1676, 1703, 1729,
    1754, 1779, 1804,
)  # fmt: skip
_STATE = "<IqIIIIh"  # n, sum, squares high, low, blocks, in this block, its largest; then the largest of all


class Calibration:
    """The scores of one learning period: their sums, and the largest."""

    def __init__(self, one_in, tied=1):
        """one_in: blocks a false alarm, at least 2. tied: windows a block. See `rarity`."""
        self.one_in = one_in
        self.tied = tied
        self._top = array("h", bytes(2 * MOST))  # the first n_top, in no order
        self.clear()

    def clear(self):
        """Forget all scores."""
        self.n = 0
        # sums of scores and of their squares, high * 2^24 + low: one word would be full after 131,072 scores
        self.score_high = self.score_low = 0
        self.square_high = self.square_low = 0
        self.n_blocks = self.n_in_block = 0
        self.largest = -_LIMIT

    def add(self, score):
        """Take in a smoothed score."""
        score = max(-_LIMIT, min(_LIMIT, score))
        self.n += 1
        low = self.score_low + score
        self.score_high += low >> 24
        self.score_low = low & 0xFFFFFF
        low = self.square_low + score * score
        self.square_high += low >> 24
        self.square_low = low & 0xFFFFFF
        if score > self.largest:
            self.largest = score
        self.n_in_block += 1
        if self.n_in_block >= self.tied:
            self._keep()

    @micropython.native
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

    def threshold(self):
        """Return the threshold, -8191..32766. Allocates."""
        n = self.n
        if not n:
            return _SHORT
        total = (self.score_high << 24) + self.score_low
        variance = max(0, ((self.square_high << 24) + self.square_low) // n - (total * total) // (n * n))
        # scores of a typical member, 0 with a spread of an octave, in the place of those that FEW blocks lack
        missing = max(0, FEW * self.tied - n)
        mean = total // (n + missing)
        variance = (n * variance + (missing << 16)) // (n + missing)
        spread = 1  # the root, rounded up
        if variance > 1:
            spread += kernels.isqrt(variance - 1 >> 24, variance - 1 & 0xFFFFFF)
        body = mean + (spread * quantile_q8(self.one_in) >> 8)
        if missing:
            return min(body, NO_THRESHOLD - 1)
        top = list(self._top[: min(self.n_blocks, MOST)])
        if self.n_in_block:
            top.append(self.largest)  # a block that is not full counts by what it has
        top.sort()
        n_blocks = max(1, self.n_blocks)
        k = max(1, min(MOST, n_blocks >> 2))
        top = top[-k:]
        scale_q8 = ((sum(top) - k * top[0] << 8) + PRIOR * _EXCESS_Q8 * spread) // (k - 1 + PRIOR)
        times_q8 = max(0, octaves_q8(k * self.one_in) - octaves_q8(n_blocks))
        tail = top[0] + (scale_q8 * _LN2_Q8 * times_q8 >> 24)
        return min(body + (tail - body) * min(n, ENOUGH) // ENOUGH, NO_THRESHOLD - 1)

    def pack(self):
        """Return the scores as bytes."""
        total = (self.score_high << 24) + self.score_low
        return struct.pack(
            _STATE, self.n, total, self.square_high, self.square_low, self.n_blocks, self.n_in_block, self.largest
        ) + bytes(self._top[: min(self.n_blocks, MOST)])

    def unpack(self, view):
        """Take the place of what `pack` returned. Returns the bytes used."""
        fields = struct.unpack_from(_STATE, view, 0)
        self.n, total, self.square_high, self.square_low, self.n_blocks, self.n_in_block, self.largest = fields
        self.score_high, self.score_low = total >> 24, total & 0xFFFFFF
        at, n = struct.calcsize(_STATE), min(self.n_blocks, MOST)
        self._top[:n] = array("h", struct.unpack_from("<%dh" % n, view, at))
        return at + 2 * n


def octaves_q8(n):
    """Return log2 of n >= 1 in Q8, linear between the powers of two."""
    octave = len(bin(n)) - 3
    return 256 * octave + (n << 8 >> octave) - 256


def quantile_q8(one_in):
    """Return the standard normal quantile exceeded once in `one_in` draws, Q8; one_in >= 2, at most 2^40."""
    octave, part = divmod(octaves_q8(max(2, min(one_in, (1 << 40) - 1))), 256)
    low, high = _Z_Q8[octave - 1], _Z_Q8[min(octave, len(_Z_Q8) - 1)]
    return low + (high - low) * part // 256


def rarity(config):
    """Return (blocks in which the stated alarms_per_day allow one false alarm, at least 2; windows a block).

    Windows overlap by n_window / n_hop, and smoothing by k of 256 ties about 2 * 256 / k - 1 windows together.
    """
    rate_mhz = int(config["rate_hz"] * 1000 + 0.5)
    per_day = rate_mhz * 86400 // (1000 * config["n_hop"])
    tied = max(1, config["n_window"] // config["n_hop"] + 512 // config["smooth"] - 2)
    return max(2, per_day * 1000 // (int(config["alarms_per_day"] * 1000 + 0.5) * tied)), tied
