"""Coordinates of a drawing. Enters: values. Leaves: pixels, round ticks and SVG path data.

A long series is reduced to the smallest and the largest value of each column of pixels. So no peak
is lost, and the drawing stays small for a log of any length.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_BAR_PX = 1.5  # Of a rectangle: a single window of a year must still be seen.


@dataclass
class Frame:
    """The plotting area of an SVG, in pixels, and the values at its edges."""

    width: int
    height: int
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    left: int = 52
    right: int = 12
    top: int = 14
    bottom: int = 40

    @property
    def inner_width(self) -> int:
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> int:
        return self.height - self.top - self.bottom

    def x(self, value: float) -> float:
        return round(
            self.left + (value - self.x_low) / (self.x_high - self.x_low) * self.inner_width, 1
        )

    def y(self, value: float) -> float:
        return round(
            self.top
            + self.inner_height
            - (value - self.y_low) / (self.y_high - self.y_low) * self.inner_height,
            1,
        )


@dataclass
class Bar:
    """The horizontal extent of a rectangle, and its tooltip."""

    x: float
    width: float
    title: str = ""
    kind: str = ""


def ticks(low: float, high: float, n: int = 5) -> list[float]:
    """Return about n round values from low to high. Their step is 1, 2 or 5 times a power of 10."""
    if not high > low:
        return [low]
    step = _round_step((high - low) / n, (1, 2, 5, 10))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _round_step(rough: float, choices: Sequence[float]) -> float:
    magnitude = 10 ** math.floor(math.log10(rough))
    return next(c for c in choices if c * magnitude >= rough * 0.999) * magnitude


LONG = 100  # Of a unit: from here on, its parts are not worth saying.
_TIME_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_TIME_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
    900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 8640000,
    31536000,
)  # fmt: skip


def time_ticks(seconds: float, n: int = 7) -> tuple[list[tuple[float, str]], str]:
    """Return ([(seconds, text)], unit) for an axis from 0 to seconds.

    The unit is the largest one of which the axis has at least two.
    """
    unit_s, unit = next(((s, u) for s, u in _TIME_UNITS if seconds >= 2 * s), (1.0, "s"))
    step = next((s for s in _TIME_STEPS if s * n >= seconds), _TIME_STEPS[-1])
    count = int(seconds / step + 1e-9)
    return [(i * step, f"{i * step / unit_s:.6g}") for i in range(count + 1)], unit


def figure(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, without an exponent: 17,500 or 0.00002."""
    near = float(f"{value:.{digits}g}")
    if abs(near) >= 1000:
        return f"{near:,.0f}"
    if 0 < abs(near) < 1e-4:
        return f"{near:.{digits - 1 - math.floor(math.log10(abs(near)))}f}".rstrip("0")
    return f"{near:g}"


def duration(seconds: float) -> str:
    """Return a duration as text in at most two units: 0.2 s, 45 s, 3 min 19 s, 2 h 5 min, 659 d."""
    for (unit_s, unit), (part_s, part) in itertools.pairwise(_TIME_UNITS):
        whole, rest = divmod(round(seconds / part_s), round(unit_s / part_s))
        if whole and not (rest and whole < LONG):
            return f"{seconds / unit_s:,.0f} {unit}"
        if whole:
            return f"{whole} {unit} {rest} {part}"
    return f"{figure(seconds)} s"


def envelope(values: np.ndarray, n_columns: int) -> list[tuple[float, float, float]]:
    """Return (position, smallest, largest) of each column of values, without columns of NaN only.

    values: float (n,). A position is an index of values: the middle of the column.
    """
    n = len(values)
    if n <= n_columns:
        return [(float(i), float(v), float(v)) for i, v in enumerate(values) if not math.isnan(v)]
    edges = np.linspace(0, n, n_columns + 1).astype(int)
    out = []
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        known = values[start:stop]
        known = known[~np.isnan(known)]
        if len(known):
            out.append(((start + stop - 1) / 2, float(known.min()), float(known.max())))
    return out


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return (first, last) of each run of True, last included. mask: bool (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def series_path(frame: Frame, values: np.ndarray, n_columns: int) -> str:
    """Return path data: a line through single values, a vertical stroke for a column with many.

    Strokes are joined, so the line breaks only where more than one column has no value.
    """
    parts = []
    columns = envelope(values, n_columns)
    step = max(1.0, len(values) / n_columns)
    before = None
    up = True
    for at, low, high in columns:
        x, y_low, y_high = frame.x(at + 0.5), frame.y(low), frame.y(high)
        joined = before is not None and at - before <= 1.5 * step
        first, last = (y_low, y_high) if up else (y_high, y_low)
        parts.append(f"{'L' if joined else 'M'}{x:g} {first:g}")
        if y_low != y_high:
            parts.append(f"V{last:g}")
        up = not up
        before = at
    return "".join(parts)


def step_path(frame: Frame, values: np.ndarray) -> str:
    """Return path data of a series that seldom changes: a horizontal line for each constant run."""
    parts = []
    for first, last in runs(~np.isnan(values)):
        part = values[first : last + 1]
        starts = np.flatnonzero(np.diff(part, prepend=np.nan) != 0)
        # A threshold that drifts changes every window: one point a pixel is enough.
        wide = max(1.0, (frame.x_high - frame.x_low) / frame.inner_width)
        kept, last_start = [], -math.inf
        for start in starts:
            if start - last_start >= wide:
                kept.append(int(start))
                last_start = start
        parts.append(f"M{frame.x(first):g} {frame.y(float(part[0])):g}")
        parts += [f"H{frame.x(first + s):g}V{frame.y(float(part[s])):g}" for s in kept[1:]]
        parts.append(f"H{frame.x(last + 1):g}")
    return "".join(parts)


def bars(frame: Frame, mask: np.ndarray, title: str, kind: str = "") -> list[Bar]:
    """Return the runs of True as rectangles, wide enough to be seen; those that touch as one."""
    out: list[Bar] = []
    for first, last in runs(mask):
        x = frame.x(first)
        width = max(LEAST_BAR_PX, round(frame.x(last + 1) - x, 1))
        if out and x <= out[-1].x + out[-1].width + 0.5:
            out[-1].width = round(x + width - out[-1].x, 1)
        else:
            out.append(Bar(x, width, f"{title}, window {first}", kind))
    return out
