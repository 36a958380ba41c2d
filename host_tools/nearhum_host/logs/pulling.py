"""Pull a board's journal into a log file over the console, while the detector runs.

Enters: a link and a log file (log_file). Leaves: the log file with the board's new records
appended.

A pull may be repeated at any time and after any failure. Only whole, verified records are appended,
and nothing is ever rewritten. A pull has four steps:

1. Read the log's last record from the board again and compare them. The journal of another board,
   or a journal that was reset, must not be appended to this log.
2. Cut off an incomplete record at the end of the file, which a crash of the host leaves.
3. Tell the board the time if it does not know it or is wrong. Its records have no other clock.
4. Fetch the records that the board's flash held at the start of the pull. A later record could
   still be lost in a power cut, and its seq be used for another. This bound also ends the pull of a
   board that writes faster than the line transmits.
"""

from __future__ import annotations

import os
import time
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from nearhum import wire

from .. import kept_files
from ..errors import DeviceError, HostError
from ..serial_line.link import Link
from .log_file import Gap, Log, Record, log_path, read_log
from .times import TOLERANCE_S

CHUNK_BYTES = 1536  # The most that a board puts into one answer.
_TRIES = 3  # A UART may lose bytes of an answer. The CRC detects it.
# Limit of one pull: four times the largest flash. A board that sends more is faulty.
MAX_PULL_BYTES = 64 * 1024 * 1024
MAX_PULL_S = 3600  # Limit of one pull. A full journal over a slow line takes minutes.
_SYNC_BYTES = 64 * 1024  # Bytes between two fsyncs: the most that a crash of the host may lose.


class OtherJournal(HostError):
    """The log file holds another journal than the board's."""


@dataclass
class Pulled:
    """The result of a pull.

    n_records, n_bytes: appended now. next_seq: where the next pull starts.
    torn_bytes: cut off the end of the file first.
    gaps: records that were gone before they could be pulled.
    """

    file: Path
    n_records: int = 0
    n_bytes: int = 0
    next_seq: int = 0
    torn_bytes: int = 0
    gaps: list[Gap] = field(default_factory=list)


def pull(
    link: Link, path: Path, on_progress: Callable[[int, int], None] = lambda done, of: None
) -> Pulled:
    """Append the board's new records to the log at path, a `.nhl` file or the folder of a run.

    on_progress: called with the number of records fetched and to fetch.
    Raises HostError if the file is not a log, holds another journal, or cannot be written. Raises
    DeviceError if the connection is lost, and states what was kept.
    """
    file = log_path(path)
    log = read_log(file) if file.exists() else Log()
    start = log.records[-1].seq + 1 if log.records else 0
    # This makes the board write the records in its memory to flash.
    link.ask(f"log {start} {CHUNK_BYTES}")
    status = link.ask("status")
    if "seq" not in status:
        raise DeviceError(
            "the board does not say where its log ends",
            hint="deploy this release: `nearhum deploy`",
        )
    until = status.get("synced_seq", status["seq"])
    _check_same_journal(link, log, status, file)
    tell_time(link, status)
    done = Pulled(file, next_seq=start)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file) as out:
            if out.tell() != log.n_bytes:
                raise HostError(
                    f"another program has just written {file}", hint="let it finish, then repeat"
                )
            if log.torn:
                done.torn_bytes = log.n_bytes - log.sound_bytes
                out.truncate(log.sound_bytes)
            _append(link, out, until, done, on_progress)
    except DeviceError as error:
        kept = (
            f"{done.n_records} records are kept in {file}"
            if done.n_records
            else f"{file} is as it was"
        )
        raise DeviceError(
            f"{error.message}; {kept}", hint=f"repeat `nearhum pull {path}`: it continues there"
        ) from None
    except OSError as error:
        raise HostError(
            f"cannot write {file}: {error.strerror}", hint="make room or choose another place"
        ) from None
    return done


def tell_time(link: Link, status: dict[str, Any]) -> None:
    """Tell the board the time, unless its status shows that it knows it within TOLERANCE_S."""
    if "utc" in status and abs((status["utc"] or 0) - time.time()) > TOLERANCE_S:
        link.ask(f"time {round(time.time())}")


def _append(
    link: Link, out: BinaryIO, until: int, done: Pulled, on_progress: Callable[[int, int], None]
) -> None:
    start, unsynced, end_s = done.next_seq, 0, time.monotonic() + MAX_PULL_S
    try:
        while done.next_seq < until:
            if done.n_bytes > MAX_PULL_BYTES or time.monotonic() > end_s:
                raise DeviceError(
                    f"the board has sent {done.n_bytes} bytes of log and does not come to an end",
                    hint=f"a pull ends at {MAX_PULL_BYTES} bytes or {MAX_PULL_S} s",
                )
            records, raw = fetch(link, done.next_seq)
            fresh = [record for record in records if record.seq < until]
            if not fresh:
                break
            for record in fresh:
                if record.seq != done.next_seq:
                    done.gaps.append(Gap(done.next_seq, record.seq))
                done.next_seq = record.seq + 1
            end = fresh[-1].offset + fresh[-1].n_bytes
            out.write(raw[:end])
            done.n_records += len(fresh)
            done.n_bytes += end
            unsynced += end
            if unsynced >= _SYNC_BYTES:
                out.flush()
                os.fsync(out.fileno())
                unsynced = 0
            on_progress(done.next_seq - start, until - start)
    finally:
        out.flush()
        os.fsync(out.fileno())


def fetch(link: Link, seq: int) -> tuple[list[Record], bytes]:
    """Fetch the board's records from seq on, as many as fit into one answer.

    Returns (records, their bytes), verified: whole records, sound CRCs, rising seq. Raises
    DeviceError if three answers in a row fail the check.
    """
    why = ""
    for _ in range(_TRIES):
        answer = link.ask(f"log {seq} {CHUNK_BYTES}")
        try:
            raw = a2b_base64(answer["b64"])
        except (Base64Error, KeyError, TypeError, ValueError):
            why = "no base64"
            continue
        records, why = _checked(raw, seq, answer)
        if not why:
            return records, raw
    raise DeviceError(
        f"the board's log answer at record {seq} is damaged: {why}", hint="check the cable"
    )


def _checked(raw: bytes, seq: int, answer: dict[str, Any]) -> tuple[list[Record], str]:
    """Return the records in raw, and what is wrong with them ("" for nothing)."""
    records: list[Record] = []
    at, expected = 0, seq
    if len(raw) > max(
        CHUNK_BYTES, wire.RECORD_HEADER_BYTES + wire.MAX_PAYLOAD_BYTES + wire.RECORD_CRC_BYTES
    ):
        return records, f"{len(raw)} bytes, asked for {CHUNK_BYTES}"
    while at < len(raw):
        n = wire.record_bytes(raw, at, len(raw))
        if not n:
            return records, f"no sound record at byte {at}"
        record = Record(*wire.unpack_record(raw, at, n), at, n)
        if record.seq < expected:
            return records, f"record {record.seq} where {expected} belongs"
        records.append(record)
        at, expected = at + n, record.seq + 1
    if answer.get("n", len(records)) != len(records):
        return records, f"{len(records)} records, announced {answer['n']}"
    return records, ""


def _check_same_journal(link: Link, log: Log, status: dict[str, Any], file: Path) -> None:
    """Raise OtherJournal if the log holds another journal than the board's."""
    if not log.records:
        return
    last, why = log.records[-1], ""
    boots = [record.json() for record in log.records if record.kind == wire.BOOT][-1:]
    chip = str(boots[0].get("id") or "") if boots else ""
    if chip and status.get("id") and chip != status["id"]:
        why = f"it came from chip {chip}, this one is {status['id']}"
    elif status["seq"] <= last.seq:
        why = f"it ends at record {last.seq}, the board is at {status['seq']}"
    elif last.seq >= status.get("log_first", 0):
        records, _ = fetch(link, last.seq)
        same = records and records[0][:4] == last[:4]
        if not same:
            why = f"its record {last.seq} is another one on the board"
    else:  # The board has overwritten that record: only the board's name can be compared.
        if boots and str(boots[0].get("board")) != status.get("board"):
            why = (
                f"it came from board {str(boots[0].get('board'))!r}, this one is"
                f" {status.get('board')!r}"
            )
    if why:
        raise OtherJournal(
            f"{file} belongs to another board, or this board's log was reset: {why}",
            hint=f"pull into a new file: `nearhum pull {free_name(file)}`",
        )


def free_name(file: Path) -> Path:
    """Return the first of file, file-2, file-3, ... that does not exist."""
    n, candidate = 1, file
    while candidate.exists():
        n += 1
        candidate = file.with_stem(f"{file.stem}-{n}")
    return candidate


@contextmanager
def _locked(file: Path) -> Iterator[BinaryIO]:
    """Open the log for appending and lock it, so that two pulls cannot mix in one file."""
    with open(file, "ab") as out:
        kept_files.lock(out, f"another nearhum is writing {file}", "let it finish")
        yield out
