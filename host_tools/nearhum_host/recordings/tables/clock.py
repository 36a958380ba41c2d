"""Time columns: what rate, order and gaps a column of times says.

Enters: the values of a column, its unit where its name says one. Leaves: a Clock. Times may be
numbers since a start, epochs, stamps, or a count of rows; they may jitter, be rounded to the
second, wrap at 32 bits, pass midnight, begin again or stand in another order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .cells import DAY_NS
from .units import NS

MIN_ROWS = 3
HEAD = 10_000  # rows
NEAR = 0.01  # two rates closer than this share are one: a sensor's own clock is off by that much
_EPOCHS = ((1e18, 1), (1e15, 1_000), (1e12, 1_000_000), (1e9, 1_000_000_000))
_FIRST, _LAST = 0.6, 5.0  # of an epoch's power of ten: 1989 to 2128
MINUTE_S = 60  # steps of whole minutes are seconds: nothing is sampled every 60 ms
_MOST_MS = 200  # whole steps of 2 to this, without a unit, are milliseconds: 5 to 500 Hz


@dataclass
class Clock:
    """What a time column says. period_ns: None where its unit is not known.

    order: the rows in the order of time, None where they stand so; breaks: rows, in that order,
    before which time is missing; start_ns: since 1970, None where it does not say.
    """

    period_ns: float | None
    step: float
    breaks: list[int]
    order: np.ndarray | None = None
    start_ns: int | None = None
    times_ns: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    missing_ns: float = 0.0
    guessed: str = ""  # the unit, where neither its name nor its values say it

    @property
    def rate_hz(self) -> float | None:
        return None if not self.period_ns else rounded(1e9 / self.period_ns)


def is_regular(values: np.ndarray, strictly: bool) -> bool:
    """Return whether values rise like a clock: nearly always, and by nearly equal steps.

    strictly: each by the same step but for a few, as it must be where no name says that it is a
    time.
    """
    if len(values) < MIN_ROWS or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        return False
    if len(values) > 2 * HEAD and not is_regular(values[:HEAD], strictly=False):
        return False  # most columns are told apart by their first rows, and cost no memory
    steps = np.diff(values.astype(np.float64))
    falling = float((steps < 0).mean())
    if falling > 0.5:
        steps, falling = -steps, 1 - falling - float((steps == 0).mean())
    up = steps[steps > 0]
    if not len(up) or falling > (0.02 if strictly else 0.1):
        return False
    middle = float(np.median(up))
    near = float((np.abs(up - middle) <= 0.5 * middle).mean())
    if not strictly:
        return True
    return len(values) >= 8 and len(up) >= 0.98 * len(steps) and near >= 0.9


def is_count(values: np.ndarray) -> bool:
    """Return whether values count rows: whole, and nearly always one more than the last."""
    if values.dtype.kind not in "iu" or len(values) < 2:
        return False
    if len(values) > 2 * HEAD and not is_count(values[:HEAD]):
        return False
    return float((np.diff(values.astype(np.int64)) == 1).mean()) > 0.9


def clock_of(
    values: np.ndarray,
    unit: str,
    stamps: bool,
    dated: bool = True,
    expected_hz: float | None = None,
) -> Clock:
    """Return what a column of times says.

    values: numbers, or ns where stamps are meant; unit: of the name, "" where it has none; dated:
    stamps have a date; expected_hz: a rate that decides between units where nothing else does.
    """
    values = values.astype(np.int64) if values.dtype.kind in "iu" else values.astype(np.float64)
    values, notes = _unwrapped(values, stamps, dated)
    values, order = _ordered(values)
    if order is not None:
        notes.append("rows were put in the order of time")
    steps = np.diff(values).astype(np.float64)
    step, limit = _step(steps)
    breaks = [int(i) + 1 for i in np.flatnonzero((steps > limit) | (steps < 0))]
    unit_ns, guessed = (1.0, "") if stamps else _unit_ns(values, unit, step, expected_hz)
    lost = steps[steps > limit] - step
    clock = Clock(None if unit_ns is None else step * unit_ns, step, breaks, order, notes=notes)
    clock.guessed = guessed
    if unit_ns is not None:
        clock.missing_ns = float(lost.sum()) * unit_ns
        if stamps and dated or not stamps and epoch_ns(values) is not None:
            clock.start_ns = int(values[0] * unit_ns if unit_ns != 1 else values[0])
            clock.times_ns = values if unit_ns == 1 else values * int(unit_ns)
    return clock


def _unwrapped(values: np.ndarray, stamps: bool, dated: bool) -> tuple[np.ndarray, list[str]]:
    steps = np.diff(values)
    wrap, what = (DAY_NS, "midnight") if stamps and not dated else (1 << 32, "the end of 32 bits")
    if stamps and dated:
        return values, []
    back = np.flatnonzero(steps < -0.9 * wrap)
    if not len(back):
        return values, []
    turns = np.zeros(len(values), np.int64)
    turns[back + 1] = wrap
    return values + np.cumsum(turns), [f"its time passes {what}"]


def _ordered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (values in order, the order or None): rows out of place are sorted, new beginnings
    are not.
    """
    steps = np.diff(values)
    if not (steps < 0).any():
        return values, None
    order = np.argsort(values, kind="stable")
    put = values[order]
    steps = np.diff(put).astype(np.float64)
    middle = float(np.median(steps))
    if middle > 0 and float((steps > 0.4 * middle).mean()) >= 0.95:
        return put, order
    return values, None


def _step(steps: np.ndarray) -> tuple[float, float]:
    """Return (mean step without gaps, the longest that is none)."""
    up = steps[steps > 0]
    if not len(up):
        return 0.0, np.inf
    if len(up) < 0.6 * len(steps):  # stamps rounded to the second: many rows share one
        edges = np.flatnonzero(steps > 0)
        whole = float(np.median(up))
        each = np.diff(edges)
        n = float(np.median(each)) if len(each) else len(steps) / len(up)
        return whole / n, 1.75 * whole
    middle = float(np.median(up))
    off = np.abs(up - middle)
    spread = float(np.median(off))
    resolution = float(np.min(up)) if spread else 0.0
    limit = max(1.75 * middle, middle + 8 * spread)
    if resolution and resolution < 0.5 * middle:  # bursts: a buffer that is emptied now and then
        limit = max(limit, float(np.quantile(up, 0.99)) * 2)
    inside = steps[(steps >= 0) & (steps <= limit)]
    return float(inside.mean()), limit


def _unit_ns(
    values: np.ndarray, unit: str, step: float, expected_hz: float | None
) -> tuple[float | None, str]:
    """Return (nanoseconds of the unit of values, None where it is not known; its name where it is
    but a guess).
    """
    known = NS.get(unit.lower()) or (epoch_ns(values) if step else None)
    if known or not step:
        return float(known) if known else None, ""
    if expected_hz:
        for candidate in (1e9, 1e6, 1e3, 1.0):
            if same_rate(1e9 / (step * candidate), expected_hz):
                return candidate, ""
    whole = bool(np.all(values == np.rint(values)))
    if not whole and step < 1:
        return 1e9, ""
    if whole and step >= MINUTE_S and abs(step / MINUTE_S - round(step / MINUTE_S)) < 0.005:
        return 1e9, "s"
    if whole and 1.5 <= step <= _MOST_MS:
        return 1e6, "ms"
    return None, ""


def epoch_ns(values: np.ndarray) -> float | None:
    """Return the nanoseconds of the unit in which values are times since 1970, None where they are
    none.
    """
    first, last = float(values[0]), float(values[-1])
    for size, ns in _EPOCHS:
        if _FIRST * size <= first <= _LAST * size and _FIRST * size <= last <= _LAST * size:
            return float(ns)
    return None


def same_rate(a_hz: float, b_hz: float) -> bool:
    """Return whether two rates are one, but for what clocks differ by."""
    return abs(a_hz - b_hz) <= NEAR * max(abs(a_hz), abs(b_hz))


def rounded(rate_hz: float) -> float:
    """Return a measured rate as a person would say it, where that is within a two-thousandth."""
    for digits in (1, 2, 3, 4):
        near = float(f"{rate_hz:.{digits}g}")
        if abs(near - rate_hz) <= rate_hz / 2000:
            return near
    return float(f"{rate_hz:.5g}")
