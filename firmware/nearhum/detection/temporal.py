"""Time as a teacher: one odd window is an error, several are an alarm.

Enters: the score of each window, and the smoothed score of other views (view.py). Leaves: the
smoothed score, which is the larger of the two, and the begin and end of an alarm.

The smoothed score is a running mean of scores. They are logarithms, so one wild window moves it
little. The n-th score has a share of at least 1 / n, so that smoothing begins as a plain mean of
all scores so far, and the first score alone does not dominate.

An alarm begins when alarm_m of the last alarm_n windows are over the threshold. During an alarm the
threshold rises: by the share `release` of the way to the highest score seen, which fades slowly. So
an alarm ends even if the machine does not come back all the way, and a fault that stays raises it
again. This is a hysteresis that follows the alarm's peak.

Cases of `update`:
  1 no score                      nothing changes
  2 quiet, too few windows over   stays quiet
  3 quiet, alarm_m over           QUIET -> ALARM, returns BEGIN
  4 alarm, one of alarm_n over    stays
  5 alarm, none over              ALARM -> QUIET, returns END
"""

from array import array

import micropython
from micropython import const
from nearhum.wire import NO_SCORE, NO_THRESHOLD

BEGIN = 1
END = 2
_LIMIT = const(8191)  # Scores are limited to +-32 octaves, Q8.
_LOWEST = const(-0x10000000)  # the peak before the first score

# Words of the settings and the memory. Names in Q8 have 8 bits below the score's unit.
_SHARE = const(0)
_M = const(1)
_MASK = const(2)
_RELEASE = const(3)
_FADE_Q8 = const(4)
_ALARM = const(5)
_OVER = const(6)
_PEAK_Q8 = const(7)
_RUNNING = const(8)
_MEAN_Q8 = const(9)
_SCORE = const(10)
_OTHER = const(11)


class Temporal:
    """Smooths scores and decides on alarms. Has no learned state, and allocates nothing."""

    def __init__(self, config):
        others = (1 << config["alarm_n"] - 1) - 1  # alarm_n - 1 bits
        fade_q8 = max(1, 65536 // config["fade"])  # per window
        self._words = array(
            "i", [config["smooth"], config["alarm_m"], others, config["release"], fade_q8] + [0] * 7
        )
        self.reset()
        self.restart()

    def reset(self):
        """Forget the alarm and the peak, because a new period begins."""
        self._words[_ALARM] = self._words[_OVER] = 0
        self._words[_PEAK_Q8] = _LOWEST

    def restart(self):
        """Forget the running mean, because the next window does not follow the last one."""
        self._words[_RUNNING] = 0

    @property
    def score(self):
        """The smoothed score, octaves in Q8, NO_SCORE before the first."""
        return self._words[_SCORE] if self._words[_RUNNING] else NO_SCORE

    @property
    def alarm(self):
        """True while an alarm lasts."""
        return self._words[_ALARM] > 0

    @micropython.native
    def update(self, score, threshold, other=NO_SCORE):
        """Smooth a score, and compare the smoothed score with the threshold.

        score: octaves in Q8, or NO_SCORE. other: the smoothed score of another view, which replaces
        the own one if it is larger. Returns BEGIN, END or 0.
        """
        self._words[_OTHER] = other
        return 0 if score == NO_SCORE else _update(self._words, score, threshold)

    @micropython.native
    def smooth(self, score):
        """Smooth a score without comparing it. Returns the smoothed score, octaves in Q8.

        score: octaves in Q8, not NO_SCORE.
        """
        words = self._words
        words[_OTHER] = NO_SCORE
        _update(words, score, NO_THRESHOLD)
        return words[_SCORE]


@micropython.viper
def _update(words: ptr32, score: int, threshold: int) -> int:
    # No overflow of int32: |score| < 2^13, so a difference in Q8 is below 2^22, and its product
    # with a share of at most 2^8 below 2^30.
    b = 31
    sign = 1 << b
    if score > _LIMIT:
        score = _LIMIT
    if score < -_LIMIT:
        score = -_LIMIT
    q8 = score << 8
    n = int(words[_RUNNING])
    if n > 0:
        # The n-th score has a share of at least 1 / n, so smoothing begins as a plain mean.
        share = 256 // (n + 1)
        if share <= int(words[_SHARE]):
            share = int(words[_SHARE])
            n -= 1
        before = (int(words[_MEAN_Q8]) ^ sign) - sign
        q8 = before + (((q8 - before) * share + 128) >> 8)
    words[_RUNNING] = n + 1
    words[_MEAN_Q8] = q8
    score = (q8 + 128) >> 8
    other = (int(words[_OTHER]) ^ sign) - sign
    if score < other:
        score = other
    words[_SCORE] = score
    peak = ((int(words[_PEAK_Q8]) ^ sign) - sign) - int(words[_FADE_Q8])
    if peak < _LOWEST:
        peak = _LOWEST
    if peak < score << 8:
        peak = score << 8
    words[_PEAK_Q8] = peak
    bits = (int(words[_OVER]) & int(words[_MASK])) << 1
    # No overflow: a peak is less than 2^15 above a threshold, and a share is below 2^8.
    if score > threshold:
        if (score - threshold) << 8 > ((peak >> 8) - threshold) * int(words[_RELEASE]):
            bits |= 1
    words[_OVER] = bits
    if int(words[_ALARM]) > 0:
        if bits > 0:
            return 0
        words[_ALARM] = 0
        return 2
    n = 0
    while bits > 0:
        n += bits & 1
        bits = bits >> 1
    if n < int(words[_M]):
        return 0
    words[_ALARM] = 1
    return 1
