"""Figures of detection and recognition, as fractions from 0 to 1; None where a class is missing.

Enters: what was true and what the board said, NumPy arrays of one length. Leaves: numbers, nothing
drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """Counts of a detector's answers; sums of two are pooled counts."""

    hits: int = 0  # true positives
    misses: int = 0  # false negatives
    false_alarms: int = 0  # false positives
    quiet: int = 0  # true negatives

    @classmethod
    def of(cls, anomalous: np.ndarray, alarm: np.ndarray) -> Confusion:
        """Count. anomalous, alarm: bool, (n,)."""
        return cls(
            int(np.count_nonzero(anomalous & alarm)),
            int(np.count_nonzero(anomalous & ~alarm)),
            int(np.count_nonzero(~anomalous & alarm)),
            int(np.count_nonzero(~anomalous & ~alarm)),
        )

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.hits + other.hits,
            self.misses + other.misses,
            self.false_alarms + other.false_alarms,
            self.quiet + other.quiet,
        )

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0 where nothing anomalous was found."""
        return _share(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms)

    @property
    def far(self) -> float | None:
        """False alarm rate: normal rows with an alarm, of all normal rows."""
        return _share(self.false_alarms, self.false_alarms + self.quiet)

    @property
    def mar(self) -> float | None:
        """Missed alarm rate: anomalous rows without an alarm, of all anomalous rows."""
        return _share(self.misses, self.hits + self.misses)

    @property
    def tpr(self) -> float | None:
        """Detections: anomalous rows with an alarm, of all anomalous rows."""
        return _share(self.hits, self.hits + self.misses)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def auc(anomalous: np.ndarray, score: np.ndarray) -> float | None:
    """Return the area under the ROC curve; ties count half.

    anomalous: bool (n,); score: real (n,), higher = stranger.
    """
    if not anomalous.any() or anomalous.all():
        return None
    # the rank sum of Mann and Whitney: a resampling asks for it often
    _, at, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[at]
    n = int(np.count_nonzero(anomalous))
    return float((ranks[anomalous].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def roc(anomalous: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (far, tpr, threshold) of the ROC curve's corners, float (m,), from (0, 0) to (1, 1).

    anomalous: bool (n,), with both classes; score: real (n,). An alarm is a score at or above the
    threshold.
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each different score
    found = np.cumsum(anomalous[order])[last].astype(float)
    false = 1 + last - found
    if len(last) > 2:  # corners alone: what lies on a line between its neighbours is left out
        corner = np.r_[True, (np.diff(false, 2) != 0) | (np.diff(found, 2) != 0), True]
        last, found, false = last[corner], found[corner], false[corner]
    far = np.r_[0.0, false] / false[-1]
    tpr = np.r_[0.0, found] / found[-1]
    return far, tpr, np.r_[np.inf, ranked[last]]


def eer(genuine: np.ndarray, impostor: np.ndarray) -> float | None:
    """Return the equal error rate: where false accepts and false rejects are the same share.

    genuine, impostor: distances, real (n,) and (m,), smaller = accepted. The crossing is
    interpolated between the two neighbouring corners of the ROC curve.
    """
    if not len(genuine) or not len(impostor):
        return None
    # every corner by two sorts: a resampling asks for it often
    limits = np.unique(np.concatenate([genuine, impostor]))
    accepted, found = (
        np.append(0.0, np.searchsorted(np.sort(some), limits, "right") / len(some))
        for some in (impostor, genuine)
    )
    gap = accepted - (1 - found)  # rises from -1 to 1
    above = int(np.argmax(gap >= 0))
    if above == 0:
        return float(accepted[0])
    step = gap[above] - gap[above - 1]
    part = -gap[above - 1] / step
    return float(accepted[above - 1] + part * (accepted[above] - accepted[above - 1]))


def accuracy(truth: np.ndarray, answer: np.ndarray) -> float | None:
    """Return the share of answers that are right. truth, answer: labels of any one type, (n,)."""
    return _share(int(np.count_nonzero(truth == answer)), len(truth))


def mean(values: list[float | None]) -> float | None:
    """Return the mean of the values that are not None, None where there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
