"""Detection: learn what is normal, then say how strange a window is. idle -> learn -> watch.

Enters: int8 embeddings and the smoothed scores that temporal makes of them. Leaves: scores, and a threshold.

While learning, every window is scored against what was learned before it, and then learned: so the scores that set the
threshold are those of windows the modes had not seen; what may be dirt (see modes) sets none. The threshold lies as
many spreads above their mean as the stated false alarms a day ask for, counting windows that overlap or are smoothed
together as one. All in integers.

States, numbered as the journal has them:
  0 idle   nothing learned, nothing to compare with
  1 learn  first the range of slow channels (features.Ranges), then warming up: no scores for half of the period,
           then scores and learning side by side
  2 watch  scores against the threshold; nothing is learned
"""

import struct

import micropython

from nearhum import kernels
from nearhum.modes import Modes
from nearhum.wire import IDLE, LEARN, NO_SCORE, WATCH

NO_THRESHOLD = 32767  # no score reaches it

# Standard normal quantiles, z(1 - 2^-i) in Q8 for i = 1..40.
_Z_Q8 = (
    0, 173, 294, 393, 477, 551, 619, 681, 739, 793, 844, 893, 939, 984, 1026, 1067, 1107, 1146, 1183, 1219,
    1255, 1289, 1323, 1355, 1388, 1419, 1450, 1480, 1509, 1538, 1567, 1595, 1623, 1650, 1676, 1703, 1729,
    1754, 1779, 1804,
)  # fmt: skip
_STATE = "<BBhIIIqII"  # state, prototypes, threshold, learn_left, learn_total, n_scores, sum, squares high, low
_SCORE_LIMIT = 8191  # scores are summed within +-32 octaves: a square stays below 2^26


class Detector:
    """The detector over one set of normal prototypes. Scoring and learning a window allocate nothing."""

    def __init__(self, prototypes, windows_per_alarm):
        """prototypes: Prototypes of normal. windows_per_alarm: independent windows a false alarm; see `rarity`."""
        self.prototypes = prototypes
        self.modes = Modes(prototypes)
        self.windows_per_alarm = windows_per_alarm
        self.state = IDLE
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = 0
        self.dirt = False  # the last window learned may be dirt
        self.dropped = 0  # windows of dirt that the last period's end dropped
        self._start_calibration()

    def _start_calibration(self):
        self.n_scores = 0
        # sums of scores and of their squares, high * 2^24 + low: one word would be full after 131,072 scores
        self.score_high = self.score_low = 0
        self.square_high = self.square_low = 0

    def start(self, n_windows, mode=None):
        """Forget what is normal and learn it anew from the next n_windows; or add them as a mode of that name."""
        self.modes.start(n_windows, mode)
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = n_windows
        self.state = LEARN
        if not mode:
            self._start_calibration()

    @micropython.native
    def score_one(self, embedding):
        """Return the score of an embedding, or NO_SCORE where there is nothing to compare it with. Changes nothing."""
        p = self.prototypes
        if self.state != WATCH and sum(p.counts) < max(1, self.learn_left):
            return NO_SCORE
        return p.score_one(embedding)

    @micropython.native
    def learn_one(self, embedding, smoothed):
        """Learn one embedding whose smoothed score is given (NO_SCORE if none). Returns True at the period's end."""
        self.dirt = self.modes.learn_one(embedding)
        if smoothed != NO_SCORE and not self.dirt:
            self._calibrate(smoothed)
        self.learn_left -= 1
        return self.learn_left <= 0

    @micropython.native
    def _calibrate(self, score):
        score = max(-_SCORE_LIMIT, min(_SCORE_LIMIT, score))
        self.n_scores += 1
        low = self.score_low + score
        self.score_high += low >> 24
        self.score_low = low & 0xFFFFFF
        low = self.square_low + score * score
        self.square_high += low >> 24
        self.square_low = low & 0xFFFFFF

    def finish(self):
        """End the learning period: derive what was learned, set the threshold, watch. Idle if nothing was learned."""
        p = self.prototypes
        self.learn_left = 0
        self.dirt = False
        if not sum(p.counts):
            p.clear()
            self.state = IDLE
            return
        self.dropped = self.modes.finish()
        self.threshold = self._threshold()
        self.state = WATCH

    def _threshold(self):
        n = self.n_scores
        if not n:
            return 4 * 256  # a period too short to score anything: four octaves, sixteen times the usual distance
        total = (self.score_high << 24) + self.score_low
        mean = total // n
        variance = max(0, ((self.square_high << 24) + self.square_low) // n - (total * total) // (n * n))
        spread = 1  # the root, rounded up
        if variance > 1:
            spread += kernels.isqrt(variance - 1 >> 24, variance - 1 & 0xFFFFFF)
        return min(mean + (spread * quantile_q8(self.windows_per_alarm) >> 8), NO_THRESHOLD - 1)

    def mode(self):
        """Return the name of the mode that the last window was nearest to; None where it has none."""
        p = self.prototypes
        return p.labels[p.nearest()] if p.n and self.state == WATCH else None

    def forget(self):
        """Forget what is normal."""
        self.prototypes.clear()
        self.state = IDLE
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = 0
        self._start_calibration()

    def pack(self):
        """Return state, threshold, the scores of a running calibration and the prototypes as bytes."""
        p = self.prototypes
        head = struct.pack(
            _STATE, self.state, p.n, self.threshold, self.learn_left, self.learn_total,
            self.n_scores, (self.score_high << 24) + self.score_low, self.square_high, self.square_low,
        )  # fmt: skip
        for j in range(p.n):
            name = (p.labels[j] or "").encode()
            head += bytes([len(name)]) + name + p.pack(j)
        return head

    def unpack(self, view):
        """Take the place of what `pack` returned. Returns the bytes used."""
        p = self.prototypes
        p.clear()
        fields = struct.unpack_from(_STATE, view, 0)
        self.state, n, self.threshold, self.learn_left, self.learn_total = fields[:5]
        self.n_scores, total, self.square_high, self.square_low = fields[5:]
        self.score_high, self.score_low = total >> 24, total & 0xFFFFFF
        at = struct.calcsize(_STATE)
        for _ in range(n):
            end = at + 1 + view[at]
            at = end + p.unpack(bytes(view[at + 1 : end]).decode() or None, view[end:])
        if self.state == LEARN:
            self.modes.resume(self.learn_total)
        return at


def quantile_q8(one_in):
    """Return the standard normal quantile exceeded once in `one_in` draws, Q8; one_in >= 2, at most 2^40."""
    one_in = max(2, min(one_in, 1 << 40))
    octave = min(len(bin(one_in)) - 3, len(_Z_Q8) - 1)  # floor(log2)
    low, high = _Z_Q8[octave - 1], _Z_Q8[octave]
    return low + (high - low) * ((one_in << 8 >> octave) - 256) // 256


def rarity(config):
    """Return the independent windows in which the stated alarms_per_day allow one false alarm; at least 2.

    Windows overlap by n_window / n_hop, and smoothing by k of 256 ties about 2 * 256 / k - 1 windows together.
    """
    rate_mhz = int(config["rate_hz"] * 1000 + 0.5)
    per_day = rate_mhz * 86400 // (1000 * config["n_hop"])
    tied = config["n_window"] // config["n_hop"] + 512 // config["smooth"] - 2
    return max(2, per_day * 1000 // (int(config["alarms_per_day"] * 1000 + 0.5) * max(1, tied)))
