"""Decode the records of a log into scores by window, and events.

Enters: the records of log_file. Leaves: Scores and Events.

The board's counts of windows and milliseconds wrap. Here they are extended to full counts. `times`
converts milliseconds to UTC if a host had told the board the time. Records of every format up to
`wire.FORMAT` are read. Those of a later firmware are refused.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import scores as runs

from .log_file import Log, Record
from .times import Times

MAX_NAMES = 1 << 16  # Different labels in one log: Scores.labels has 16 bits.


@dataclass
class Scores:
    """The scores of a log by window: arrays of one length n, and the names of the labels.

    windows: array('Q'), index of the window since the board's start.
    scores, thresholds: array('h'), octaves in Q8, NO_SCORE where there was none.
    states: array('B'), 0 idle, 1 learn, 2 watch.
    labels: array('H'), index into names, 0 (name "") for unknown.
    boots: array('I'), number of the board's start within this log, 0 before the first BOOT record.
    utc: array('d'), seconds since 1970, NaN if no host told the board the time in that start.
    seqs: array('Q'), sequence number of the record. ticks_ms: array('Q'), ms since that start.
    """

    windows: array = field(default_factory=lambda: array("Q"))
    scores: array = field(default_factory=lambda: array("h"))
    thresholds: array = field(default_factory=lambda: array("h"))
    states: array = field(default_factory=lambda: array("B"))
    labels: array = field(default_factory=lambda: array("H"))
    boots: array = field(default_factory=lambda: array("I"))
    utc: array = field(default_factory=lambda: array("d"))
    seqs: array = field(default_factory=lambda: array("Q"))
    ticks_ms: array = field(default_factory=lambda: array("Q"))
    names: list[str] = field(default_factory=lambda: [""])


class Event(NamedTuple):
    """One start of the board, or one EVENT record.

    name: "boot", or the name of the event. what: its JSON. boot, utc: see Scores.
    ticks_ms, and the window in `what`, are full counts, extended where the board's counts wrapped.

    Every segment of the journal begins with a BOOT record. A BOOT record with the same number as
    the one before is not another start.
    """

    seq: int
    ticks_ms: int
    boot: int
    name: str
    what: dict[str, Any]
    utc: float = math.nan


def decoded(log: Log) -> tuple[Scores, list[Event]]:
    """Decode a log's records. FormatError names the log's file."""
    try:
        return decode(log.records)
    except FormatError as error:
        if log.file is None:
            raise
        raise FormatError(f"{log.file}: {error.message}", error.hint) from None


def decode(records: list[Record]) -> tuple[Scores, list[Event]]:
    """Decode records into scores by window, and events.

    Raises FormatError if the content of a sound record is invalid, or a later firmware wrote it.
    """
    scores, events, boot, number = Scores(), [], 0, None
    ticks, windows, times = _Counter(wire.TICKS_MODULO), _Counter(wire.LAST_WINDOW + 1), Times()
    # For each record of scores: boot, ticks of its end in ms, windows, seconds a window.
    when: list[tuple[int, int, int, float]] = []
    window_s = 0.0
    name_of = {0: 0}  # The board's label id (ids are reused) -> index into names.
    names = {"": 0}
    for record in records:
        if record.kind in runs.KINDS:
            first, threshold, state, some, ids = runs.unpack_scores(record.kind, record.payload)
            n = len(some)
            first = windows.on(first)
            scores.windows.extend(range(first, first + n))
            scores.scores.extend(some)
            scores.thresholds.extend([threshold] * n)
            scores.states.extend([state] * n)
            scores.boots.extend([boot] * n)
            scores.seqs.extend([record.seq] * n)
            when.append((boot, ticks.on(record.ticks_ms), n, window_s))
            for label_id in ids or bytes(n):
                if label_id not in name_of:  # It was enrolled before this log begins.
                    name_of[label_id] = _index(names, f"label {label_id}")
                scores.labels.append(name_of[label_id])
            continue
        if record.kind not in (wire.BOOT, wire.EVENT):
            raise _later(record, f"is of kind {record.kind}")
        what = record.json()
        if record.kind == wire.BOOT:
            written = what.get("format", 1)
            if not isinstance(written, int) or written > wire.FORMAT:
                raise _later(record, f"is of format {written}, this reads up to {wire.FORMAT}")
            begins = number is None or what.get("boot") != number
            if begins:
                number = what.get("boot")
                boot += 1
                ticks, windows = _Counter(wire.TICKS_MODULO), _Counter(wire.LAST_WINDOW + 1)
                window_s = _window_s(what.get("config"))
            times.told(boot, ticks.on(record.ticks_ms), what.get("utc"))
            if not begins:
                continue
        if isinstance(what.get("window"), int) and 0 <= what["window"] <= wire.LAST_WINDOW:
            what["window"] = windows.on(what["window"])
        elif "window" in what:
            what["window"] = None  # Not a window number that a board can have.
        name = "boot" if record.kind == wire.BOOT else str(what.get("event", ""))
        events.append(Event(record.seq, ticks.on(record.ticks_ms), boot, name, what))
        if name == "time":
            times.told(boot, events[-1].ticks_ms, what.get("utc"))
        if name in ("enrolled", "relabelled") and isinstance(what.get("id"), int):
            name_of[what["id"]] = _index(names, str(what.get("label")))
    for boot, end_ms, n, one_s in when:
        end = times.utc(boot, end_ms)
        scores.utc.extend(end - one_s * left for left in range(n - 1, -1, -1))
        scores.ticks_ms.extend(
            max(0, end_ms - round(1000 * one_s * left)) for left in range(n - 1, -1, -1)
        )
    scores.names = list(names)
    return scores, [event._replace(utc=times.utc(event.boot, event.ticks_ms)) for event in events]


def _later(record: Record, why: str) -> FormatError:
    return FormatError(
        f"record {record.seq} {why}", "a later firmware wrote it: update the host tools"
    )


def _window_s(config: Any) -> float:
    """Return the interval of windows in seconds from a BOOT record's settings, 0 if it has none."""
    try:
        return float(config["n_hop"]) / float(config["rate_hz"])
    except (TypeError, KeyError, ValueError, ZeroDivisionError):
        return 0.0


class _Counter:
    """Extends a count that the board keeps modulo a power of two, within one boot."""

    def __init__(self, modulo: int):
        self._modulo = modulo
        self._wrapped = self._last = 0

    def on(self, value: int) -> int:
        """Return the full count for the board's value.

        A step back by more than half of the modulus is a wrap. A smaller one is kept as it is.
        """
        if value + self._wrapped < self._last - self._modulo // 2:
            self._wrapped += self._modulo
        self._last = value + self._wrapped
        return self._last


def _index(names: dict[str, int], name: str) -> int:
    if name not in names and len(names) == MAX_NAMES:
        raise FormatError(f"more than {MAX_NAMES} different labels", "is it the log of one board?")
    return names.setdefault(name, len(names))
