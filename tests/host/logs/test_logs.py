"""Test the log file: for any bytes, reading gives true records or an error. Logs never mix."""

import contextlib
import itertools
import json
import math
import os
import struct
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage.scores import unpack_scores
from nearhum_host.boards import state_image
from nearhum_host.errors import DeviceError, HostError, UsageError
from nearhum_host.logs import decoding, log_file, pulling, tabling, times
from nearhum_host.report import page


def scores_payload(
    first: int, scores: list[int], ids: bytes = b"", state: int = wire.WATCH
) -> bytes:
    """Return the payload of a SCORES record, as format 1 had it."""
    head = struct.pack("<IhBB", first, 512, state | (wire.HAS_LABELS if ids else 0), len(scores))
    return head + struct.pack(f"<{len(scores)}h", *scores) + ids


def run_payload(first: int, scores: list[int], ids: bytes = b"", state: int = wire.WATCH) -> bytes:
    """Return the payload of a RUN record: as wire.pack_run_header_into says, by other means
    than the firmware's.
    """
    head = bytearray(wire.RUN_HEADER_BYTES)
    wire.pack_run_header_into(head, first, 512, state, len(scores), bool(ids))
    body = bytearray(head)
    for before, score in zip([0, *scores], scores, strict=False):
        zigzag = abs(score - before) * 2 - (score < before)
        groups = [zigzag >> shift & 127 for shift in (0, 7, 14) if shift == 0 or zigzag >> shift]
        body += bytes(group | 128 for group in groups[:-1]) + bytes(groups[-1:])
    for label_id, same in itertools.groupby(ids):
        body += bytes((label_id, len(list(same))))
    return bytes(body)


def event(seq: int, **what: object) -> bytes:
    return wire.pack_record(wire.EVENT, seq, seq * 10, json.dumps(what).encode())


def boot(seq: int, board: str = "pico", number: int = 1) -> bytes:
    return wire.pack_record(
        wire.BOOT, seq, 0, json.dumps({"board": board, "boot": number}).encode()
    )


def record(seq: int, payload: bytes, kind: int = wire.SCORES) -> bytes:
    return wire.pack_record(kind, seq, seq & 0xFFFF, payload)


plain = st.one_of(st.binary(max_size=60), st.binary(min_size=1000, max_size=1024))
payloads = st.lists(plain, min_size=1, max_size=8)
nested = st.lists(st.one_of(plain, st.just(record(3, b"inside"))), min_size=1, max_size=8)


# --- reading --------------------------------------------------------------------------------------


@given(st.binary(max_size=3000))
def test_any_bytes_are_read(raw: bytes):
    log = log_file.parse(raw)
    covered = sum(r.n_bytes for r in log.records) + sum(d.n_bytes for d in log.damages)
    assert covered == log.n_bytes == len(raw)
    # a sound record may say nothing sensible, and that is told
    with contextlib.suppress(FormatError):
        decoding.decode(log.records)


@given(payloads, st.integers(0, 2**32 - 20))
def test_what_was_written_is_read(some: list[bytes], seq: int):
    raw = b"".join(record(seq + i, payload) for i, payload in enumerate(some))
    log = log_file.parse(raw)
    assert [r.payload for r in log.records] == some
    assert [r.seq for r in log.records] == list(range(seq, seq + len(some)))
    assert not log.damages
    assert not log.gaps
    assert not log.torn


@given(payloads, st.data())
def test_a_cut_loses_the_last_record_at_most(some: list[bytes], data: st.DataObject):
    whole = [record(10 + i, payload) for i, payload in enumerate(some)]
    raw = b"".join(whole)
    cut = data.draw(st.integers(0, len(raw)))
    log = log_file.parse(raw[:cut])
    n = len(log.records)
    assert b"".join(whole[:n]) == raw[: log.sound_bytes]
    assert cut - log.sound_bytes < (len(whole[n]) if n < len(whole) else 1)
    assert log.torn == (cut > log.sound_bytes)


@given(nested, st.data())
def test_flipped_bits_never_give_a_wrong_record(some: list[bytes], data: st.DataObject):
    raw = bytearray(b"".join(record(10 + i, payload) for i, payload in enumerate(some)))
    true = log_file.parse(bytes(raw)).records
    for _ in range(data.draw(st.integers(1, 3))):
        bit = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
    # A whole record inside a damaged one's payload is sound; its seq (3) is below, so it is not
    # taken.
    for found in log_file.parse(bytes(raw)).records:
        assert found in true or found.seq == 3


int16 = st.integers(-32768, 32767)


@given(st.lists(st.tuples(int16, st.integers(0, 255)), min_size=1, max_size=255), st.booleans())
def test_a_run_is_read_as_it_was_written(some: list[tuple[int, int]], has_labels: bool):
    scores, ids = (
        [score for score, _ in some],
        bytes(label_id for _, label_id in some) if has_labels else b"",
    )
    found = unpack_scores(wire.RUN, run_payload(9, scores, ids))
    assert found == (9, 512, wire.WATCH, tuple(scores), ids)


@given(st.binary(max_size=400), st.integers(0, 255), st.integers(0, 255))
def test_a_run_of_any_bytes_is_read_or_refused(body: bytes, flags: int, n: int):
    with contextlib.suppress(FormatError):
        found = unpack_scores(wire.RUN, struct.pack("<IhBB", 0, 0, flags, n) + body)
        assert len(found[3]) == n
        assert len(found[4]) in (0, n)


def test_what_a_later_firmware_wrote_is_refused():
    later = wire.pack_record(
        wire.BOOT, 0, 0, json.dumps({"boot": 1, "format": wire.FORMAT + 1}).encode()
    )
    for raw in (later, boot(0) + record(1, b"?", wire.RUN + 1)):
        log = log_file.parse(raw)
        assert not log.damages
        with pytest.raises(FormatError) as refused:
            decoding.decode(log.records)
        assert "later firmware" in refused.value.hint


def test_a_log_that_makes_no_sense_is_named(tmp_path: Path):
    file = tmp_path / "pump.nhl"
    for raw, hint in (
        (
            wire.pack_record(
                wire.BOOT, 0, 0, json.dumps({"boot": 1, "format": wire.FORMAT + 1}).encode()
            ),
            "update",
        ),
        (boot(0) + record(1, b"[]", wire.BOOT), "into a new file"),
    ):
        file.write_bytes(raw)
        for read in (
            page.report,
            lambda at: tabling.tabulate(tmp_path, "pump", 1, log_file.read_log(at)),
        ):
            with pytest.raises(FormatError) as refused:
                read(file)
            assert str(file) in refused.value.message
            assert hint in refused.value.hint


FORMATS = sorted(Path(__file__).parents[2].glob("vectors/formats/v*/*"))


@pytest.mark.parametrize("board", FORMATS, ids=lambda board: f"{board.parent.name}-{board.name}")
def test_logs_and_states_of_every_format_are_read(board: Path):
    """What boards of every format hold, without the firmware that wrote it."""
    known = json.loads((board / "known.json").read_text())
    log = log_file.parse(
        b"".join(path.read_bytes() for path in sorted((board / "hum" / "log").glob("*.seg")))
    )
    assert not log.damages
    assert not log.gaps
    scores, events = decoding.decode(log.records)
    columns = (
        [list(column) for column in zip(*known["scores"], strict=True)]
        if known["scores"]
        else [[]] * 5
    )
    assert [list(scores.scores), list(scores.thresholds), list(scores.states)] == columns[1:4]
    names = [event.name for event in events]
    assert [name for name in names if name not in ("boot", "start", "prior")] == known["events"]
    sequences = [state_image.load(path)
                 and wire.unseal(wire.STATE_MAGIC, path.read_bytes(), path.name)[1]
                 for path in sorted((board / "hum").glob("state.*"))]  # fmt: skip
    assert len(set(sequences)) == len(sequences) > 0


def test_times_that_a_host_told():
    def told(seq: int, ticks_ms: int, kind: int = wire.EVENT, **what: object) -> bytes:
        return wire.pack_record(kind, seq, ticks_ms, json.dumps(what).encode())

    at = 1795000000
    config = {"n_hop": 2, "rate_hz": 4}
    raw = (
        told(0, 0, wire.BOOT, boot=1)
        + told(1, 5000, event="alarm")
        + told(2, 0, wire.BOOT, boot=2, config=config)
        + told(3, 1500, event="alarm")
        + told(4, 60_250, event="time", utc=at)
        + wire.pack_record(wire.RUN, 5, 70_000, run_payload(0, [1, 2, 3]))
        + told(6, 100_000, wire.BOOT, boot=2, utc=at + 40)
        + told(7, 100_000, event="time", utc=at + 1000)
        + told(8, 101_000, event="alarm")
        + told(9, 102_000, event="time", utc="soon")
    )
    scores, events = decoding.decode(log_file.parse(raw).records)
    alarms = [event.utc for event in events if event.name == "alarm"]
    assert math.isnan(alarms[0])
    assert alarms[1:] == [at - 58.5, at + 1001]
    assert list(scores.utc) == [at + 9, at + 9.5, at + 10]
    assert times.shown(alarms[1]) == "2026-11-18 11:05:41 UTC"
    assert times.shown(alarms[0]) == ""


def test_damage_and_gaps_are_reported():
    raw = event(1, event="a") + b"\xa7\x03garbage" + event(2, event="b") + event(5, event="c")
    log = log_file.parse(raw)
    assert [r.seq for r in log.records] == [1, 2, 5]
    assert log.damages == [(len(event(1, event="a")), 9)]
    assert log.gaps == [(3, 5)]


@pytest.mark.parametrize(
    ("kind", "payload"), [(wire.SCORES, scores_payload), (wire.RUN, run_payload)]
)
def test_scores_are_laid_out_by_window(kind: int, payload: Callable[..., bytes]):
    raw = (
        boot(0)
        + record(1, payload(0, [wire.NO_SCORE, 5], state=wire.LEARN), kind)
        + event(2, event="enrolled", label="wave", id=1, count=1, window=1)
        + record(3, payload(2, [7, 9, 9], b"\x00\x01\x04"), kind)
        + event(4, event="forgotten", label="wave")
        + event(5, event="enrolled", label="knock", id=1, count=1, window=5)
        + boot(6, number=2)
        + record(7, payload(0, [1], b"\x01"), kind)
    )
    scores, events = decoding.decode(log_file.parse(raw).records)
    assert list(scores.windows) == [0, 1, 2, 3, 4, 0]
    assert list(scores.scores) == [wire.NO_SCORE, 5, 7, 9, 9, 1]
    assert list(scores.states) == [1, 1, 2, 2, 2, 2]
    assert list(scores.thresholds) == [512] * 6
    assert list(scores.boots) == [1, 1, 1, 1, 1, 2]
    assert [scores.names[i] for i in scores.labels] == ["", "", "", "wave", "label 4", "knock"]
    assert [e.name for e in events] == ["boot", "enrolled", "forgotten", "enrolled", "boot"]


def test_counters_go_on_where_the_board_wraps_them():
    day_ms, n = 86_400_000, wire.LAST_WINDOW + 1
    at = [(0, 0), (20, n - 70), (40, n - 6), (60, 0), (61, 64), (80, n // 2), (101, n - 1)]
    raw = boot(0)
    for i, (day, first) in enumerate(at):
        ticks = day * day_ms % wire.TICKS_MODULO
        what = json.dumps({"event": "alarm", "window": first}).encode()
        raw += wire.pack_record(wire.EVENT, 1 + 2 * i, ticks, what)
        raw += record(2 + 2 * i, scores_payload(first, [1]))
    raw += (
        boot(100, number=2)
        + record(101, scores_payload(0, [1]))
        + event(102, event="alarm", window=0)
    )
    scores, events = decoding.decode(log_file.parse(raw).records)
    windows = [0, n - 70, n - 6, n, n + 64, n + n // 2, 2 * n - 1]
    assert list(scores.windows) == [*windows, 0]
    alarms = [e for e in events if e.name == "alarm"]
    assert [e.what["window"] for e in alarms] == [*windows, 0]
    assert [e.ticks_ms for e in alarms] == [day * day_ms for day, _ in at] + [1020]


def test_a_log_is_found_by_folder_or_name(tmp_path: Path):
    (tmp_path / "journal.nhl").write_bytes(event(4, event="x"))
    assert log_file.last_seq(tmp_path) == log_file.last_seq(tmp_path / "journal.nhl") == 4
    assert [r.seq for r in log_file.iter_records(tmp_path)] == [4]
    assert log_file.last_seq(tmp_path / "new.nhl") is None
    with pytest.raises(UsageError, match="there is no log"):
        log_file.read_log(tmp_path / "new.nhl")
    (tmp_path / "letter.nhl").write_bytes(b"Dear all, " * 10)
    with pytest.raises(HostError, match="not a nearhum log"):
        log_file.read_log(tmp_path / "letter.nhl")


# --- pulling --------------------------------------------------------------------------------------


class Board:
    """Answers `status` and `log` as the console does, from a list of records; `spoil` may
    change them.
    """

    def __init__(
        self, *records: bytes, synced: int | None = None, name: str = "pico", **status: Any
    ) -> None:
        self.status = status
        self.records = {wire.record_seq(r, 0): r for r in records}
        self.seq = max(self.records, default=-1) + 1
        self.synced = self.seq if synced is None else synced
        self.name = name
        self.asked: list[str] = []
        self.spoil = lambda raw: raw

    def ask(self, line: str) -> dict:
        self.asked.append(line)
        if line == "status":
            first = min(self.records, default=self.seq)
            return {
                "board": self.name,
                "seq": self.seq,
                "synced_seq": self.synced,
                "log_first": first,
                **self.status,
            }
        if line.startswith("time "):
            return {}
        seq, most = map(int, line.split()[1:])
        chosen, raw = [], b""
        for at in sorted(s for s in self.records if s >= seq):
            if chosen and len(raw) + len(self.records[at]) > most:
                break
            chosen.append(at)
            raw += self.records[at]
        raw = self.spoil(raw)
        return {
            "from": chosen[0] if chosen else seq,
            "next": chosen[-1] + 1 if chosen else seq,
            "last": self.seq,
            "n": len(chosen),
            "b64": b64encode(raw).decode(),
        }


def journal(n: int, first: int = 0, board: str = "pico") -> list[bytes]:
    return [boot(first, board)] + [
        record(first + i, scores_payload(i * 50, list(range(i, i + 50)))) for i in range(1, n)
    ]


def pull(board: Board, path: Path) -> pulling.Pulled:
    return pulling.pull(board, path)  # type: ignore[arg-type]


def test_pulling_goes_on_where_it_ended(tmp_path: Path):
    records, file = journal(100), tmp_path / "deep" / "x.nhl"
    assert pull(Board(*records[:60]), file).n_records == 60
    done = pull(Board(*records), file)
    assert (done.n_records, done.next_seq, done.gaps) == (40, 100, [])
    assert file.read_bytes() == b"".join(records)
    board = Board(*records)
    assert pull(board, file).n_records == 0
    # what is new, and the last one that is known, to see whether it is the same journal
    asked = [line for line in board.asked if line.startswith("log ")]
    assert asked == ["log 100 1536", "log 99 1536"]


def test_a_pull_tells_the_board_the_time_where_that_is_off(tmp_path: Path):
    now = time.time()
    for i, (utc, is_told) in enumerate(((None, True), (now, False), (now - 3600, True))):
        board = Board(*journal(3), utc=utc)
        pull(board, tmp_path / f"{i}.nhl")
        told = [line for line in board.asked if line.startswith("time ")]
        assert len(told) == is_told, utc
        assert all(abs(int(line[5:]) - now) < 60 for line in told)
    board = Board(*journal(3))  # a firmware that keeps no time
    pull(board, tmp_path / "none.nhl")
    assert not [line for line in board.asked if line.startswith("time ")]


def test_a_pull_tells_how_far_it_is(tmp_path: Path):
    records, told, file = journal(60), [], tmp_path / "x.nhl"
    pull(Board(*records[:5]), file)
    pulling.pull(Board(*records), file, lambda done, of: told.append((done, of)))  # type: ignore[arg-type]
    assert told[-1] == (55, 55)
    assert len(told) > 3
    assert all(of == 55 for _, of in told)
    assert told == sorted(told)


def test_a_pull_is_on_the_disk_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A crash of the host costs little: what is synced has left the program's buffer."""
    there: list[int] = []
    monkeypatch.setattr(pulling.os, "fsync", lambda fd: there.append(os.fstat(fd).st_size))
    file = tmp_path / "x.nhl"
    n_bytes = pull(Board(*journal(1500)), file).n_bytes
    assert there[-1] == n_bytes == file.stat().st_size
    steps = [b - a for a, b in zip([0, *there], there, strict=False)]
    assert len(steps) == n_bytes // 65536 + 1
    assert all(65536 <= step < 65536 + 4096 for step in steps[:-1])


def test_only_what_is_safe_on_flash_is_pulled(tmp_path: Path):
    records = journal(40)
    for synced in range(1, 40, 2):  # wherever it ends in an answer of many records
        file = tmp_path / f"{synced}.nhl"
        assert pull(Board(*records, synced=synced), file).next_seq == synced
        assert file.read_bytes() == b"".join(records[:synced])


def test_a_torn_tail_is_cut_off(tmp_path: Path):
    records, file = journal(20), tmp_path / "x.nhl"
    file.write_bytes(b"".join(records[:10]) + records[10][:-3])
    assert pull(Board(*records), file).torn_bytes == len(records[10]) - 3
    assert file.read_bytes() == b"".join(records)


def test_what_the_board_has_dropped_is_a_gap(tmp_path: Path):
    records, file = journal(50), tmp_path / "x.nhl"
    pull(Board(*records[:10]), file)
    assert pull(Board(*records[30:]), file).gaps == [(10, 30)]
    assert log_file.read_log(file).gaps == [(10, 30)]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Board(*journal(5)), "it ends at record 19, the board is at 5"),
        (Board(*journal(19)), "it ends at record 19, the board is at 19"),
        (
            Board(*journal(30, board="esp32")[:19], record(19, b"else"), record(20, b"")),
            "record 19 is another one",
        ),
        (Board(*journal(9, first=40), name="esp32"), "came from board 'pico', this one is 'esp32'"),
    ],
)
def test_another_journal_is_not_appended(tmp_path: Path, other: Board, why: str):
    file = tmp_path / "x.nhl"
    pull(Board(*journal(20)), file)
    before = file.read_bytes()
    with pytest.raises(HostError, match=why) as caught:
        pull(other, file)
    assert str(tmp_path / "x-2.nhl") in caught.value.hint
    assert file.read_bytes() == before


def test_a_file_of_something_else_is_left_alone(tmp_path: Path):
    file = tmp_path / "x.nhl"
    file.write_bytes(b"precious " * 200)
    with pytest.raises(HostError, match="not a nearhum log"):
        pull(Board(*journal(3)), file)
    assert file.read_bytes() == b"precious " * 200


def test_a_damaged_answer_is_asked_for_again_and_never_written(tmp_path: Path):
    board, spoiled = Board(*journal(100)), iter([True, False] * 4 + [True] * 9)
    board.spoil = lambda raw: raw[:20] + b"?" + raw[21:] if next(spoiled) else raw
    with pytest.raises(DeviceError, match="damaged.*keeps .* new record") as caught:
        pull(board, tmp_path)
    assert "it continues there" in caught.value.hint
    assert board.asked.count(board.asked[-1]) == 3  # a damaged answer, three times
    kept = log_file.read_log(tmp_path)
    assert kept.records
    assert not kept.damages
    board.spoil = lambda raw: raw
    pull(board, tmp_path)
    assert (tmp_path / "journal.nhl").read_bytes() == b"".join(journal(100))


def test_a_board_that_goes_away_leaves_whole_records(tmp_path: Path):
    board = Board(*journal(100))

    def vanish(raw: bytes) -> bytes:
        if len(board.asked) > 3:
            raise DeviceError("the board went away", hint="plug it in")
        return raw

    board.spoil = vanish
    with pytest.raises(DeviceError, match=r"went away; .*journal.nhl keeps \d+ new record"):
        pull(board, tmp_path)
    assert log_file.read_log(tmp_path).sound_bytes == (tmp_path / "journal.nhl").stat().st_size > 0


def test_a_board_that_answers_nonsense_ends_the_pull(tmp_path: Path):
    board = Board(*journal(30))
    board.spoil = lambda raw: b""
    with pytest.raises(DeviceError, match="damaged"):
        pull(board, tmp_path)
    board.spoil = lambda raw: raw * 20
    with pytest.raises(DeviceError, match="damaged"):
        pull(board, tmp_path)
