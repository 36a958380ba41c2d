"""Find the unit of a time column by the size of its numbers: since 1970, days, ticks.

Enters: the numbers, and the unit in their name. Leaves: their unit and start. The size decides only
if the steps fit too, because micros() also passes 1,700,000,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .stamps import DAY_NS

DAY, SECOND = float(DAY_NS), 1e9
_MOST_STEP_NS = 120e9  # Of times since 1970. A longer step must be whole minutes.
_HEAD = 10_000  # Rows that are looked at.
_LEAST_STEP_NS = 50_000
_MOST_DAYS = 2e-4  # 17 s. Shorter steps are fractions of a day, longer ones may be seconds.


@dataclass(frozen=True)
class Size:
    """ns: of the unit; zero: the number that is 1970, None where the start is not known."""

    ns: float
    first: float
    last: float
    zero: float | None
    what: str = ""


_1970 = (
    Size(1, 0.9e18, 3e18, 0),
    Size(1e3, 0.9e15, 3e15, 0),
    Size(1e6, 0.9e12, 3e12, 0),
    Size(1e9, 1e9, 3e9, 0),  # 2001 to 2065
)
_OTHERS = (
    # .NET counts 100 ns since the year 1, Windows' file times since 1601.
    Size(100, 6.2e17, 6.6e17, 621_355_968_000_000_000, ".NET ticks of 100 ns"),
    Size(100, 1.2e17, 1.45e17, 116_444_736_000_000_000, "Windows file times of 100 ns"),
    Size(1e9, 3e9, 4.3e9, None, "seconds since 1904 or 1900, from a day that is left open"),
    Size(1e9, 6e8, 1e9, None, "seconds since 1970 or 2001, from a day that is left open"),
)
_DAYS = (
    Size(DAY, 3e4, 5.5e4, 25_569, "days of a spreadsheet"),
    Size(DAY, 5.5e4, 7e4, 40_587, "days as modified Julian dates"),
    Size(DAY, 7e5, 7.8e5, 719_529, "days as MATLAB's datenum"),
    Size(DAY, 2.44e6, 2.48e6, 2_440_587.5, "days as Julian dates"),
)


def size_of(values: np.ndarray, step: float, days: bool = False) -> Size | None:
    """Return what numbers are by their size, None where that does not say it.

    step: between rows, in their unit; days: their name says that they are days.
    """
    for size in (*_1970, *_OTHERS, *_DAYS):
        if not (size.first <= values[0] <= size.last and size.first <= values[-1] <= size.last):
            continue
        if size.ns == DAY:
            if 0 < step <= _MOST_DAYS or days or _is_part_of_day(step):
                return size
            continue
        minutes = step * size.ns / 60e9
        if step * size.ns <= _MOST_STEP_NS or abs(minutes - round(minutes)) < 0.02:
            return size
    return None


def _is_part_of_day(step: float) -> bool:
    """Return whether a step is of whole seconds as a share of a day, and no round decimal."""
    seconds = step * 86400
    whole = abs(seconds - round(seconds)) < 1e-3 * max(1.0, seconds / 60)
    return seconds >= 1 and whole and abs(step - round(step, 5)) > 1e-7


def other_size(values: np.ndarray, unit_ns: float, step: float) -> Size | None:
    """Return what numbers are by their size, where that contradicts the unit of their name.

    They do where they would be thousands of years, or would follow each other by less than 50 us.
    """
    size = size_of(values, step)
    if size is None or size.ns == unit_ns or size not in (*_1970, *_DAYS):
        return None
    too_long = size in _1970 and unit_ns > size.ns
    too_short = 0 < step * unit_ns < _LEAST_STEP_NS <= step * size.ns
    return size if too_long or too_short else None


def day_size(values: np.ndarray, unit: str, days: bool) -> Size | None:
    """Return which days numbers are by their size, None where they are none, or have a unit."""
    if unit or len(values) < 2:
        return None
    up = np.diff(values.astype(np.float64))
    up = up[up > 0]
    size = size_of(values, float(np.median(up)), days) if len(up) else None
    return size if size is not None and size.ns == DAY else None


def is_epoch(values: np.ndarray) -> bool:
    """Return whether numbers are times since 1970 by their size and their steps."""
    step = float(np.median(np.abs(np.diff(values[:1000].astype(np.float64))))) or 1.0
    return size_of(values, step) is not None


def since_1970(values: np.ndarray, size: Size) -> np.ndarray | None:
    """Return the nanoseconds since 1970 of numbers of a size, None where it does not say them."""
    if size.zero is None:
        return None
    if values.dtype.kind in "iu":
        return (values.astype(np.int64) - np.int64(size.zero)) * np.int64(size.ns)
    whole = np.floor(values)  # apart, for a double holds no nanoseconds since 1970
    rest = np.rint((values - whole) * size.ns).astype(np.int64)
    zero = np.floor(size.zero)
    whole_ns = (whole - zero).astype(np.int64) * np.int64(size.ns) + rest
    return whole_ns - np.int64(round((size.zero - zero) * size.ns))


def _usual(steps: np.ndarray) -> float:
    """Return the middle of steps that are none, for times may be rounded to the second."""
    some = np.abs(steps[steps != 0])
    return float(np.median(some)) if len(some) else 1e-9


def dates(values: np.ndarray) -> np.ndarray | None:
    """Return the nanoseconds of days that are written as numbers, 20260304, else None."""
    if values.dtype.kind not in "iu" or not (1.9e7 <= values[0] <= 2.3e7):
        return None
    days = _days(values.astype(np.int64))
    return None if days is None else days * DAY_NS


def _days(date: np.ndarray) -> np.ndarray | None:
    month, day = date // 100 % 100, date % 100
    if (month < 1).any() or (month > 12).any() or (day < 1).any() or (day > 31).any():
        return None
    months = (date // 10_000 - 1970) * 12 + month - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1


def hands(values: np.ndarray, named: bool = False) -> tuple[np.ndarray, bool] | None:
    """Return (ns, whether with a date) of numbers that are written as clocks show them.

    named: the name of the column is one for such times, as UTC.

    101530.02 is 10:15:30.02, and 20260304101530 has the date before it. That is so where no part
    is beyond 59, and the numbers jump by 40 at a whole minute as no clock's do.
    """
    if len(values) < 2 or ((values[:_HEAD] % 100 >= 60).any() and values[0] < 240_000):
        return None  # most columns of seconds are told by their first rows, and cost no memory
    some = values.astype(np.float64)
    size = min(some[0], some[-1])
    to_ms = size >= 1.9e16  # 20260304101530020
    dated = bool(1.9e13 <= size / (1000 if to_ms else 1) <= 2.3e13)
    if some.min() < 0 or (not dated and some.max() >= 240_000):
        return None
    whole, parts = np.floor(some), some - np.floor(some)
    if to_ms:
        whole, parts = whole // 1000, whole % 1000 / 1000
    of_day = whole % 1_000_000
    hour, minute, second = of_day // 10_000, of_day // 100 % 100, of_day % 100
    if (hour > 23).any() or (minute > 59).any() or (second > 59).any():
        return None
    at = ((hour * 60 + minute) * 60 + second).astype(np.int64) * 1_000_000_000
    at += np.rint(parts * 1e9).astype(np.int64)
    if dated:
        days = _days((whole // 1_000_000).astype(np.int64))
        return None if days is None else (at + days * DAY_NS, True)
    raw, put = np.diff(some), np.diff(at) / 1e9
    jumps = np.abs(raw - put) > 1e-3
    middle, usual = _usual(put), _usual(raw)
    odd = (np.abs(raw[jumps]) > 3 * usual).all() and (
        named or (put[jumps] <= 3 * max(middle, 1e-9)).all()
    )
    return (at, False) if jumps.any() and odd else None
