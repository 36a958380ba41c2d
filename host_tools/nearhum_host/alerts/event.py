"""One event of a board, as it is told.

Enters: a record of a board's log, or what the host itself found out about the board. Leaves: an
`Event` with a sentence for people and a dict for programs, scores in octaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nearhum import wire
from nearhum.errors import FormatError

from ..logs.following import told
from ..logs.log_file import Record
from ..logs.times import Times
from ..report.wording import plural, strangest_named

# Events that the host finds out. No board can log that it is silent or that its records are gone.
SILENT, ANSWERS, LOST, LOG_ANEW = "silent", "answers", "lost", "log_began_anew"
# A channel that meets a board during an alarm is told so, because the alarm's record is older.
IN_ALARM = "in_alarm"
_ALARM, _FAULT = ("alarm", IN_ALARM, SILENT), ("fault", LOST)
_OCTAVES = ("score", "threshold")
_NOT_TOLD = ("event", "strangest", "utc", *_OCTAVES)


@dataclass(frozen=True)
class Event:
    """What happened on one board.

    board: its name and its chip's number; seq: number of the record in the board's log, None for
    what the host found out; utc: seconds since 1970, NaN where no host had told the board the time;
    name: "alarm", "alarm_end", "learned" ...; text: a sentence; what: the record's particulars;
    channels: what the board's channels are called, "" for one without a name.
    """

    board: str
    port: str
    seq: int | None
    utc: float
    name: str
    text: str
    what: dict[str, Any] = field(default_factory=dict)
    channels: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what a program reads. `board` and `seq` together name an event for ever."""
        out: dict[str, Any] = {
            "board": self.board,
            "port": self.port,
            "seq": self.seq,
            "time": None if math.isnan(self.utc) else iso(self.utc),
            "event": self.name,
            "text": self.text,
        }
        for key in _OCTAVES:
            value = self.what.get(key)
            if isinstance(value, int):
                out[key] = octaves(value)
        found = strangest_named(self.what, self.channels)
        if found:
            out["strangest"] = [{"feature": words, "percent": share} for words, share in found]
        own = {key: self.what[key] for key in self.what if key not in (*_NOT_TOLD, *out)}
        return out | own

    def severity(self) -> int:
        """Return the priority of syslog(3): 3 error, 4 warning, 6 information."""
        return 4 if self.name in _ALARM else 3 if self.name in _FAULT else 6


def octaves(value: Any) -> float | None:
    """Return a score as boards count it, in octaves; None where there is none."""
    if not isinstance(value, int) or value == wire.NO_SCORE:
        return None
    return round(value / wire.SCORE_ONE, 3)


def iso(utc: float) -> str:
    """Return seconds since 1970 as ISO 8601, to the second."""
    return datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def of_record(
    board: str, port: str, record: Record, boot: int, times: Times, channels: Sequence[str]
) -> tuple[Event | None, int]:
    """Return the event of a record, None where it tells nobody anything; and the number of the
    start that the record belongs to.

    boot: that of the record before; channels: as of Event. Every segment of a log begins with a
    BOOT record, and only one with another number is a start.
    """
    if record.kind not in (wire.EVENT, wire.BOOT):
        return None, boot
    try:
        what = record.json()
    except FormatError:
        return None, boot
    if record.kind == wire.BOOT:
        number = what.get("boot")
        if number is not None and not isinstance(number, int):
            return None, boot
        times.told(boot if number is None else number, record.ticks_ms, what.get("utc"))
        if number is None or number == boot:
            return None, boot
        what, boot = {"event": "boot", "boot": number}, number
    text = told(what, channels)
    if not text:
        return None, boot
    utc = times.utc(boot, record.ticks_ms)
    name = str(what.get("event"))
    return Event(board, port, record.seq, utc, name, text, what, channels), boot


def of_lost(board: str, port: str, first: int, before: int) -> Event:
    """Return the event that says which records were gone before they could be told."""
    text = f"{plural(before - first, 'record')} gone from the board's log before they could be told"
    what = {"first": first, "before": before}
    return Event(board, port, before - 1, math.nan, LOST, text, what)


def of_host(board: str, port: str, name: str, utc: float, text: str) -> Event:
    """Return an event that the host found out by itself."""
    return Event(board, port, None, utc, name, text)
