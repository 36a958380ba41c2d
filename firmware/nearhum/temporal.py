"""Time as a teacher: one odd window is an error, several are an alarm.

Enters: the score of each window. Leaves: the smoothed score, and an alarm's begin and end.

The smoothed score is a running mean of scores, which are logarithms: one wild window moves it little.
An alarm needs alarm_m of the last alarm_n windows over the threshold. While it lasts the threshold rises to `release`
below the highest score seen, and that memory fades: an alarm ends although the machine does not come all the way back,
and a lasting fault raises it again. Cases of `update`:
  1 no score                      nothing changes
  2 quiet, too few windows over   stays quiet
  3 quiet, alarm_m over           QUIET -> ALARM, returns BEGIN
  4 alarm, one of alarm_n over    stays
  5 alarm, none over              ALARM -> QUIET, returns END
"""

from nearhum.wire import NO_SCORE

BEGIN = 1
END = 2


class Temporal:
    """Smooths scores and decides on alarms. Holds no learned state; allocates nothing."""

    def __init__(self, config):
        self._share = config["smooth"]
        self._m = config["alarm_m"]
        self._window_mask = (1 << config["alarm_n"]) - 1
        self._release = config["release"]
        self._fade_q8 = max(1, 65536 // config["fade"])  # of the score's unit, a window
        self.reset()
        self.restart()

    def reset(self):
        """Forget alarm and peak: a new period begins."""
        self.alarm = False
        self._over = 0
        self._peak_q8 = -(1 << 28)  # of the score's unit

    def restart(self):
        """Forget the running mean: the next window does not follow the last one."""
        self.score = NO_SCORE
        self._score_q8 = 0

    def smooth(self, score):
        """Take in a score (NO_SCORE: none) and return the smoothed one, rounded to the score's unit."""
        if score == NO_SCORE:
            return self.score
        if self.score == NO_SCORE:
            self._score_q8 = score << 8
        else:
            self._score_q8 += (((score << 8) - self._score_q8) * self._share + 128) >> 8
        self.score = (self._score_q8 + 128) >> 8
        return self.score

    def update(self, threshold):
        """Compare the smoothed score with the threshold. Returns BEGIN or END of an alarm, or 0."""
        score = self.score
        if score == NO_SCORE:
            return 0
        self._peak_q8 = max(score << 8, self._peak_q8 - self._fade_q8)
        over = score > threshold and score > (self._peak_q8 >> 8) - self._release
        self._over = (self._over & self._window_mask >> 1) << 1 | over  # 30 windows at most: a small integer
        if self.alarm:
            if self._over:
                return 0
            self.alarm = False
            return END
        n, bits = 0, self._over
        while bits:
            n += bits & 1
            bits >>= 1
        if n < self._m:
            return 0
        self.alarm = True
        return BEGIN
