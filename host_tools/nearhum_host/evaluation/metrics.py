"""Figures of detection and recognition, as fractions from 0 to 1, or None if a class is missing.

Enters: the truth and the board's answers, NumPy arrays of equal length. Leaves: numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """Counts of a detector's answers. The sum of two is their pooled counts."""

    hits: int = 0  # True positives.
    misses: int = 0  # False negatives.
    false_alarms: int = 0  # False positives.
    quiet: int = 0  # True negatives.

    @classmethod
    def of(cls, anomalous: np.ndarray, alarm: np.ndarray) -> Confusion:
        """Count the answers. anomalous, alarm: bool (n,)."""
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
        """Harmonic mean of precision and recall. It is 0 if nothing anomalous was found."""
        return _share(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms)

    @property
    def far(self) -> float | None:
        """False alarm rate (FAR): the share of normal rows with an alarm."""
        return _share(self.false_alarms, self.false_alarms + self.quiet)

    @property
    def mar(self) -> float | None:
        """Missed alarm rate (MAR): the share of anomalous rows without an alarm."""
        return _share(self.misses, self.hits + self.misses)

    @property
    def tpr(self) -> float | None:
        """True positive rate (TPR), detections: the share of anomalous rows with an alarm."""
        return _share(self.hits, self.hits + self.misses)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def auc(anomalous: np.ndarray, score: np.ndarray) -> float | None:
    """Return the area under the ROC curve. Ties count half.

    anomalous: bool (n,). score: real (n,), higher is stranger.
    """
    if not anomalous.any() or anomalous.all():
        return None
    # The rank sum of Mann and Whitney. It is fast, because the bootstrap calls this often.
    _, at, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[at]
    n = int(np.count_nonzero(anomalous))
    return float((ranks[anomalous].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def roc(anomalous: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (far, tpr, threshold) of the ROC curve's corners, float (m,), from (0, 0) to (1, 1).

    anomalous: bool (n,), with both classes. score: real (n,). A score at or above the threshold is
        an alarm.
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # Row of each new score.
    found = np.cumsum(anomalous[order])[last].astype(float)
    false = 1 + last - found
    if len(last) > 2:  # Keep corners only, not points on a line between their neighbours.
        corner = np.r_[True, (np.diff(false, 2) != 0) | (np.diff(found, 2) != 0), True]
        last, found, false = last[corner], found[corner], false[corner]
    far = np.r_[0.0, false] / false[-1]
    tpr = np.r_[0.0, found] / found[-1]
    return far, tpr, np.r_[np.inf, ranked[last]]


def eer(genuine: np.ndarray, impostor: np.ndarray) -> float | None:
    """Return the equal error rate, at which false accepts and false rejects are equally frequent.

    genuine, impostor: distances, real (n,) and (m,). Smaller distances are accepted. The crossing
        is interpolated between the two neighbouring corners of the ROC curve.
    """
    if not len(genuine) or not len(impostor):
        return None
    # Two sorts give all corners. It is fast, because the bootstrap calls this often.
    limits = np.unique(np.concatenate([genuine, impostor]))
    accepted, found = (
        np.append(0.0, np.searchsorted(np.sort(some), limits, "right") / len(some))
        for some in (impostor, genuine)
    )
    gap = accepted - (1 - found)  # Rises from -1 to 1.
    above = int(np.argmax(gap >= 0))
    if above == 0:
        return float(accepted[0])
    step = gap[above] - gap[above - 1]
    part = -gap[above - 1] / step
    return float(accepted[above - 1] + part * (accepted[above] - accepted[above - 1]))


def accuracy(truth: np.ndarray, answer: np.ndarray) -> float | None:
    """Return the share of right answers. truth, answer: labels of any one type, (n,)."""
    return _share(int(np.count_nonzero(truth == answer)), len(truth))


def mean(values: list[float | None]) -> float | None:
    """Return the mean of the values that are not None, or None if there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
