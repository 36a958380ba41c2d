"""Health: whether the board and its log are sound: restarts, lost samples, faults, holes, how
long the log lasts.

Enters: a log, its trace, and what was seen of the board. Leaves: rows of (what, how it is, whether
that is well).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..logs.log_file import Log
from ..logs.seen import Seen
from ..logs.traces import Trace
from .svg import duration
from .verdict import DAY_S
from .wording import plural

# what the board keeps of its journal at most, see firmware/nearhum/storage/journal.py
_RING_BYTES = 48 * 16384

WORN_YEARS = 5  # flash that lasts less is a matter to look into


class Row(NamedTuple):
    """One thing that was looked at. sound: False where somebody should look at it."""

    what: str
    how: str
    sound: bool = True


def health(log: Log, t: Trace, seen: Seen | None) -> list[Row]:
    """Return what there is to know of a board's health."""
    named: dict[str, list[dict[str, Any]]] = {}
    for _, event in t.events:
        named.setdefault(event.name, []).append(event.what)
    stops, faults, gaps = (named.get(name, []) for name in ("stop", "fault", "gap"))
    rows = [_restarts(t, len(stops)), _overruns(t, len(gaps)), _faults(faults)]
    lost = sum(gap.before - gap.first for gap in log.gaps)
    rows.append(
        Row(
            "holes in the log",
            f"{plural(lost, 'record')} missing, in {plural(len(log.gaps), 'place')}",
            False,
        )
        if lost
        else Row("holes in the log", "none")
    )
    damaged = sum(damage.n_bytes for damage in log.damages)
    if damaged:
        rows.append(Row("damage of the log", f"{damaged} bytes are no records", False))
    unsaved = named.get("unsaved", [])
    if unsaved:
        rows.append(
            Row(
                "what was learned",
                f"could not be saved {plural(len(unsaved), 'time')}: {unsaved[-1].get('error')}",
                False,
            )
        )
    for event in named.get("refused", [])[-1:]:
        rows.append(Row("stored state", f"was refused at a start: {event.get('error')}", False))
    rows.append(_log_space(log, t))
    if seen:
        rows += _said(seen.status)
    return rows


def _restarts(t: Trace, stopped: int) -> Row:
    n = len(t.boots) - 1
    if n <= 0:
        return Row("restarts", "none")
    told = plural(n, "restart")
    return Row(
        "restarts", f"{told}, {stopped} after an orderly stop" if stopped else told, n <= stopped
    )


def _overruns(t: Trace, n: int) -> Row:
    # a cue of a recording makes a gap too: nothing was lost there
    cues = {at for at, event in t.events if event.name == "cue"}
    lost = sum(event.name == "gap" and at not in cues for at, event in t.events)
    if not lost:
        return Row(
            "samples lost",
            "never" if not n else f"never; {plural(n, 'break')} in the recording it plays",
        )
    return Row("samples lost", plural(lost, "time"), False)


def _faults(faults: list[dict[str, Any]]) -> Row:
    if not faults:
        return Row("faults", "none")
    last = faults[-1]
    off = "" if last.get("learning", True) else "; learning is off until `nearhum trust`"
    return Row(
        "faults", f"{plural(len(faults), 'fault')}, the last: {last.get('error')}{off}", False
    )


def _log_space(log: Log, t: Trace) -> Row:
    n_bytes = sum(record.n_bytes for record in log.records)
    if not t.window_s or not n_bytes:
        return Row("log", f"{n_bytes / 1000:.1f} kB")
    per_day = n_bytes / (t.n * t.window_s) * DAY_S
    lasts = duration(_RING_BYTES / per_day * DAY_S)
    return Row(
        "log", f"{per_day / 1000:.0f} kB a day; the board keeps the last {lasts}: pull before that"
    )


def _said(status: dict[str, Any]) -> list[Row]:
    rows = []
    if status.get("warning"):
        rows.append(Row("warning", str(status["warning"]), False))
    if status.get("unsaved"):
        rows.append(Row("unsaved", str(status["unsaved"]), False))
    if isinstance(status.get("mem_free"), int):
        rows.append(Row("free memory", f"{status['mem_free'] / 1000:.0f} kB when pulled"))
    if status.get("dropped"):
        rows.append(
            Row("answers", f"{status['dropped']} bytes were not read by any host, and dropped")
        )
    if isinstance(status.get("uptime_s"), int):
        rows.append(Row("up", f"{duration(status['uptime_s'])} since start {status.get('boot')}"))
    if isinstance(status.get("flash_years"), int) and isinstance(status.get("erased"), int):
        years = status["flash_years"]
        told = (
            f"{plural(status['erased'], 'block')} erased since this start; at that rate flash"
            " lasts "
        )
        rows.append(
            Row(
                "wear",
                told + (f"{plural(years, 'year')}" if years else "less than a year"),
                years >= WORN_YEARS,
            )
        )
    return rows
