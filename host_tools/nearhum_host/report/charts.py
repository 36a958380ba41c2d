"""Charts. Enters: traces. Leaves: the coordinates that the template draws.

Colours and fonts are set by the style sheet. Scores are in octaves: an octave is a factor of two in
squared distance, and a typical normal window has 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..logs.traces import NORMAL, Trace
from .svg import Bar, Frame, bars, series_path, step_path, ticks, time_ticks

N_BINS = 48  # Of the histogram: about 7 pixels each.


@dataclass
class ScoreChart:
    """Score over time.

    series, threshold: path data. learning, alarms, truth: horizontal extents. boots: x of restarts.
    """

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
    """Shares of windows by score.

    groups: (name, path data of a stepped outline, number of windows). threshold: x or None.
    """

    frame: Frame
    groups: list[tuple[str, str, int]]
    threshold: float | None
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def score_chart(
    trace: Trace, width: int = 960, height: int = 300, n_columns: int | None = None
) -> ScoreChart:
    """Return the chart of a trace's score over time.

    n_columns: number of columns in which the score is drawn, by default one a pixel.
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
        for bar in bars(
            frame, trace.truth == label, label, "normal" if label == NORMAL else "anomaly"
        )
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


@dataclass
class Strip:
    """The score around one alarm, without axes.

    alarm: its horizontal extent.
    """

    frame: Frame
    series: str
    threshold: str
    alarm: Bar


def strip(
    trace: Trace, first: int, last: int, begin: int, end: int, width: int = 260, height: int = 64
) -> Strip:
    """Return the chart of the windows from first to before last, with an alarm in them.

    begin, end: the first window of the alarm, and the first one after it.
    """
    scores, thresholds = trace.scores[first:last], trace.thresholds[first:last]
    low, high = _range(scores, thresholds)
    margin = 0.08 * (high - low)
    frame = Frame(width, height, 0, last - first, low - margin, high + margin, 2, 2, 4, 4)
    x = frame.x(begin - first)
    return Strip(
        frame,
        series_path(frame, scores, width // 2),
        step_path(frame, thresholds),
        Bar(x, max(1.5, round(frame.x(end - first) - x, 1))),
    )


def _range(*series: np.ndarray) -> tuple[float, float]:
    """Return the smallest and largest value of all series, at least 1 apart; 0 and 1 for none."""
    values = np.concatenate(series)
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low >= 1 else (low - 0.5, high + 0.5)


def histogram(
    groups: Sequence[tuple[str, np.ndarray]],
    threshold: float | None,
    width: int = 400,
    height: int = 300,
) -> Histogram | None:
    """Return the histogram of groups of values, or None if no group has a value.

    groups: (name, float (n,)). Values that are NaN are left out.
    """
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
        steps = "".join(
            f"V{frame.y(v):g}H{frame.x(edge):g}" for v, edge in zip(share, edges[1:], strict=True)
        )
        drawn.append(
            (name, f"M{frame.x(low):g} {frame.y(0):g}{steps}V{frame.y(0):g}Z", len(values))
        )
    return Histogram(
        frame,
        drawn,
        None if threshold is None else frame.x(threshold),
        [(frame.x(value), f"{value:g}") for value in ticks(low, high, 6)],
        [(frame.y(value), f"{value:g}") for value in ticks(0, frame.y_high, 4)],
    )


@dataclass
class Columns:
    """One column for each stretch of time.

    columns: (x, y, width, height, tooltip). limit: y of a level to compare with, or None.
    """

    frame: Frame
    columns: list[tuple[float, float, float, float, str]]
    limit: float | None
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    x_title: str


def columns(
    counts: Sequence[float], unit: str, limit: float | None, width: int = 960, height: int = 190
) -> Columns:
    """Return a column for each count.

    unit: the time that a column stands for, such as "day". limit: a level to draw, or None.
    """
    n = len(counts)
    high = max(*counts, 1.0, limit or 0.0) * 1.12
    frame = Frame(width, height, 0, n, 0, high)
    gap = min(4.0, 0.15 * frame.inner_width / n)
    base = frame.y(0)
    drawn = [
        (
            round(frame.x(i) + gap / 2, 1),
            frame.y(count),
            round(max(1.0, frame.inner_width / n - gap), 1),
            round(base - frame.y(count), 1),
            f"{unit} {i + 1}: {count:g}",
        )
        for i, count in enumerate(counts)
    ]
    every = max(1, -(-n // (width // 60)))
    return Columns(
        frame,
        drawn,
        None if limit is None else frame.y(limit),
        [(round(frame.x(i + 0.5), 1), str(i + 1)) for i in range(0, n, every)],
        [(frame.y(value), f"{value:g}") for value in ticks(0, high, 3) if value == int(value)],
        unit,
    )
