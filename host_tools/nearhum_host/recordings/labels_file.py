"""Labels by time: a csv that says from when until when something was true, laid over recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import HostError, UsageError
from .reader import needs_rate
from .reading import Reading, Stretch, pace_hz, starts_s
from .tables.numerals import is_number, value
from .tables.rows import read_rows
from .times.stamps import (
    has_date,
    has_time,
    may_be_two_days,
    slashes_say_day_first,
    stamp,
    zone_of,
)

COLUMNS = ("from", "until", "label")
_ALSO = {"from": ("from_utc", "begin", "start"), "until": ("until_utc", "end", "to")}
NORMAL = "normal"


def label_readings(path: Path, readings: Sequence[Reading], day_first: bool | None = None) -> None:
    """Give the rows of readings the labels of a file; rows without one are normal.

    The file: csv with the columns from, until, label. Times are ISO (without a zone: in that of the
    recording's own times, UTC where these say none either), or seconds from the start by the
    recording's own times. day_first: what the user says of dates as 01/02/2026. Raises HostError
    where a time is none, or the recording does not say when it was.
    """
    rows = _rows(path)
    hint = "say which with --day-first or --month-first, or write dates as 2026-03-02"
    spans = _spans(path, rows, "", day_first, hint)
    by_clock = any(isinstance(begin, int) for begin, _, _ in spans)
    if by_clock and not all(isinstance(begin, int) for begin, _, _ in spans):
        raise HostError(
            f"{path} holds times and seconds", "all times, or all seconds from the start"
        )
    for reading in readings:
        needs_rate(reading)
        if by_clock and any(stretch.start_ns is None for stretch in reading.stretches):
            raise UsageError(
                f"{reading.path} does not say at what time it was recorded",
                hint=f"{path.name}: seconds from its start instead of times",
            )
    n_hit = 0
    for reading, starts in zip(readings, starts_s(readings), strict=True):
        zone = _zone(path, rows, reading) if by_clock else ""
        placed = _spans(path, rows, zone, day_first) if zone else spans
        for stretch, start_s in zip(reading.stretches, starts, strict=True):
            start = (stretch.start_ns or 0) / 1e9 if by_clock else start_s
            n_hit += _lay(stretch, placed, start, pace_hz(reading, stretch))
    if not n_hit:
        raise HostError(
            f"no row of the recording lies in a span of {path}", "check the times and their zone"
        )


def read_spans(path: Path) -> list[tuple[int | float, int | float, str]]:
    """Return [(from, until, label)]: int ns since 1970 where they are times, float seconds else."""
    return _spans(path, _rows(path))


def _rows(path: Path) -> list[tuple[int, str, str, str]]:
    """Return [(line, from, until, label)] as they are written."""
    out = []
    names = {"from": "from", "until": "until"}
    rows = read_rows(path, ())
    if rows:
        for name, others in _ALSO.items():
            names[name] = next((one for one in (name, *others) if one in rows[0][1]), name)
    for number, row in rows:
        try:
            begin, end, label = row[names["from"]], row[names["until"]], row["label"].strip()
        except KeyError as error:
            raise HostError(
                f"{path} has no column {error.args[0]!r}", f"the columns are {','.join(COLUMNS)}"
            ) from None
        out.append((number, begin, end, label))
    return out


def _spans(
    path: Path,
    rows: Sequence[tuple[int, str, str, str]],
    zone: str = "",
    said: bool | None = None,
    hint: str = "write dates as 2026-03-02",
) -> list[tuple[int | float, int | float, str]]:
    """Return the spans of rows.

    zone: of times that say none, "" for UTC; said: whether dates as 01/02/2026 have the day first,
    by the user; hint: where neither the user nor the file says it.
    """
    out = []
    day_first = slashes_say_day_first([text for _, *both, _ in rows for text in both])
    if day_first is None:
        day_first = said
    for number, begin, end, label in rows:
        first, last = _time(begin, zone, day_first), _time(end, zone, day_first)
        if first is None or last is None or type(first) is not type(last) or last < first:
            raise HostError(
                f"{path} line {number}: {begin!r} to {end!r} is no span of time",
                "ISO times as 2026-03-04 10:00:00, or seconds from the start",
            )
        two = next((text for text in (begin, end) if may_be_two_days(text)), "")
        if two and day_first is None:
            raise HostError(
                f"{path} line {number}: {two!r} may have the day or the month first",
                hint,
            )
        if not label:
            raise HostError(f"{path} line {number} has no label", "say what was true then")
        out.append((first, last, label))
    return out


def _zone(path: Path, rows: Sequence[tuple[int, str, str, str]], reading: Reading) -> str:
    """Return the zone in which times without one are meant, and say so: the reading's own."""
    bare = [text for _, *both, _ in rows for text in both if not zone_of(text)]
    if len(bare) < 2 * len(rows) and not reading.zones:
        reading.say(f"{path.name} says zones and its own times do not: they are taken as UTC")
    if not bare or not reading.zones:
        return ""
    if len(reading.zones) > 1:
        raise UsageError(
            f"{path}: {bare[0]!r} says no zone, and {reading.path} is in "
            + " and ".join(reading.zones[:3]),
            hint="write the zone behind each time, as 2026-03-04 10:00:00+01:00",
        )
    reading.say(f"times of {path.name} without a zone are taken as {reading.zones[0]}, as its own")
    return reading.zones[0]


def _time(text: str, zone: str = "", day_first: bool | None = None) -> int | float | None:
    if is_number(text):
        return value(text)
    if not has_date(text):
        return None
    if zone and not zone_of(text):
        text = f"{text.strip()}{'' if has_time(text) else ' 00:00'}{zone}"
    return stamp(text, day_first)


def _lay(
    stretch: Stretch,
    spans: Sequence[tuple[int | float, int | float, str]],
    start: float,
    rate_hz: float,
) -> int:
    """Label the rows of a stretch that begins at start, in s; returns how many lie in a span."""
    labels = np.zeros(stretch.n, np.int32)
    names = [NORMAL]
    for begin, end, label in spans:
        scale = 1e-9 if isinstance(begin, int) else 1.0
        first = max(0, round((begin * scale - start) * rate_hz))
        until = min(stretch.n, round((end * scale - start) * rate_hz))
        if first < until:
            names.append(label)
            labels[first:until] = len(names) - 1
    cuts = np.flatnonzero(np.diff(labels)) + 1
    edges = [0, *(int(cut) for cut in cuts), stretch.n]
    stretch.labels = [
        (a, b, names[labels[a]]) for a, b in zip(edges, edges[1:], strict=False) if b > a
    ]
    return int((labels > 0).sum())
