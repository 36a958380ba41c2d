"""Test impossible figures from a board or a log: every loop ends, and the rest is still drawn."""

import json
import random
from binascii import b2a_base64
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from host.faults.test_hostile_board import STATUS, answering
from host.report.test_report import journal
from host.serial_line.test_link import reply, scripted
from nearhum import wire
from nearhum_host.errors import DeviceError, HostError
from nearhum_host.logs import asking, gathering, log_file, seen, tabling
from nearhum_host.recordings import capturing
from nearhum_host.report import page
from nearhum_host.serial_line.link import Link

SETTINGS = {
    "board": "x", "kind": "motion", "rate_hz": 50, "n_hop": 200, "n_window": 200, "n_channels": 1,
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 1.5, 2**60, -(2**63), 1e300, "", "x" * 300, "\x1b[2J", [], [1], [[1]], {},
    {"a": [1]}, [["a", "b"]], [None, None], "\u202e",
)  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"event": "learned", "window": 1, "n": 9, "threshold": 300, "scores": 9, "modes": [4, 5],
     "dirt": 1, "cause": "length", "warning": "w", "independent": 3, "alarms_per_day": [1, 2]},
    {"event": "state", "state": "learn", "window": 1, "windows": 9, "mode": "m", "paused": True},
    {"event": "enrolled", "label": "a", "id": 3, "count": 1, "window": 2, "close": "b",
     "accepts": 2.5},
    {"event": "alarm", "window": 3, "score": 900, "threshold": 300,
     "strangest": [["c0.rms", 60], ["c1.mean", 40]]},
    {"event": "alarm_end", "window": 4, "score": 10},
    {"event": "fault", "error": "e", "window": 5, "learning": False},
    {"event": "rollback", "to": 3, "window": 7, "undo": 1},
    {"event": "pending", "label": "a", "distance": 3, "limit": 4, "why": "w", "window": 7},
    {"event": "set", "key": "k", "value": 1, "window": 7},
    {"event": "time", "utc": 1800000000, "window": 8},
    {"event": "cue", "line": "l", "window": 8, "error": "e"},
    {"event": "safe", "error": "e", "hint": "h", "cause": "WDT", "window": 8},
    {"event": "unsaved", "error": "e", "window": 8},
    {"event": "refused", "error": "e", "window": 8},
]  # fmt: skip


def record(kind: int, seq: int, what: dict[str, Any], ticks: int = 0) -> bytes:
    return wire.pack_record(kind, seq, ticks, json.dumps(what).encode()[:1024])


def run(seq: int, n: int, ticks: int, first: int = 0) -> bytes:
    head = bytearray(8)
    wire.pack_run_header_into(head, first, 300, 2, n, False)
    return wire.pack_record(wire.RUN, seq, ticks, bytes(head) + bytes(n))


def board(**answers: bytes | Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    none = b2a_base64(b"").decode().strip()
    sound: dict[str, bytes | Callable[[bytes], bytes]] = {
        "get": reply("get", settings=SETTINGS),
        "list": reply("list", prototypes=[]),
        "log": reply("log", b64=none, n=0, **{"from": 0, "next": 0, "last": 0}),
        "look": reply("look", of=0, names=[]),
        "time": reply("time"),
    }
    return answering({**sound, **answers})


# --- loops over answers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        {"names": ["x" * 100], "of": 2**53},
        {"names": ["x"], "of": "many"},
        {"names": 5, "of": 1},
        {"names": "abcdefgh" * 100, "of": 2**50},
        {"names": ["x"] * 3},
        {"names": [["x"]], "of": 1},
    ],
    ids=str,
)
def test_names_of_features_end(names: dict[str, Any]):
    with scripted(board(look=reply("look", **names))) as (port, got), Link(port) as link:
        with pytest.raises(DeviceError):
            seen.look_at(link)
        assert len(got) < 12


def test_a_recording_ends_where_no_sample_comes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capturing, "SILENT_S", -8.0)  # 2 hops of 200 at 50 Hz come on top

    def raw(line: bytes) -> bytes:
        return reply("raw", n=0, b64="", **{"from": int((line.split() + [b"0"])[1])})

    with scripted(board(raw=raw)) as (port, _), Link(port) as link:  # noqa: SIM117
        with pytest.raises(DeviceError, match="not a sample came"):
            capturing.capture(link, 2)


def test_a_recording_ends_where_the_log_does_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capturing, "MAX_CUT_RECORDS", 200)

    def log(line: bytes) -> bytes:
        seq = int(line.split()[1])
        some = b"".join(record(wire.EVENT, seq + i, {"event": "gap"}) for i in range(20))
        return reply("log", b64=b2a_base64(some).decode().strip(), n=20)

    def raw(line: bytes) -> bytes:
        at = int((line.split() + [b"0"])[1])
        return reply("raw", n=100, b64=b2a_base64(bytes(200)).decode(), **{"from": at})

    with scripted(board(raw=raw, log=log)) as (port, _), Link(port) as link:  # noqa: SIM117
        with pytest.raises(DeviceError, match="has grown by 2.. records"):
            capturing.capture(link, 2)


def test_boards_of_long_and_equal_names_stop_no_other(tmp_path: Path):
    said = [
        {"board": "x" * 900, "id": "1"}, {"board": "x" * 900, "id": "2"}, {"board": "a/../b"},
        {"board": "same", "id": ""}, {"board": "same", "id": ""}, {"board": 7},
        {"board": "pump", "id": "3"},
    ]  # fmt: skip
    with ExitStack() as ends:
        ports = [
            ends.enter_context(
                scripted(board(status=reply(**{**STATUS, "seq": 0, "synced_seq": 0, **one})))
            )[0]
            for one in said
        ]
        done = gathering.gather(ports, tmp_path)
    failed = [bool(one.error) for one in done]
    assert failed[:3] + failed[6:] == [False] * 4, done
    assert failed[3] + failed[4] == 1  # which of the two came first, nobody knows
    assert failed[5]
    assert len({one.board for one in done if not one.error}) == 5
    assert not [path for path in tmp_path.rglob("*") if len(path.name) > 130]
    assert {path.parent.name for path in tmp_path.rglob("*.nhl")} == {"logs"}


# --- logs that ask for much -----------------------------------------------------------------------


def test_a_small_log_makes_no_thousand_files(tmp_path: Path):
    parts = []
    for b in range(60):
        about: dict[str, Any] = {"format": 2, "boot": b, "utc": 1_000_000_000 + b * 128 * 86400}
        about["config"] = {"rate_hz": 1 / 86400, "n_hop": 1}
        parts += [record(wire.BOOT, 2 * b, about), run(2 * b + 1, 128, 128 * 86400000 & 0xFFFFFFFF)]
    with pytest.raises(HostError, match=r"more than \d+ days in 120 records"):
        tabling.tabulate(tmp_path, "evil", 1, log_file.parse(b"".join(parts)))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) < 1000


def test_a_long_log_is_tabled_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = log_file.parse(journal())
    every = "SELECT * EXCLUDE (board, day) FROM windows ORDER BY seq, window_index"
    assert tabling.tabulate(tmp_path / "whole", "b", 1, log) == 3000
    monkeypatch.setattr(tabling, "SLICE_WINDOWS", 200)
    assert tabling.tabulate(tmp_path / "pieces", "b", 1, log) == 3000
    for sql in (every, every.replace("windows ORDER BY seq, window_index", "events ORDER BY seq")):
        assert asking.ask(tmp_path / "pieces", sql) == asking.ask(tmp_path / "whole", sql)
    assert len(list(tmp_path.glob("pieces/windows/*/*/*"))) > 10


# --- what makes no sense --------------------------------------------------------------------------


def test_one_odd_event_is_shown_and_the_rest_drawn(tmp_path: Path):
    chance = random.Random(7)
    for n in range(60):
        events = [dict(event) for event in EVENTS]
        for _ in range(1 + n // 20):
            event = chance.choice(events)
            event[chance.choice(list(event))] = chance.choice(ODD)
        about: dict[str, Any] = {"format": 2, "boot": 1, "id": "a", "config": dict(SETTINGS)}
        if n % 3 == 0:
            about["config"][chance.choice(list(SETTINGS))] = chance.choice(ODD)
            about[chance.choice(("boot", "version", "utc", "board", "config", "id"))] = (
                chance.choice(ODD)
            )
        raw = record(wire.BOOT, 0, about) + run(1, 100, 9000)
        raw += b"".join(record(wire.EVENT, i + 2, event) for i, event in enumerate(events))
        raw += wire.pack_record(wire.EVENT, 50, 0, b"[1]") + run(51, 20, 99000, 100)
        file = tmp_path / f"{n}.nhl"
        file.write_bytes(raw)
        assert "120 windows" in page.report(file), (events, about)
        tabling.tabulate(tmp_path / "tables", f"b{n}", 1, log_file.parse(raw))
    assert asking.ask(tmp_path / "tables", "SELECT count(*) FROM windows")[1] == [(60 * 120,)]
    odd = "SELECT count(*) FROM events WHERE event = 'odd' AND facts LIKE '%said%'"
    assert asking.ask(tmp_path / "tables", odd)[1][0][0] > 60
    assert all(alarm is not None for alarm in asking.ask(tmp_path / "tables", "FROM alarms")[1])


def test_what_was_seen_is_drawn_without_what_makes_no_sense(tmp_path: Path):
    chance = random.Random(8)
    file = tmp_path / "x.nhl"
    file.write_bytes(journal(n=300, n_learn=100, alarms=((150, 160),)))
    status = {**STATUS, "warning": "w", "unsaved": "", "mem_free": 9, "dropped": 0, "uptime_s": 5,
              "flash_years": 10, "erased": 3, "boot": 1}  # fmt: skip
    look = {"window": 3, "embedding": "AAE=", "variance": "AAAAAAAAAAA=", "means": ["AAE="],
            "mode": 0, "strangest": [["c0.rms", 60]]}  # fmt: skip
    for _ in range(60):
        said = seen.Seen("2026-01-01T00:00:00+00:00", dict(status), dict(look), ["a", "b"], [{}])
        for part in (said.status, said.look):
            part[chance.choice(list(part))] = chance.choice(ODD)
        seen.save(file, said)
        assert "300 windows" in page.report(file), said
