"""Read log files: a board's journal as it was pulled over the console.

Enters: a file `NAME.nhl`. Leaves: its records, and a list of damage and gaps. `decoding` reads the
content of the records.

A log holds the board's records byte for byte as they are on its flash (see `wire`). Records are
only appended. The next pull continues after the last one. Every record has a CRC and a sequence
number (seq) that counts all records the board ever wrote. A reader distinguishes three cases:

1. Bytes that are not a sound record are damage. They are skipped and reported.
2. A jump of seq is a gap: the board had overwritten the records before they were pulled, or they
   were damaged.
3. A sound record whose seq is not above the last one is not a record of this log. It is damaged
   bytes that look like one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import scores as runs

from ..errors import HostError, UsageError
from ..serial_line.visible_text import object_in

SUFFIX = ".nhl"
JOURNAL_NAME = "journal" + SUFFIX  # The log in the folder of a run.
MAX_RECORD_BYTES = wire.RECORD_HEADER_BYTES + wire.MAX_PAYLOAD_BYTES + wire.RECORD_CRC_BYTES


class Record(NamedTuple):
    """One sound record. offset, n_bytes: its place in the file, with header and CRC."""

    kind: int
    seq: int
    ticks_ms: int
    payload: bytes
    offset: int
    n_bytes: int

    def json(self) -> dict[str, Any]:
        """Return the JSON object of a BOOT or EVENT record.

        Raises FormatError if it is not one.
        """
        found = None if self.kind in runs.KINDS else object_in(self.payload)
        if found is None:
            raise FormatError(
                f"record {self.seq} is not a JSON object", "pull the log again, into a new file"
            )
        return found


class Damage(NamedTuple):
    """Bytes of a log that are not part of a sound record."""

    offset: int
    n_bytes: int


class Gap(NamedTuple):
    """Records that are missing in the log: seq first <= seq < before."""

    first: int
    before: int


@dataclass
class Log:
    """A log as read.

    n_bytes: the file's length. torn: the file ends with an incomplete record, as a crash of the
    host during a write leaves it. file: where it was read from, None for bytes in memory.
    """

    records: list[Record] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    n_bytes: int = 0
    torn: bool = False
    file: Path | None = None

    @property
    def sound_bytes(self) -> int:
        """The end of the last sound record, where the next one goes after a torn end is cut off."""
        return self.records[-1].offset + self.records[-1].n_bytes if self.records else 0


def parse(raw: bytes) -> Log:
    """Parse the bytes of a log. Never raises: whatever is not a record is damage."""
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
        # The first byte distinguishes a log with one torn record from any other file.
        log.torn = len(raw) - damaged_from < MAX_RECORD_BYTES and raw[0] == wire.RECORD_MAGIC
    return log


def log_path(path: Path) -> Path:
    """Return the log that a path names: the file itself, or the journal in that folder."""
    return path if path.suffix == SUFFIX or path.is_file() else path / JOURNAL_NAME


def read_log(path: Path) -> Log:
    """Read the log at path, a file or the folder of a run.

    Raises UsageError if there is none, HostError if it is unreadable or not a log.
    """
    file = log_path(path)
    try:
        log = parse(file.read_bytes())
    except FileNotFoundError:
        raise UsageError(
            f"there is no log {file}", hint="`nearhum pull PATH` fetches one from a board"
        ) from None
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
    """Yield the sound records of the log at path, by rising seq. Raises as read_log."""
    yield from read_log(path).records


def last_seq(path: Path) -> int | None:
    """Return the highest seq in the log at path, or None if the log is empty or absent."""
    file = log_path(path)
    if not file.exists():
        return None
    records = read_log(file).records
    return records[-1].seq if records else None
