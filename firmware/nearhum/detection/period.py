"""Period: how a detector learns what is normal, from the first window of a learning period to
its threshold.

Enters: int8 embeddings and their smoothed scores, while the detector's state is LEARN; otherwise
none is in memory. Leaves: modes in the detector's prototypes, and the threshold.

Every window is scored against what was learned before it, and then learned: so the scores that set
the threshold (calibration.py) are those of windows the modes had not seen; what may be dirt
(modes.py) sets none. The range of slow channels is that of the whole period: a window out of it
makes it wider (features/ranges.py).

A period until stable ends when more would change nothing: at its length, and whenever a quarter
more was learned, its threshold, as a distance, and its modes are compared with those of the time
before. A quarter that moved the threshold by less than STILL, that brought no mode, and that ends
with a window of a mode, was the last; but not before there are scores enough for the threshold to
be read off their tail alone, and N_BLOCKS blocks of them: fewer leave it vague.
"""

from micropython import const
from nearhum.detection.calibration import ENOUGH
from nearhum.detection.modes import Modes
from nearhum.wire import NO_SCORE

STILL = 32  # Q8: an eighth of an octave
N_BLOCKS = 64
_STRAYS = const(10)  # at most a tenth of a period is stray: twice the dirt that it bears


class Period:
    """A learning period of a detector, which counts its windows.

    Learning one allocates only where a mode begins.
    """

    def __init__(self, detector):
        """Goes on with the scores of the detector's last period: a mode that is added has its
        threshold in common.
        """
        self._detector = detector
        self.modes = Modes(detector.prototypes, detector.n_found)
        self.calibration = detector.calibration()
        self._n_strays = 0  # windows of dirt out of the range of slow channels

    def start(self, n_windows, mode):
        """Begin a period of n_windows; see Modes.start. A named mode lies anywhere: none of its
        windows is dirt.
        """
        self.modes.start(n_windows, mode)
        self._n_strays = n_windows if mode else 0

    def widen(self, features, rows, vector):
        """Make the ranges of slow channels as wide as a window that is out of them asks for, unless
        it is dirt.

        features: extract.Features. rows: of the window. Returns its vector, made anew. Allocates.
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
                break  # a step cannot be larger
        d.refresh()
        return vector

    def _strays(self, x):
        # such dirt is learned nowhere, and widens no range. It is dirt far from every mode, until a
        # _STRAYS-th of the period was
        d, modes = self._detector, self.modes
        if self._n_strays * _STRAYS >= d.learn_total or not modes.is_known():
            return False
        d.prototypes.score_one(x)  # which mode it is nearest to
        d.stray = modes.is_new(d.first_score(x, True))
        self._n_strays += d.stray
        return d.stray

    def _halve(self, i):
        # dimension i of what was learned: its step has become twice as large
        p, covariance = self._detector.prototypes, self._detector.covariance
        p.halve(i)
        for j in range(p.n):
            p.derive(j)
        if covariance:
            covariance.halve(i)

    def learn_one(self, embedding, smoothed):
        """Learn one embedding whose smoothed score is given (NO_SCORE if none).

        Returns True at the period's end.
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
        """Return True, and learn a quarter more, where a period until stable is at its length
        and not stable yet.
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
