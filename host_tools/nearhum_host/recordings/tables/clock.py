"""Find the rate, the order and the gaps in a column of times.

Enters: the values of a column, and its unit if the name has one. Leaves: a Clock. Times may be
numbers since a start, epochs, stamps, or a count of rows; they may jitter, be rounded to the
second, wrap at 32 bits, pass midnight, begin again, or be out of order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..times.local import TWELVE, gone_on, past_noon
from ..times.names import NS
from ..times.sizes import Size, dates, day_size, hands, since_1970, size_of
from ..times.stamps import DAY_NS

MIN_ROWS = 3
HEAD = 10_000  # Rows that are looked at first.
NEAR = 0.01  # Rates that differ by less are equal, because a sensor's clock may be off by 1 %.
# Values at which counters begin again: 8 to 32 bits, and powers of ten.
_TURNS = (1 << 32, 1 << 24, 1 << 16, 1 << 8, 1_000_000, 100_000, 10_000, 1_000, 100)
MINUTE_S = 60  # Steps of whole minutes are in seconds, because nothing is sampled every 60 ms.
_MOST_MS = 200  # Whole steps of 2 to 200 without a unit are milliseconds: 5 to 500 Hz.


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
    values: np.ndarray | None = None  # in order, as it went on
    utc: bool = False  # its numbers count from 1970
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
    turn, _ = turn_of(values)
    steps = np.diff(values.astype(np.float64))
    steps[steps < 0] += turn
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


def is_even(values: np.ndarray) -> bool:
    """Return whether values are whole and rise by the same number in every row: 0, 10, 20."""
    if values.dtype.kind not in "iu" or len(values) < 8:
        return False
    steps = np.diff(values.astype(np.int64))
    turn, _ = turn_of(values)
    steps[steps < 0] += turn
    return bool(steps[0] > 0 and (steps == steps[0]).all())


def clock_of(
    values: np.ndarray,
    unit: str,
    stamps: bool,
    dated: bool = True,
    expected_hz: float | None = None,
    days: bool = False,
    local: bool = False,
    counts: bool = False,
    as_shown: bool = False,
) -> Clock:
    """Return what a column of times says.

    values: numbers, or ns where stamps are meant; unit: of the name, "" where it has none; dated:
    stamps have a date; expected_hz: a rate that decides between units where nothing else does;
    days: the name says that numbers are days; local: stamps say no zone; counts: they count rows;
    as_shown: the name says that numbers are as clocks show them.
    """
    values = values.astype(np.int64) if values.dtype.kind in "iu" else values.astype(np.float64)
    notes = []
    shown = None if stamps or counts or unit.lower() in NS else hands(values, as_shown)
    if days and shown is None and not stamps and (written := dates(values)) is not None:
        values, stamps, dated = written, True, True
        notes.append("its numbers are taken for dates, as 20260304")
    elif shown is not None:
        values, dated = shown
        stamps = True
        notes.append("its numbers are taken for hours, minutes and seconds, as 101530")
    elif not stamps and not counts and (size := day_size(values, unit, days)):
        dated_values = since_1970(values, size)
        assert dated_values is not None
        values, stamps, dated, local = dated_values, True, True, True
        notes.append(f"its numbers are taken for {size.what}")
    if not stamps or not dated:
        values, notes = _unwrapped(values, stamps, notes)
    elif local:
        values, set_notes = gone_on(values)
        values, notes = past_noon(values, notes + set_notes)
    values, order = _ordered(values)
    if order is not None:
        notes.append("rows were put in the order of time")
    steps = np.diff(values).astype(np.float64)
    step, limit = _step(steps)
    breaks = [int(i) + 1 for i in np.flatnonzero((steps > limit) | (steps < 0))]
    size = None if stamps or counts else size_of(values, step, days)
    if stamps:
        unit_ns, guessed = 1.0, ""
    elif counts:
        unit_ns, guessed = None, ""
    else:
        unit_ns, guessed = _unit_ns(values, unit, step, expected_hz, size)
    lost = steps[steps > limit] - step
    clock = Clock(None if unit_ns is None else step * unit_ns, step, breaks, order, notes=notes)
    clock.guessed = guessed
    clock.values = values
    if unit_ns is not None:
        clock.missing_ns = float(lost.sum()) * unit_ns
        if stamps and dated and TWELVE not in notes:
            clock.times_ns = values
        elif size is not None and size.ns == unit_ns:
            clock.times_ns = since_1970(values, size)
            clock.utc = not size.what
            if size.what:
                notes.append(f"its numbers are taken for {size.what}")
    if clock.times_ns is not None:
        clock.start_ns = int(clock.times_ns[0])
    return clock


def _unwrapped(values: np.ndarray, stamps: bool, notes: list[str]) -> tuple[np.ndarray, list[str]]:
    steps = np.diff(values)
    if stamps:
        values, notes = past_noon(values, notes)
        steps = np.diff(values)
        back = np.flatnonzero(steps < -0.9 * DAY_NS)
        wrap, what = DAY_NS, "midnight"
    else:
        wrap, what = turn_of(values)
        back = np.flatnonzero(steps < -0.9 * wrap) if wrap else np.empty(0, np.int64)
    if not len(back):
        return values, notes
    turns = np.zeros(len(values), np.int64)
    turns[back + 1] = wrap
    return values + np.cumsum(turns), [*notes, f"its numbers pass {what}"]


def turn_of(values: np.ndarray) -> tuple[int, str]:
    """Return (at how much a counter begins again, in words), (0, "") where it does not.

    It begins again after its largest number, by no less and no more than its step.
    """
    if values.dtype.kind not in "iu" or len(values) < MIN_ROWS or values.min() < 0:
        return 0, ""
    steps = np.diff(values.astype(np.int64))
    back = steps[steps < 0]
    if not len(back):
        return 0, ""
    up = steps[steps > 0]
    usual = float(np.median(up)) if len(up) else 0.0
    for turn in _TURNS:
        if usual > turn / 8:
            continue
        near = np.abs(back + turn - usual) <= max(1.0, 1.5 * usual)
        if values.max() < turn and near.all():
            bits = turn.bit_length() - 1
            return turn, f"the end of {bits} bits" if turn == 1 << bits else f"{turn}"
    return 0, ""


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
        inside = each[(up[1:] <= 1.75 * whole) & (np.abs(each - n) <= max(1.0, 0.1 * n))]
        n = float(inside.mean()) if len(inside) else n
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
    values: np.ndarray, unit: str, step: float, expected_hz: float | None, size: Size | None
) -> tuple[float | None, str]:
    """Return (nanoseconds of the unit of values, None where it is not known; its name where it is
    but a guess).
    """
    known = NS.get(unit.lower()) or (size.ns if size is not None and step else None)
    if known or not step:
        return float(known) if known else None, ""
    if expected_hz:
        for candidate in (1e9, 1e6, 1e3, 1.0):
            if same_rate(1e9 / (step * candidate), expected_hz):
                return candidate, ""
    if unit:
        return None, ""  # one that is no unit of time: ticks, samples
    whole = bool(np.all(values == np.rint(values)))
    low, high = float(values.min()), float(values.max())
    if not whole and step < 1e-5 and 1000 * step < low and high < 1:
        return float(DAY_NS), "days"  # a time of day as spreadsheets keep it: 0.5 is noon
    if not whole and step < 1:
        return 1e9, "s"
    if whole and step >= MINUTE_S and abs(step / MINUTE_S - round(step / MINUTE_S)) < 0.005:
        return 1e9, "s"
    if whole and 1.5 <= step <= _MOST_MS:
        return 1e6, "ms"
    return None, ""


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
