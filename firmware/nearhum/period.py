"""Period: how a detector learns what is normal, from the first window of a learning period to its threshold.

Enters: int8 embeddings and their smoothed scores, while the detector's state is LEARN; otherwise none is in memory.
Leaves: modes in the detector's prototypes, and the threshold.

Every window is scored against what was learned before it, and then learned: so the scores that set the threshold
(calibration.py) are those of windows the modes had not seen; what may be dirt (modes.py) sets none.

A period until stable ends when more would change nothing: at its length, and whenever a quarter more was learned, its
threshold, as a distance, and its modes are compared with those of the time before. A quarter that moved the threshold
by less than STILL, that brought no mode, and that ends with a window of a mode, was the last; but not before there are
scores enough for the threshold to be read off their tail alone, and N_BLOCKS blocks of them: fewer leave it vague.
"""

from nearhum.calibration import ENOUGH
from nearhum.modes import Modes
from nearhum.wire import NO_SCORE

STILL = 32  # Q8: an eighth of an octave
N_BLOCKS = 64


class Period:
    """A learning period of a detector, which counts its windows. Learning one allocates only where a mode begins."""

    def __init__(self, detector):
        """Goes on with the scores of the detector's last period: a mode that is added has its threshold in common."""
        self._detector = detector
        self.modes = Modes(detector.prototypes)
        self.calibration = detector.calibration()

    def learn_one(self, embedding, smoothed):
        """Learn one embedding whose smoothed score is given (NO_SCORE if none). Returns True at the period's end."""
        d, modes = self._detector, self.modes
        drift, covariance = d.drift, d.covariance
        if drift:
            embedding = drift.apply(embedding)
        d.dirt = dirt = modes.learn_one(embedding)
        if not dirt:
            if smoothed != NO_SCORE:
                self.calibration.add(smoothed)
            if drift:
                drift.observe(embedding, modes.at)
            if covariance:
                covariance.learn_one(embedding, modes.at)
        d.learn_left = left = d.learn_left - 1
        if covariance and 3 * left <= 2 * d.learn_total:
            d.stale = covariance.stale()
        return left <= 0

    def extend(self):
        """Return True, and learn a quarter more, where a period until stable is at its length and not stable yet."""
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
