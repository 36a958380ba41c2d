"""View: a second score of the same windows, with its own threshold.

Enters: the embedding of each window, or statistics that the features keep beside it. Leaves: a
score that can be compared with the detector's own. Loaded only if `slow` or `aside` is set.

A view is a detector over other vectors, which learns in the same period:
  slow   The embedding averaged over `slow` windows. The average scatters less than a window, so a
         small lasting change shows. It begins as a plain mean, and begins anew at a gap. A mean of
         few windows scatters more. So before `slow` windows were seen, the score is lowered by the
         octaves by which independent windows would scatter more.
  aside  Statistics of each channel, judged apart from the means. A level may be normal while the
         spread of the signal is not, and in one vector each would hide the other.
The scores of two views scatter differently, so each view calibrates its own smoothed scores. While
watching, the smoothed score of a view is shifted by the difference of the two thresholds, and the
larger score is the detector's. Smoothing comes before this choice: the mean of the larger of two
scores exceeds both means, and neither threshold was set for it.
"""

from array import array

import micropython
from nearhum.wire import NO_SCORE, NO_THRESHOLD, WATCH


class Slow:
    """The embedding averaged over windows, int8 in one buffer. Allocates nothing."""

    def __init__(self, n_dims, windows):
        """windows: of the average, at least 2."""
        from nearhum.detection.calibration import octaves_q8

        self._out = bytearray(n_dims)
        self._mean = array("i", bytes(4 * n_dims))  # steps, Q12
        self._before = array("i", bytes(4 * n_dims))  # the same, without the last window
        self._n = n_dims
        self._windows = windows
        self._seen = self._was = 0
        self.extra_scatter_q8 = 0  # octaves by which the mean of so few windows scatters more
        self._extra_scatter = array(
            "h",
            [octaves_q8(windows) - octaves_q8(seen) for seen in range(1, windows + 1)],
        )

    def restart(self):
        """Begin a new average, because the next window does not follow the last one."""
        self._seen = 0

    @micropython.native
    def take(self, x):
        """Return the average of embedding x, int8 (n_dims,), and those before it."""
        self._was = self._seen
        if self._seen < self._windows:
            self._seen += 1
        before = self._mean
        self._mean = mean = self._before
        self._before = before
        _average(x, self._n, before, mean, self._out, self._seen)
        self.extra_scatter_q8 = self._extra_scatter[self._seen - 1]
        return self._out

    def leave(self):
        """Remove the last window from the average, because it was dirt."""
        mean = self._before
        self._before = self._mean
        self._mean = mean
        self._seen = self._was


class Aside:
    """Statistics that the features keep beside the embedding. They are not averaged."""

    extra_scatter_q8 = 0

    def __init__(self, values):
        """values: the buffer that the features fill at every window."""
        self._values = values

    def restart(self):
        """Do nothing, because there is no average."""

    def leave(self):
        """Do nothing, because there is no average."""

    def take(self, x):
        """Return the statistics of the present window. x: its embedding, not used."""
        return self._values


class View:
    """One view of a detector. Scoring and learning a window allocate nothing."""

    def __init__(self, detector, source, temporal, name):
        """Make a view.

        detector: Detector over the vectors of the source. source: Slow or Aside. temporal: its own
        Temporal, which smooths. name: function that returns the name of a dimension, for the log.
        """
        self.detector = detector
        self.name = name
        self._source = source
        self._temporal = temporal
        self._x = b""
        self.score = NO_SCORE  # score of the last window, before the shift
        self._offset = 0  # its threshold less that of the main detector

    def start(self, n_windows, mode, most):
        """Begin a learning period, as Detector.start."""
        self.restart()
        self.detector.start(n_windows, mode, most)

    def restart(self):
        """Restart average and smoothing, because the next window does not follow the last one."""
        self._source.restart()
        self._temporal.restart()

    @micropython.native
    def score_one(self, embedding):
        """Score a window in this view: `score` becomes octaves in Q8, or NO_SCORE.

        While watching, returns the smoothed score, shifted to compare with the main detector's
        threshold, or NO_SCORE. While learning, returns NO_SCORE.
        """
        self._x = x = self._source.take(embedding)
        detector = self.detector
        score = detector.scorer(x)
        if score == NO_SCORE:
            self.score = score
            return score
        self.score = score = score - self._source.extra_scatter_q8
        if detector.state != WATCH:
            return NO_SCORE
        return self._temporal.smooth(score) + self._offset

    def learn_one(self, score, left, total, dirt):
        """Learn the window that was scored last.

        score: its score. left, total: windows of the main detector's period. dirt:
        True if the window may be dirt for the main detector. Then it is not learned here either.
        """
        d = self.detector
        d.learn_left = left
        if total != d.learn_total:
            d.learn_total = total
            d.period.modes.resume(total)
        if dirt:
            self._source.leave()
            d.learn_left = left - 1
            return
        if d.dirt:
            self._temporal.restart()
        if score != NO_SCORE:
            score = self._temporal.smooth(score)
        d.period.learn_one(self._x, score)

    def finish(self, threshold):
        """End the learning period. threshold: of the main detector."""
        self.detector.finish()
        self.set_offset(threshold)

    def set_offset(self, threshold):
        """Shift scores from now on, so that they compare with the main detector's threshold."""
        mine = self.detector.threshold
        self._offset = 0 if NO_THRESHOLD in (threshold, mine) else threshold - mine

    def strangest(self):
        """Return [[name, percent]] of what is strange in the last scored window. Allocates."""
        return [[self.name(i), percent] for i, percent in self.detector.strangest(self._x)]


@micropython.viper
def _average(x: ptr8, n: int, before: ptr32, mean: ptr32, out: ptr8, windows: int):
    # No overflow: |mean| <= 128 << 12 = 2^19, so a difference of two is below 2^21.
    b = 31
    sign = 1 << b
    for i in range(n):
        m = (int(before[i]) ^ sign) - sign
        v = (((x[i] ^ 128) - 128) << 12) - m
        # The division rounds towards zero on both sides, which a shift would not. The first window
        # counts in full.
        s = v >> b
        m += (((v ^ s) - s) // windows ^ s) - s
        mean[i] = m
        out[i] = (m + 2048) >> 12
