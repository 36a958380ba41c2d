"""Cells of a table: which text is a number, a time, or nothing; and columns of them as arrays.

Enters: texts. Leaves: float64 of numbers, int64 nanoseconds of times. What is no number is told by
its place, never guessed: "1_000", "0x10" and "١" are numbers to Python and not to a logger.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np

from .numerals import is_number, value

NUMBER, TIME, MISSING, TEXT = "number", "time", "missing", "text"
FIRST_YEAR, LAST_YEAR = "1700", "2250"  # nanoseconds in 64 bits hold no more
DAY_NS = 86_400_000_000_000

_PLAIN = re.compile(r"[-+.0-9eE \t]*")
_MISSING = frozenset(
    ("", "nan", "-nan", "na", "n/a", "#n/a", "#nv", "#value!", "#div/0!", "#wert!", "null", "none")
    + ("nil", "-", "--", "?", "inf", "-inf", "+inf", "1.#qnan", "-1.#ind", "missing")
)

_CLOCK = (
    r"(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
)
_ZONE = r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
_DATES = (
    r"(?P<Y>\d{4})[-/.](?P<M>\d{1,2})[-/.](?P<D>\d{1,2})",
    r"(?P<D>\d{1,2})\.(?P<M>\d{1,2})\.(?P<Y>\d{4})",
    r"(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<Y>\d{4})",
)
# A stamp with date and time, a time of day alone, a date alone.
_STAMPS = tuple(re.compile(f"{date}(?:[T _,]+{_CLOCK}{_ZONE})?") for date in _DATES)
_BARE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,18}")
_TIME_OF_DAY = re.compile(_CLOCK)


def missing(cell: str) -> bool:
    """Return whether a cell says that there is no value."""
    return cell.strip().lower() in _MISSING


def is_stamp(cell: str) -> bool:
    """Return whether a cell is a date, a time of day, or both."""
    cell = cell.strip()
    if not cell or not cell[0].isdigit() or len(cell) < 6:
        return False
    return any(form.fullmatch(cell) for form in (*_STAMPS, _TIME_OF_DAY))


def kind_of(cell: str, decimal: str) -> str:
    """Return what a cell is: NUMBER, TIME, MISSING or TEXT."""
    if is_number(cell, decimal):
        return NUMBER
    if missing(cell):
        return MISSING
    return TIME if is_stamp(cell) else TEXT


def numbers(cells: Sequence[str], decimal: str = ".") -> tuple[np.ndarray, int]:
    """Return (values float64 (n,), index of the first cell that is no finite number, else -1)."""
    if decimal[0] == ",":
        if any("." in cell for cell in cells):
            return _numbers_slowly(cells, decimal)
        cells = [cell.replace(",", ".") for cell in cells]
        decimal = "."
    if _PLAIN.fullmatch("".join(cells)):
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            return _numbers_slowly(cells, decimal)
        if np.isfinite(values).all():
            return values, -1
    return _numbers_slowly(cells, decimal)


def _numbers_slowly(cells: Sequence[str], decimal: str) -> tuple[np.ndarray, int]:
    values = np.full(len(cells), np.nan)
    first = -1
    for index, cell in enumerate(cells):
        one = value(cell, decimal) if is_number(cell, decimal) else np.nan
        values[index] = one
        if first < 0 and not np.isfinite(one):
            first = index
    return values, first


def stamps(cells: Sequence[str], day_first: bool | None) -> tuple[np.ndarray, int]:
    """Return (int64 (n,), ns since 1970 or since midnight, index of the first that is none, else
    -1).

    A time without a zone counts as UTC. day_first: how 3/4/2026 is meant.
    """
    quick = _iso(cells)
    if quick is not None:
        return quick, -1
    values = np.zeros(len(cells), np.int64)
    for index, cell in enumerate(cells):
        one = stamp(cell, day_first)
        if one is None:
            return values, index
        values[index] = one
    return values, -1


def _iso(cells: Sequence[str]) -> np.ndarray | None:
    """Return the nanoseconds of cells that are all ISO with one zone, the usual case; else None."""
    first = cells[0].strip() if cells else ""
    found = _STAMPS[0].fullmatch(first)
    if not found or first[4] != "-" or found["h"] is None or found["half"] or "," in first:
        return None
    zone = found["zone"] or ""
    start = found.start("zone") if zone else len(first)
    tail = first[len(first[:start].rstrip()) :]
    if not all(cell.endswith(tail) for cell in cells):
        return None
    bare = [cell.strip()[: -len(tail)] if tail else cell.strip() for cell in cells]
    if not all(_BARE.fullmatch(cell) and FIRST_YEAR <= cell[:4] < LAST_YEAR for cell in bare):
        return None
    try:
        return np.array(bare, "datetime64[ns]").astype(np.int64) - _offset_ns(zone)
    except ValueError:
        return None


def stamp(cell: str, day_first: bool | None = None) -> int | None:
    """Return the nanoseconds since 1970 (of a time of day alone: since midnight), None where it is
    none.
    """
    cell = cell.strip()
    found = next((f for f in (form.fullmatch(cell) for form in _STAMPS) if f), None)
    day_ns, zone = 0, None
    if found:
        named = found.groupdict()
        zone = named.get("zone")
        if "a" in named:
            a, b = int(named["a"]), int(named["b"])
            day, month = (a, b) if day_first or b > 12 else (b, a)
        else:
            day, month = int(named["D"]), int(named["M"])
        if not FIRST_YEAR <= named["Y"] < LAST_YEAR:
            return None
        try:
            days = datetime.date(int(named["Y"]), month, day).toordinal() - 719163
        except ValueError:
            return None
        day_ns = days * DAY_NS
    else:
        found = _TIME_OF_DAY.fullmatch(cell)
        if not found:
            return None
        named = found.groupdict()
    if named.get("h") is None:
        return day_ns
    hour, minute, second = int(named["h"]), int(named["m"]), int(named["s"] or 0)
    if named["half"]:
        hour = hour % 12 + (12 if named["half"].lower() == "pm" else 0)
    if hour > 24 or minute > 59 or second > 60:
        return None
    fraction = int((named["f"] or "0").ljust(9, "0"))
    of_day = ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction
    return day_ns + of_day - _offset_ns(zone or "")


def slashes_say_day_first(cells: Sequence[str]) -> bool | None:
    """Return whether dates as 3/4/2026 have the day first: by a number above 12, else None."""
    for cell in cells:
        found = _STAMPS[2].fullmatch(cell.strip())
        if found and int(found["a"]) > 12:
            return True
        if found and int(found["b"]) > 12:
            return False
    return None


def has_date(cell: str) -> bool:
    """Return whether a stamp has a date."""
    return any(form.fullmatch(cell.strip()) for form in _STAMPS)


def zone_of(cell: str) -> str:
    """Return the zone that a stamp says, "" where it says none."""
    found = next((f for f in (form.fullmatch(cell.strip()) for form in _STAMPS) if f), None)
    return (found["zone"] or "") if found else ""


def has_time(cell: str) -> bool:
    """Return whether a stamp has a time of day."""
    return ":" in cell


def _offset_ns(zone: str) -> int:
    if not zone or zone in ("Z", "z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:])) * 60
    return (-seconds if zone[0] == "-" else seconds) * 1_000_000_000
