"""Correct local times without a zone where the clock was changed by an hour.

Enters: nanoseconds of stamps, in the order of the rows. Leaves: the same times as if the clock had
not been changed. In autumn an hour occurs twice. The step back shows where the second one begins.
If the rows were sorted, both hours are mixed, and the file is refused.
"""

from __future__ import annotations

import numpy as np

from ...errors import HostError
from .stamps import DAY_NS

HOUR_NS = 3_600_000_000_000
_NIGHT_NS = 4 * HOUR_NS  # Clocks are changed between midnight and four.
_MINUTE_NS = 60_000_000_000
# A 12-hour clock without AM or PM does not say when the recording began.
TWELVE = "its clock has twelve hours: 1:00 after 12:59 is read as going on"
MIXED = "an hour of its night stands twice, mixed: its clock was put back"


def gone_on(times_ns: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return (times as the clock would have gone on, what to say of it).

    It was put where a step is an hour, but for a step or two as usual, in the small hours: back on
    any day, for time runs not back; forward on a Sunday in spring alone, for it may be a gap.
    """
    steps = np.diff(times_ns)
    usual = float(np.median(np.abs(steps))) if len(steps) else 0.0
    slow = usual > HOUR_NS / 4
    near = 0.05 * usual if slow else max(3 * usual, 2e9)
    if usual > 1.5 * HOUR_NS:
        return times_ns, []
    back = np.abs(steps - (usual - HOUR_NS)) <= near
    set_at = np.flatnonzero(back | (np.abs(steps - (usual + HOUR_NS)) <= near))
    if not len(set_at):
        return times_ns, []
    put = times_ns.copy()
    notes = []
    for at in set_at[:8].tolist():
        before_ns = int(times_ns[at])
        sunday = _autumn(before_ns) if back[at] else _spring(before_ns)
        if before_ns % DAY_NS > _NIGHT_NS or not (sunday or (back[at] and not slow)):
            continue
        put[at + 1 :] += HOUR_NS if back[at] else -HOUR_NS
        when = str(np.datetime64(before_ns, "ns").astype("datetime64[s]")).replace("T", " ")
        way = "back" if back[at] else "forward"
        notes.append(f"its clock was put {way} an hour after {when}: read as going on")
    return put, notes


def past_noon(times_ns: np.ndarray, notes: list[str]) -> tuple[np.ndarray, list[str]]:
    """Return times of day, and what to say, that went from 12:59 to 1:00, as they went on."""
    steps = np.diff(times_ns)
    usual = float(np.median(np.abs(steps))) if len(steps) else 0.0
    near = np.abs(steps + 12 * HOUR_NS - usual) <= max(3 * usual, 2e9)
    at = np.flatnonzero(near & (times_ns[:-1] // HOUR_NS % 24 == 12))
    if not len(at):
        return times_ns, notes
    put = times_ns.copy()
    for i in at.tolist():
        put[i + 1 :] += 12 * HOUR_NS
    return put, [*notes, TWELVE]


def refuse_mixed(times_ns: np.ndarray, path: str, name: str) -> None:
    """Raise where an hour of the night has twice as many rows, in order: two hours, sorted as one.

    times_ns: in order. That is seen by minutes that hold about twice what is usual, and by stamps
    that all stand twice.
    """
    steps = np.diff(times_ns)
    up = steps[steps > 0]
    if len(up) < 8 or float(np.median(up)) > HOUR_NS / 12:
        return
    minutes, counts = np.unique(times_ns // _MINUTE_NS, return_counts=True)
    autumn = np.array([_autumn(int(minute) * _MINUTE_NS) for minute in minutes])
    night = autumn & (minutes * _MINUTE_NS % DAY_NS < _NIGHT_NS)
    if not night.any():
        return
    minutes, counts, night = minutes[1:-1], counts[1:-1], night[1:-1]  # the ends are no whole ones
    doubled = night & False
    for hour in np.unique(minutes[night] // 60):
        within = minutes // 60 == hour
        others = counts[~within]
        if len(others) >= 3:
            usual = float(np.median(others))
        else:  # all of it lies in that hour, of which a part is doubled
            usual = float(np.quantile(counts[within], 0.1))
        doubled |= within & (counts > 1.6 * usual) & (counts < 2.4 * usual)
    whole = bool((times_ns % 1_000_000_000 == 0).all())
    twice = not whole and len(times_ns) % 2 == 0 and bool((steps[0::2] == 0).all())
    twice = twice and bool((steps[1::2] > 0).all())
    if int(doubled.sum()) >= 3 or (twice and night.all()):
        first = minutes[doubled][0] if doubled.any() else times_ns[0] // _MINUTE_NS
        when = str(np.datetime64(int(first), "m")).replace("T", " ")
        raise HostError(
            f"{path}, column {name!r}: {MIXED}, from {when}",
            "export the times in UTC or with their zone, or cut that hour out",
        )


def _spring(at_ns: int) -> bool:
    return _sunday_in(at_ns, (3, 4, 9, 10))  # both halves of the earth


def _autumn(at_ns: int) -> bool:
    return _sunday_in(at_ns, (3, 4, 10, 11))


def _sunday_in(at_ns: int, months: tuple[int, ...]) -> bool:
    day = np.datetime64(at_ns // DAY_NS, "D")
    month = int(day.astype("datetime64[M]").astype(int)) % 12 + 1
    return month in months and (at_ns // DAY_NS + 4) % 7 == 0
