"""The log file: a board's journal, pulled over the console and read back.

A log (`NAME.nhl`) is the board's records one after the other, byte for byte as they lie on its
flash: see `wire` for the record. It is append-only: pulling again continues after the last record,
so the file is also the bookmark. Every record carries a CRC and a sequence number that counts over
everything the board ever wrote, which is all a reader needs:

1. bytes without a sound record are damage: skipped to the next sound record, and reported;
2. a jump of seq is a gap: the board's oldest records were gone before they were pulled, or damage
   ate some;
3. a sound record whose seq is not above the last one's is no record of this log (bytes inside
   damage that
   look like one).

What the records say is read by decoding.
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
JOURNAL_NAME = "journal" + SUFFIX  # a run folder's log
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
        """Return what a BOOT or EVENT record says.

        Raises FormatError when it is not a JSON object.
        """
        found = None if self.kind in runs.KINDS else object_in(self.payload)
        if found is None:
            raise FormatError(
                f"record {self.seq} is no JSON object", "pull the log again, into a new file"
            )
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

    n_bytes: the file's length. torn: the file ends in less than one record of damage, as a crash in
    mid-write leaves it. file: where it was read from, None where it was not.
    """

    records: list[Record] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    n_bytes: int = 0
    torn: bool = False
    file: Path | None = None

    @property
    def sound_bytes(self) -> int:
        """The end of the last sound record: where the next one belongs once a torn tail is cut
        off.
        """
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
    """Yield the sound records of the log at path in the order of seq. Raises as read_log."""
    yield from read_log(path).records


def last_seq(path: Path) -> int | None:
    """Return the highest seq in the log at path, None when the log is empty or absent."""
    file = log_path(path)
    if not file.exists():
        return None
    records = read_log(file).records
    return records[-1].seq if records else None
