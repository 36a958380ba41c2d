"""View: a second look at the same windows, with a threshold of its own.

Enters: the embedding of each window, or statistics that stand beside it. Leaves: a score that
compares with the detector's first one. Loaded where `slow` or `aside` asks for it.

A view is a detector over vectors of its own, and learns in the same period:
  slow   the embedding averaged over `slow` windows. What a single window scatters averages out, so
         a small lasting change shows. The average begins as a plain mean and starts anew at a gap.
         The mean of a few scatters more: until it has seen `slow` windows, its score is lowered by
         the octaves by which independent windows would scatter more.
  aside  statistics of each channel that are judged apart from the means: a level may be normal
         while the signal's spread is not. In one vector with the means they would hide each other.
Scores of two views are scattered differently, so each has its own calibration, of its own smoothed
scores. While watching, a view's smoothed score is shifted by the difference of the two thresholds;
the larger of the two is the detector's score. Smoothing comes first: the mean of the larger one of
two is larger than either mean, and neither threshold was set for it.
"""

from array import array

import micropython
from nearhum.wire import NO_SCORE, NO_THRESHOLD


class Slow:
    """The embedding averaged over windows: int8, one buffer. Allocates nothing."""

    def __init__(self, n_dims, windows):
        """windows: 2 at least."""
        from nearhum.detection.calibration import octaves_q8

        self._out = bytearray(n_dims)
        self._mean = array("i", bytes(4 * n_dims))  # Q12 of a step
        self._before = array("i", bytes(4 * n_dims))  # the same, without the last window
        self._n = n_dims
        self._windows = windows
        self._seen = self._was = 0
        self.young_q8 = 0  # octaves by which the mean of so few windows scatters more
        self._young = array(
            "h",
            [octaves_q8(windows) - octaves_q8(seen) for seen in range(1, windows + 1)],
        )

    def restart(self):
        """Begin anew: the next window does not follow the last one."""
        self._seen = 0

    @micropython.native
    def take(self, x):
        """Return the average of embedding x and those before it."""
        self._was = self._seen
        if self._seen < self._windows:
            self._seen += 1
        before = self._mean
        self._mean = mean = self._before
        self._before = before
        _average(x, self._n, before, mean, self._out, self._seen)
        self.young_q8 = self._young[self._seen - 1]
        return self._out

    def leave(self):
        """Leave the last window out of the average: it was dirt."""
        mean = self._before
        self._before = self._mean
        self._mean = mean
        self._seen = self._was


class Aside:
    """Statistics that the features leave beside the embedding. Nothing is kept of them."""

    young_q8 = 0

    def __init__(self, values):
        """values: the buffer that the features fill at every window."""
        self._values = values

    def restart(self):
        """There is nothing to begin anew."""

    def leave(self):
        """There is no average."""

    def take(self, x):
        """Return the statistics of the window that embedding x is of."""
        return self._values


class View:
    """One view of a detector. Scoring and learning a window allocate nothing."""

    def __init__(self, detector, source, temporal, name):
        """detector: over what the source makes. temporal: Temporal of its own, which smooths.

        name: a function of a dimension, for the log.
        """
        self.detector = detector
        self.name = name
        self._source = source
        self._temporal = temporal
        self._x = b""
        self.score = NO_SCORE  # of the last window, before it is shifted
        self._offset = 0  # of its threshold to the detector's first one

    def start(self, n_windows, mode, most):
        """Begin a learning period, as the detector does."""
        self.restart()
        self.detector.start(n_windows, mode, most)

    def restart(self):
        """Begin anew: the next window does not follow the last one."""
        self._source.restart()
        self._temporal.restart()

    @micropython.native
    def score_one(self, embedding):
        """Return the score of a window in this view, or NO_SCORE."""
        self._x = x = self._source.take(embedding)
        score = self.detector.score_one(x)
        return score if score == NO_SCORE else score - self._source.young_q8

    def learn_one(self, score, left, total, dirt):
        """Learn the window that was scored last.

        score: as score_one gave it. left, total: windows of the detector's period. dirt: the window
        may be dirt by the detector's first look; then it is not learned here either.
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
            self._temporal.update(score, NO_THRESHOLD)
            score = self._temporal.score
        d.period.learn_one(self._x, score)

    def finish(self, threshold):
        """End the learning period. threshold: the detector's first one."""
        self.detector.finish()
        self.settle(threshold)

    def settle(self, threshold):
        """Compare from now on with the detector's first threshold."""
        mine = self.detector.threshold
        self._offset = 0 if NO_THRESHOLD in (threshold, mine) else threshold - mine

    @micropython.native
    def compared(self, score):
        """Take in the score of a watched window; return the smoothed one as it compares with the
        detector's first threshold.
        """
        temporal = self._temporal
        temporal.update(score, NO_THRESHOLD)
        return temporal.score + self._offset

    def strangest(self):
        """Return [[name, percent]] of what is strange of the window scored last. Allocates."""
        return [[self.name(i), percent] for i, percent in self.detector.strangest(self._x)]


@micropython.viper
def _average(x: ptr8, n: int, before: ptr32, mean: ptr32, out: ptr8, windows: int):
    # |mean| <= 128 << 12 = 2^19, a difference of two below 2^21
    b = 31
    sign = 1 << b
    for i in range(n):
        m = (int(before[i]) ^ sign) - sign
        v = (((x[i] ^ 128) - 128) << 12) - m
        # towards zero on both sides, as a shift is not; of a first window all of it
        s = v >> b
        m += (((v ^ s) - s) // windows ^ s) - s
        mean[i] = m
        out[i] = (m + 2048) >> 12
