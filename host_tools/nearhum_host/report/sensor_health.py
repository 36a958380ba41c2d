"""Health of the board and its log: restarts, lost samples, faults, missing records, memory, wear.

Enters: a log, its trace, and what was seen of the board. Leaves: rows of (what, how it is, whether
that is sound).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..logs.log_file import Log
from ..logs.seen import Seen
from ..logs.traces import Trace
from .svg import duration
from .verdict import DAY_S
from .wording import plural

# Space of the journal on the board: 48 segments, see firmware/nearhum/storage/journal.py.
_RING_BYTES = 48 * 16384

WORN_YEARS = 5  # If flash lasts shorter, the row is marked.


class Row(NamedTuple):
    """One thing that was checked. sound: False if somebody should look into it."""

    what: str
    how: str
    sound: bool = True


def health(log: Log, t: Trace, seen: Seen | None) -> list[Row]:
    """Return the rows of a board's health. seen: None if nothing was asked of the board itself."""
    named: dict[str, list[dict[str, Any]]] = {}
    for _, event in t.events:
        named.setdefault(event.name, []).append(event.what)
    stops, faults, gaps = (named.get(name, []) for name in ("stop", "fault", "gap"))
    rows = [_restarts(t, len(stops)), _overruns(t, len(gaps)), _faults(faults)]
    lost = sum(gap.before - gap.first for gap in log.gaps)
    rows.append(
        Row(
            "missing records",
            f"{plural(lost, 'record')} missing, in {plural(len(log.gaps), 'place')}",
            False,
        )
        if lost
        else Row("missing records", "none")
    )
    damaged = sum(damage.n_bytes for damage in log.damages)
    if damaged:
        rows.append(Row("damage", f"{plural(damaged, 'byte')} of the log cannot be read", False))
    unsaved = named.get("unsaved", [])
    if unsaved:
        rows.append(
            Row(
                "saving",
                f"failed {plural(len(unsaved), 'time')}, the last: {unsaved[-1].get('error')}",
                False,
            )
        )
    for event in named.get("refused", [])[-1:]:
        rows.append(Row("stored state", f"refused at a start: {event.get('error')}", False))
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
    if not n:
        return Row("samples lost", "none")
    source = t.config.get("source")
    source = source if isinstance(source, dict) else {}
    if source.get("wraps", source.get("driver")) == "replay":
        # A recording waits for the board, so a gap is a boundary between two of its segments.
        return Row("samples lost", f"none; the recording it plays has {plural(n, 'break')}")
    return Row("samples lost", plural(n, "time"), False)


def _faults(faults: list[dict[str, Any]]) -> Row:
    if not faults:
        return Row("faults", "none")
    last = faults[-1]
    off = "" if last.get("learning", True) else ". Learning is off until `nearhum trust`"
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
        "log",
        f"{per_day / 1000:.0f} kB a day. The board keeps the last {lasts}: pull the log in time",
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
            Row(
                "answers", f"{plural(status['dropped'], 'byte')} dropped, because no host read them"
            )
        )
    if isinstance(status.get("uptime_s"), int):
        up = f"{duration(status['uptime_s'])}, since start number {status.get('boot')}"
        rows.append(Row("running for", up))
    if isinstance(status.get("flash_years"), int) and isinstance(status.get("erased"), int):
        years = status["flash_years"]
        told = (
            f"{plural(status['erased'], 'block')} of flash erased since this start. At this rate"
            " the flash lasts "
        )
        rows.append(
            Row(
                "wear",
                told + (f"{plural(years, 'year')}" if years else "less than a year"),
                years >= WORN_YEARS,
            )
        )
    return rows
