"""Charts: traces in, what the template has to draw out. Colours and fonts are the style sheet's.

All scores are octaves of squared distance: 0 is a typical normal window, one more is twice the squared
distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from . import metrics
from .svg import Bar, Frame, bars, series_path, step_path, ticks, time_ticks
from .traces import NORMAL, Trace

N_BINS = 48


@dataclass
class ScoreChart:
    """Score over time. series, threshold: path data; bars: horizontal extents of states, alarms and truth."""

    frame: Frame
    series: str
    threshold: str
    learning: list[Bar]
    alarms: list[Bar]
    truth: list[Bar]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    x_title: str
    boots: list[float] = field(default_factory=list)


@dataclass
class Histogram:
    """Shares of windows by score. groups: (name, path data of a stepped outline, n); threshold: x or None."""

    frame: Frame
    groups: list[tuple[str, str, int]]
    threshold: float | None
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


@dataclass
class RocChart:
    """False alarm rate against detections. point: what the board did at its own threshold, or None."""

    frame: Frame
    curve: str
    point: tuple[float, float] | None
    ticks: list[tuple[float, float, str]]


def score_chart(trace: Trace, width: int = 960, height: int = 300, n_columns: int | None = None) -> ScoreChart:
    """Return the chart of a trace's score over time.

    n_columns: how finely the score is drawn, a pixel each where None.
    """
    low, high = _range(trace.scores, trace.thresholds)
    frame = Frame(width, height, 0, trace.n, low, high + 0.04 * (high - low))
    if trace.window_s:
        named, unit = time_ticks(trace.n * trace.window_s)
        x_ticks = [(frame.x(seconds / trace.window_s), text) for seconds, text in named]
        x_title = f"time listened, {unit}"
    else:
        x_ticks = [(frame.x(value), f"{value:g}") for value in ticks(0, trace.n, 7)]
        x_title = "window"
    truth = [
        bar
        for label in sorted({label for label in trace.truth if label is not None})
        for bar in bars(frame, trace.truth == label, label, "normal" if label == NORMAL else "anomaly")
    ]
    return ScoreChart(
        frame=frame,
        series=series_path(frame, trace.scores, n_columns or frame.inner_width),
        threshold=step_path(frame, trace.thresholds),
        learning=bars(frame, trace.learning, "learning"),
        alarms=bars(frame, trace.alarm, "alarm"),
        truth=truth,
        x_ticks=x_ticks,
        y_ticks=[(frame.y(value), f"{value:g}") for value in ticks(low, high)],
        x_title=x_title,
        boots=[frame.x(boot) for boot in trace.boots if boot],
    )


def _range(*series: np.ndarray) -> tuple[float, float]:
    """Return the least and greatest value of all series, a unit apart at least; 0 and 1 without any."""
    values = np.concatenate(series)
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low >= 1 else (low - 0.5, high + 0.5)


def histogram(
    groups: Sequence[tuple[str, np.ndarray]], threshold: float | None, width: int = 560, height: int = 300
) -> Histogram | None:
    """Return the histogram of groups of values, each a name and float (n,); None where no group has one."""
    known = [(name, values[~np.isnan(values)]) for name, values in groups]
    known = [(name, values) for name, values in known if len(values)]
    if not known:
        return None
    limit = [] if threshold is None else [threshold]
    low, high = _range(*(values for _, values in known), np.array(limit))
    edges = np.linspace(low, high, N_BINS + 1)
    shares = [100 * np.histogram(values, edges)[0] / len(values) for _, values in known]
    frame = Frame(width, height, low, high, 0, 1.05 * max(float(share.max()) for share in shares))
    drawn = []
    for (name, values), share in zip(known, shares, strict=True):
        steps = "".join(f"V{frame.y(v):g}H{frame.x(edge):g}" for v, edge in zip(share, edges[1:], strict=True))
        drawn.append((name, f"M{frame.x(low):g} {frame.y(0):g}{steps}V{frame.y(0):g}Z", len(values)))
    return Histogram(
        frame,
        drawn,
        None if threshold is None else frame.x(threshold),
        [(frame.x(value), f"{value:g}") for value in ticks(low, high, 6)],
        [(frame.y(value), f"{value:g}") for value in ticks(0, frame.y_high, 4)],
    )


def roc_chart(anomalous: np.ndarray, score: np.ndarray, alarm: np.ndarray, size: int = 300) -> RocChart | None:
    """Return the ROC curve of rows with both classes, None else.

    anomalous, alarm: bool (n,); score: real (n,), higher = stranger.
    """
    if not anomalous.any() or anomalous.all():
        return None
    far, tpr, _ = metrics.roc(anomalous, score)
    frame = Frame(size + 40, size, 0, 1, 0, 1)
    kept = [0]  # corners closer than half a pixel cannot be told apart
    for i in range(1, len(far)):
        apart = max(far[i] - far[kept[-1]], tpr[i] - tpr[kept[-1]]) * size
        if apart >= 0.5 or i == len(far) - 1:
            kept.append(i)
    counts = metrics.Confusion.of(anomalous, alarm)
    return RocChart(
        frame,
        "M" + "L".join(f"{frame.x(far[i]):g} {frame.y(tpr[i]):g}" for i in kept),
        (frame.x(counts.far or 0.0), frame.y(counts.tpr or 0.0)),
        [(frame.x(v), frame.y(v), f"{100 * v:.0f}") for v in (0, 0.25, 0.5, 0.75, 1)],
    )
