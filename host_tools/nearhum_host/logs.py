"""The log file: a board's journal, pulled over the console and read back.

A log (`NAME.nhl`) is the board's records one after the other, byte for byte as they lie on its flash: see
`wire` for the record. It is append-only: pulling again continues after the last record, so the file is also
the bookmark. Every record carries a CRC and a sequence number that counts over everything the board ever
wrote, which is all a reader needs:

1. bytes without a sound record are damage: skipped to the next sound record, and reported;
2. a jump of seq is a gap: the board's oldest records were gone before they were pulled, or damage ate some;
3. a sound record whose seq is not above the last one's is no record of this log (bytes inside damage that
   look like one).

Records of every format are read (`wire.FORMAT`); what a later firmware wrote is refused. A board counts milliseconds
from its start; where a host has told it the time, `times` turns them into UTC.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from nearhum import scores as runs
from nearhum import wire
from nearhum.errors import FormatError

from .errors import HostError, UsageError
from .times import Times
from .visible import object_in

SUFFIX = ".nhl"
JOURNAL_NAME = "journal" + SUFFIX  # a run folder's log
MAX_NAMES = 1 << 16  # different labels in one log: an index is 16 bits
MAX_RECORD_BYTES = wire.RECORD_HEADER_BYTES + wire.MAX_PAYLOAD_BYTES + wire.RECORD_CRC_BYTES


class Record(NamedTuple):
    """One sound record. offset, n_bytes: where it lies in the file, header and CRC included."""

    kind: int
    seq: int
    ticks_ms: int
    payload: bytes
    offset: int
    n_bytes: int

    def json(self) -> dict[str, Any]:
        """Return what a BOOT or EVENT record says. Raises FormatError when it is not a JSON object."""
        found = None if self.kind in runs.KINDS else object_in(self.payload)
        if found is None:
            raise FormatError(f"record {self.seq} is no JSON object", "pull the log again, into a new file")
        return found


class Damage(NamedTuple):
    """Bytes of a log that are no record."""

    offset: int
    n_bytes: int


class Gap(NamedTuple):
    """Records that are not in the log: from first to before, before excluded."""

    first: int
    before: int


@dataclass
class Log:
    """A log as read: what is in it and what is not.

    n_bytes: the file's length. torn: the file ends in less than one record of damage, as a crash in mid-write
    leaves it. file: where it was read from, None where it was not.
    """

    records: list[Record] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    n_bytes: int = 0
    torn: bool = False
    file: Path | None = None

    @property
    def sound_bytes(self) -> int:
        """The end of the last sound record: where the next one belongs once a torn tail is cut off."""
        return self.records[-1].offset + self.records[-1].n_bytes if self.records else 0


def parse(raw: bytes) -> Log:
    """Return what the bytes of a log hold. Never raises: what is no record is damage."""
    log = Log(n_bytes=len(raw))
    at, damaged_from, last = 0, 0, -1
    while at < len(raw):
        n = wire.record_bytes(raw, at, len(raw))
        if n and wire.record_seq(raw, at) > last:
            if damaged_from < at:
                log.damages.append(Damage(damaged_from, at - damaged_from))
            record = Record(*wire.unpack_record(raw, at, n), at, n)
            if log.records and record.seq != last + 1:
                log.gaps.append(Gap(last + 1, record.seq))
            log.records.append(record)
            last = record.seq
            at += n
            damaged_from = at
        else:
            at = raw.find(wire.RECORD_MAGIC, at + 1)
            at = len(raw) if at < 0 else at
    if damaged_from < len(raw):
        log.damages.append(Damage(damaged_from, len(raw) - damaged_from))
        # Its first byte tells a log whose only record is torn from a file of something else.
        log.torn = len(raw) - damaged_from < MAX_RECORD_BYTES and raw[0] == wire.RECORD_MAGIC
    return log


def log_path(path: Path) -> Path:
    """Return the log that a name stands for: the `.nhl` file, else the journal in that folder."""
    return path if path.suffix == SUFFIX or path.is_file() else path / JOURNAL_NAME


def read_log(path: Path) -> Log:
    """Return the log at path, a file or a run folder.

    Raises UsageError when there is none, HostError when it cannot be read or is something else.
    """
    file = log_path(path)
    try:
        log = parse(file.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"there is no log {file}", hint="`nearhum pull PATH` fetches one from a board") from None
    except OSError as error:
        raise HostError(f"cannot read {file}: {error.strerror}") from None
    log.file = file
    if log.n_bytes and not log.records and not log.torn:
        raise HostError(
            f"{file} is not a nearhum log: no sound record in {log.n_bytes} bytes",
            hint="is it the right file?",
        )
    return log


def iter_records(path: Path) -> Iterator[Record]:
    """Yield the sound records of the log at path in the order of seq. Raises as read_log."""
    yield from read_log(path).records


def last_seq(path: Path) -> int | None:
    """Return the highest seq in the log at path, None when the log is empty or absent."""
    file = log_path(path)
    if not file.exists():
        return None
    records = read_log(file).records
    return records[-1].seq if records else None


@dataclass
class Scores:
    """The scores of a log by window: arrays of one length n, and the names of the labels.

    windows: array('Q') window index; scores, thresholds: array('h') octaves in Q8, NO_SCORE where there was
    none; states: array('B') 0 idle, 1 learn, 2 watch; labels: array('H') index into names, 0 (name "") for
    unknown; boots: array('I') how many starts of the board came before, so that equal window numbers of two
    runs stay apart; utc: array('d') seconds since 1970, NaN where no host had told the time of that start; seqs:
    array('Q') number of the record it is in; ticks_ms: array('Q') milliseconds since that start.
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
    """One start of the board, or one EVENT record. name: "boot" or the event's; what: its JSON; boot, utc: see Scores.

    ticks_ms, and the window that `what` names, are counted on where the board's own count has wrapped.

    Every segment of the board's journal begins with a BOOT record; one with the number of the last is no start.
    """

    seq: int
    ticks_ms: int
    boot: int
    name: str
    what: dict[str, Any]
    utc: float = math.nan


def decoded(log: Log) -> tuple[Scores, list[Event]]:
    """Return what `decode` does of a log's records; its FormatError names the log's file."""
    try:
        return decode(log.records)
    except FormatError as error:
        if log.file is None:
            raise
        raise FormatError(f"{log.file}: {error.message}", error.hint) from None


def decode(records: list[Record]) -> tuple[Scores, list[Event]]:
    """Return the scores by window and the events.

    Raises FormatError when a sound record makes no sense, or a later firmware wrote it.
    """
    scores, events, boot, number = Scores(), [], 0, None
    ticks, windows, times = _Counter(wire.TICKS_MODULO), _Counter(wire.LAST_WINDOW + 1), Times()
    when: list[tuple[int, int, int, float]] = []  # of each run: boot, ticks of its end, windows, seconds of a window
    window_s = 0.0
    name_of = {0: 0}  # label id on the board, as of now (ids are used again) -> index into names
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
                if label_id not in name_of:  # enrolled before this log begins
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
            what["window"] = None  # no number that a board counts to
        name = "boot" if record.kind == wire.BOOT else str(what.get("event", ""))
        events.append(Event(record.seq, ticks.on(record.ticks_ms), boot, name, what))
        if name == "time":
            times.told(boot, events[-1].ticks_ms, what.get("utc"))
        if name in ("enrolled", "relabelled") and isinstance(what.get("id"), int):
            name_of[what["id"]] = _index(names, str(what.get("label")))
    for boot, end_ms, n, one_s in when:
        end = times.utc(boot, end_ms)
        scores.utc.extend(end - one_s * left for left in range(n - 1, -1, -1))
        scores.ticks_ms.extend(max(0, end_ms - round(1000 * one_s * left)) for left in range(n - 1, -1, -1))
    scores.names = list(names)
    return scores, [event._replace(utc=times.utc(event.boot, event.ticks_ms)) for event in events]


def _later(record: Record, why: str) -> FormatError:
    return FormatError(f"record {record.seq} {why}", "a later firmware wrote it: update the host tools")


def _window_s(config: Any) -> float:
    """Return the seconds from one window to the next by a BOOT record's settings, 0 where it has none."""
    try:
        return float(config["n_hop"]) / float(config["rate_hz"])
    except (TypeError, KeyError, ValueError, ZeroDivisionError):
        return 0.0


class _Counter:
    """A count of one boot that the board keeps modulo a power of two: counted on where it has wrapped."""

    def __init__(self, modulo: int):
        self._modulo = modulo
        self._wrapped = self._last = 0

    def on(self, value: int) -> int:
        """Return the whole count; value: as the board has it. A step back by half of the modulus is a wrap."""
        if value + self._wrapped < self._last - self._modulo // 2:
            self._wrapped += self._modulo
        self._last = value + self._wrapped
        return self._last


def _index(names: dict[str, int], name: str) -> int:
    if name not in names and len(names) == MAX_NAMES:
        raise FormatError(f"more than {MAX_NAMES} different labels", "is it the log of one board?")
    return names.setdefault(name, len(names))
