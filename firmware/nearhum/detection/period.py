"""Period: one learning period of a detector, from its first window to its threshold.

Enters: int8 embeddings and their smoothed scores, while the detector's state is LEARN. At other
times no Period is in memory. Leaves: modes in the detector's prototypes, and the threshold.

Every window is first scored against what was learned before it, and then learned. So the scores
that set the threshold (calibration.py) are of windows that the modes had not seen. Windows that may
be dirt (modes.py) set none. The range of slow channels is that of the whole period: a window out of
range widens it (features/ranges.py).

A period until stable ends when more windows would change nothing, or at its full length. Whenever a
quarter more was learned, it compares the distance of its threshold and the number of its modes with
the time before. It ends if the threshold moved by less than STILL, no mode was added, and the last
window was no dirt. But it does not end before there are ENOUGH scores to read the threshold off
their tail alone, and N_BLOCKS blocks of them, because with fewer the threshold is vague.
"""

from micropython import const
from nearhum.detection.calibration import ENOUGH
from nearhum.detection.modes import Modes
from nearhum.wire import NO_SCORE

STILL = 32  # octaves in Q8: an eighth of an octave
N_BLOCKS = 64  # blocks of independent scores
# At most a tenth of a period is stray: twice the share of dirt (modes.SHARE).
_STRAYS = const(10)


class Period:
    """A learning period of a detector, which counts the windows.

    Learning a window allocates only if a mode begins.
    """

    def __init__(self, detector):
        """Take the scores of the detector's last period, if it kept them.

        An added mode shares the threshold with the earlier ones, so their scores count too.
        """
        self._detector = detector
        self.modes = Modes(detector.prototypes, detector.n_found)
        self.calibration = detector.calibration()
        self._n_strays = 0  # windows of dirt that were out of range

    def start(self, n_windows, mode):
        """Begin a period of n_windows, as Modes.start.

        mode: None, or the name of a mode to add. A named mode may lie anywhere, so none of its
        windows is stray.
        """
        self.modes.start(n_windows, mode)
        self._n_strays = n_windows if mode else 0

    def widen(self, features, rows, vector):
        """Widen the ranges of slow channels to include a window, unless it is dirt.

        features: extract.Features. rows: of the window. vector: its features. Returns its features
        in the new ranges. Allocates.
        """
        d = self._detector
        ranges = d.ranges
        if self._strays(vector):
            return vector
        while ranges.beyond:
            widest = ranges.beyond
            for c in range(ranges.n_channels):
                if ranges.reach[c]:
                    ranges.widen(c)
                    self._halve(c * d.stride)
            vector = features.extract_into(rows)
            if ranges.beyond == widest:
                break  # The step has its largest size.
        d.refresh()
        return vector

    def _strays(self, x):
        # Returns True for a window far from every mode: it is not learned, and widens no range.
        # After a _STRAYS-th of the period such windows count as normal.
        d, modes = self._detector, self.modes
        if self._n_strays * _STRAYS >= d.learn_total or not modes.is_known():
            return False
        d.prototypes.score_one(x)  # finds the nearest mode
        d.stray = modes.is_new(d.first_score(x, True))
        self._n_strays += d.stray
        return d.stray

    def _halve(self, i):
        # Halves dimension i of what was learned, because its step has doubled.
        p, covariance = self._detector.prototypes, self._detector.covariance
        p.halve(i)
        for j in range(p.n):
            p.derive(j)
        if covariance:
            covariance.halve(i)

    def learn_one(self, embedding, smoothed):
        """Learn one embedding, int8 (n_dims,).

        smoothed: its smoothed score, or NO_SCORE. Returns True at the end of the period.
        """
        d, modes = self._detector, self.modes
        drift, covariance = d.drift, d.covariance
        if drift:
            embedding = drift.apply(embedding)
        d.dirt = dirt = d.stray or modes.learn_one(embedding)
        d.stray = False
        if not dirt:
            if smoothed != NO_SCORE:
                self.calibration.add(smoothed)
            if covariance:
                covariance.learn_one(embedding, modes.at)
        for view in d.views:
            view.learn_one(view.score, d.learn_left, d.learn_total, dirt)
        d.learn_left = left = d.learn_left - 1
        if 2 * left <= d.learn_total:
            d.stale = bool(covariance) and covariance.stale()
            for view in d.views:
                d.stale = d.stale or view.detector.stale
        return left <= 0

    def extend(self):
        """Extend a period until stable by a quarter, if it is not stable yet.

        Call it when learn_one has returned True. Returns True if the period goes on.
        """
        d, c = self._detector, self.calibration
        p = d.prototypes
        before, n_before = d.before, d.n_before
        more = min(d.learn_total >> 2, d.most - d.learn_total)
        if more <= 0 or not p.n:
            return False
        d.before = c.threshold() + p.scale
        d.n_before = p.n - len(self.modes.weak())
        moved = abs(d.before - before) >= STILL or d.n_before != n_before or d.dirt
        if not moved and c.n >= ENOUGH and c.n_blocks >= N_BLOCKS:
            return False
        d.learn_total += more
        d.learn_left = more
        self.modes.resume(d.learn_total)
        return True
