"""Read stamps, which are dates and times of day as people, loggers and spreadsheets write them.

Enters: texts. Leaves: int64 nanoseconds since 1970, or since midnight without a date. 02/03/2026
may be in February or in March. The caller decides this from the whole column.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import numpy as np

FIRST_YEAR, LAST_YEAR = "1700", "2250"  # nanoseconds in 64 bits hold no more
DAY_NS = 86_400_000_000_000

_CLOCK = (
    r"(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,:](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
)
_ZONE = r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DATES = (
    r"(?P<Y>\d{4})[-/.](?P<M>\d{1,2})[-/.](?P<D>\d{1,2})",
    r"(?P<D>\d{1,2})\.(?P<M>\d{1,2})\.(?P<Y>\d{4}|\d\d)",
    r"(?P<a>\d{1,2})(?P<sign>[/-])(?P<b>\d{1,2})(?P=sign)(?P<Y>\d{4}|(?<=/)\d\d)",
    r"(?P<D>\d{1,2})[- ](?P<name>[A-Za-z]{3})[- ](?P<Y>\d{4})",
)
# A stamp with date and time, or a date alone.
_STAMPS = tuple(re.compile(f"{date}(?:[T _,]+{_CLOCK}{_ZONE})?") for date in _DATES)
_COMPACT = re.compile(
    r"(?P<Y>\d{4})(?P<M>\d\d)(?P<D>\d\d)[T_](?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)"
    rf"(?:[.,](?P<f>\d{{1,9}}))?(?P<half>){_ZONE}"
)
_FORMS = (*_STAMPS, _COMPACT)
_TIME_OF_DAY = re.compile(_CLOCK)
_BARE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
)
_FIXED = re.compile(r"[0-9]{2}([./])[0-9]{2}\1[0-9]{4}[T ][0-9]{2}:[0-9:.]{2,15}")


def _dated(cell: str) -> re.Match[str] | None:
    return next((found for found in (form.fullmatch(cell) for form in _FORMS) if found), None)


def is_stamp(cell: str) -> bool:
    """Return whether a cell is a date, a time of day, or both."""
    cell = cell.strip()
    if not cell or not cell[0].isdigit() or len(cell) < 6:
        return False
    return _dated(cell) is not None or _TIME_OF_DAY.fullmatch(cell) is not None


def stamps(cells: Sequence[str], day_first: bool | None) -> tuple[np.ndarray, int]:
    """Return (int64 (n,), ns since 1970 or since midnight, index of the first that is none, else
    -1).

    A time without a zone counts as UTC. day_first: how 3/4/2026 is meant.
    """
    quick = _quick(cells, day_first)
    if quick is not None:
        return quick, -1
    values = np.zeros(len(cells), np.int64)
    for index, cell in enumerate(cells):
        one = stamp(cell, day_first)
        if one is None:
            return values, index
        values[index] = one
    return values, -1


def _quick(cells: Sequence[str], day_first: bool | None) -> np.ndarray | None:
    """Return the nanoseconds of cells of one form and one zone, as nearly all are; else None."""
    first = cells[0].strip() if cells else ""
    found = next((one for one in (form.fullmatch(first) for form in _STAMPS[:3]) if one), None)
    if not found or found["h"] is None or found["half"]:
        return None
    if "," in first:
        if found["f"] is None or first[found.start("f") - 1] != "," or first.count(",") > 1:
            return None
        return _quick([cell.replace(",", ".") for cell in cells], day_first)
    zone = found["zone"] or ""
    start = found.start("zone") if zone else len(first)
    tail = first[len(first[:start].rstrip()) :]
    if not all(cell.endswith(tail) for cell in cells):
        return None
    bare = [cell.strip()[: -len(tail)] if tail else cell.strip() for cell in cells]
    if first[4] != "-":
        if not all(_FIXED.fullmatch(cell) for cell in bare):
            return None
        day, month = (slice(0, 2), slice(3, 5)) if "." in first[:3] or day_first else (
            slice(3, 5), slice(0, 2))  # fmt: skip
        bare = [f"{c[6:10]}-{c[month]}-{c[day]} {c[11:]}" for c in bare]
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
    found = _dated(cell)
    day_ns, zone = 0, None
    if found:
        named = found.groupdict()
        zone = named.get("zone")
        day = _day_ns(named, day_first)
        if day is None:
            return None
        day_ns = day
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


def _day_ns(named: dict[str, str], day_first: bool | None) -> int | None:
    if "a" in named:
        a, b = int(named["a"]), int(named["b"])
        day, month = (a, b) if day_first else (b, a)
    elif "name" in named:
        name = named["name"].lower()
        day, month = int(named["D"]), _MONTHS.index(name) + 1 if name in _MONTHS else 0
    else:
        day, month = int(named["D"]), int(named["M"])
    year = named["Y"] if len(named["Y"]) == 4 else f"20{named['Y']}"
    if not FIRST_YEAR <= year < LAST_YEAR:
        return None
    try:
        return (datetime.date(int(year), month, day).toordinal() - 719163) * DAY_NS
    except ValueError:
        return None


def slashes_say_day_first(cells: Sequence[str]) -> bool | None:
    """Return whether dates as 3/4/2026 have the day first: by a number above 12, else None."""
    seen = set()
    for cell in cells:
        date = cell.strip()[:10]
        if date in seen:
            continue
        seen.add(date)
        found = _STAMPS[2].fullmatch(cell.strip())
        if found and int(found["a"]) > 12:
            return True
        if found and int(found["b"]) > 12:
            return False
    return None


def may_be_two_days(cell: str) -> bool:
    """Return whether a date may have the day or the month first, and is another day by each."""
    found = _STAMPS[2].fullmatch(cell.strip())
    return bool(found and found["a"] != found["b"] and max(int(found["a"]), int(found["b"])) <= 12)


def swapped(times_ns: np.ndarray) -> np.ndarray:
    """Return times whose month was taken for the day, with both put right. Days are 1 to 12."""
    days = times_ns // DAY_NS
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years = dates.astype("datetime64[Y]")
    day = (dates - months).astype(np.int64)
    month = (months - years).astype(np.int64)
    put = (years.astype("datetime64[M]") + day).astype("datetime64[D]") + month
    return put.astype(np.int64) * DAY_NS + times_ns % DAY_NS


def has_date(cell: str) -> bool:
    """Return whether a stamp has a date."""
    return _dated(cell.strip()) is not None


def zone_of(cell: str) -> str:
    """Return the zone that a stamp says, "" where it says none."""
    found = _dated(cell.strip())
    return (found["zone"] or "") if found else ""


def has_time(cell: str) -> bool:
    """Return whether a stamp has a time of day."""
    return ":" in cell or _COMPACT.fullmatch(cell.strip()) is not None


def _offset_ns(zone: str) -> int:
    if not zone or zone in ("Z", "z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = (int(digits[:2]) * 60 + int(digits[2:])) * 60
    return (-seconds if zone[0] == "-" else seconds) * 1_000_000_000
