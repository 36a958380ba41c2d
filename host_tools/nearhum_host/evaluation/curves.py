"""Curves of detections and false alarms over all thresholds.

Enters: scores and true labels. Leaves: path data for the template.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..report.svg import Frame
from . import metrics

_DET_TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
_DET_LEAST, _DET_MOST = 0.0005, 0.9


@dataclass
class Curve:
    """A curve over all thresholds. point: what the board did at its own threshold, or None."""

    frame: Frame
    curve: str
    point: tuple[float, float] | None
    ticks: list[tuple[float, float, str]]


def roc_chart(
    anomalous: np.ndarray, score: np.ndarray, alarm: np.ndarray, size: int = 300
) -> Curve | None:
    """Return the ROC curve of the rows, or None if one of the two classes is missing.

    anomalous, alarm: bool (n,). score: real (n,), higher is stranger.
    """
    if not anomalous.any() or anomalous.all():
        return None
    far, tpr, _ = metrics.roc(anomalous, score)
    frame = Frame(size + 40, size, 0, 1, 0, 1)
    kept = [0]  # Corners at least half a pixel apart. Closer ones look the same.
    for i in range(1, len(far)):
        apart = max(far[i] - far[kept[-1]], tpr[i] - tpr[kept[-1]]) * size
        if apart >= 0.5 or i == len(far) - 1:
            kept.append(i)
    counts = metrics.Confusion.of(anomalous, alarm)
    return Curve(
        frame,
        "M" + "L".join(f"{frame.x(far[i]):g} {frame.y(tpr[i]):g}" for i in kept),
        (frame.x(counts.far or 0.0), frame.y(counts.tpr or 0.0)),
        [(frame.x(v), frame.y(v), f"{100 * v:.0f}") for v in (0, 0.25, 0.5, 0.75, 1)],
    )


def det_chart(
    anomalous: np.ndarray, score: np.ndarray, alarm: np.ndarray, size: int = 300
) -> Curve | None:
    """Return the detection error trade-off (DET) of the rows, or None if one of the classes is
    missing.

    Arguments as of roc_chart. Both axes, missed and false alarms, are on the scale of a normal
    deviate, on which two normal distributions make a straight line (Martin et al., The DET curve in
    assessment of detection task performance, Eurospeech 1997).
    """
    if not anomalous.any() or anomalous.all():
        return None
    far, tpr, _ = metrics.roc(anomalous, score)
    low, high = _deviate(_DET_LEAST), _deviate(_DET_MOST)
    frame = Frame(size + 40, size, low, high, low, high)
    points: list[tuple[float, float]] = []
    for false, hit in zip(far, tpr, strict=True):
        point = frame.x(_deviate(float(false))), frame.y(_deviate(1 - float(hit)))
        if not points or abs(point[0] - points[-1][0]) + abs(point[1] - points[-1][1]) >= 0.5:
            points.append(point)
    counts = metrics.Confusion.of(anomalous, alarm)
    return Curve(
        frame,
        "M" + "L".join(f"{x:g} {y:g}" for x, y in points),
        (frame.x(_deviate(counts.far or 0.0)), frame.y(_deviate(counts.mar or 0.0))),
        [(frame.x(_deviate(v)), frame.y(_deviate(v)), f"{100 * v:g}") for v in _DET_TICKS],
    )


def _deviate(share: float) -> float:
    return NormalDist().inv_cdf(min(_DET_MOST, max(_DET_LEAST, share)))
