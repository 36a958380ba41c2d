"""An asker: what it tells of a board that goes and comes, and of one that lies."""

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from channels import until
from nearhum import wire
from nearhum_host.alerts import asker
from nearhum_host.alerts.bookmarks import Bookmarks
from nearhum_host.alerts.channel import Channel
from nearhum_host.alerts.event import Event
from nearhum_host.alerts.outbox import Outbox
from nearhum_host.alerts.relay import Relay
from nearhum_host.errors import DeviceError, UsageError
from nearhum_host.logs.times import Times, lasting


class Boards:
    """Boards by port, in place of `Link`. A port without one cannot be opened."""

    def __init__(self) -> None:
        self.at: dict[str, dict[str, Any]] = {}
        self.records: dict[int, bytes] = {}
        self.error: Exception = DeviceError("there is no port")

    def __call__(self, port: str, on_stopped: Callable[[], bool]) -> Any:
        if port not in self.at:
            raise self.error
        boards = self

        class Line:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def ask(self, line: str) -> dict[str, Any]:
                if port not in boards.at:
                    raise DeviceError("the line broke")
                if line == "status":
                    return {"board": "pump", "id": "1", "boot": 1, **boards.at[port]}
                if line.startswith("log"):
                    seq = int(line.split()[1])
                    raw = b"".join(boards.records[n] for n in sorted(boards.records) if n >= seq)
                    return {"b64": base64.b64encode(raw).decode()}
                return {}

        return Line()

    def logs(self, seq: int, kind: int, text: bytes) -> None:
        self.records[seq] = wire.pack_record(kind, seq, 1000 * seq, text)


class Told(Channel):
    """A channel that keeps what it is told."""

    name = "told"
    tries = 1

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.open = threading.Event()
        self.open.set()

    def tell(self, event: Event) -> None:
        self.open.wait()
        self.events.append(event)

    def names(self) -> list[str]:
        return [event.name for event in self.events]


@pytest.fixture
def boards(monkeypatch: pytest.MonkeyPatch) -> Boards:
    found = Boards()
    monkeypatch.setattr(asker, "Link", found)
    monkeypatch.setattr(asker, "AGAIN_S", 0.02)
    monkeypatch.setattr(asker, "PERIOD_S", 0.05)
    return found


def test_a_silent_board_that_comes_back_elsewhere_answers_again(
    boards: Boards, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(asker, "SILENT_S", 0.5)
    channel = Told()
    boards.at["A"] = {"seq": 0}
    notes: list[str] = []
    with Relay([channel], Bookmarks(None), False, notes.append) as one:
        one.follow("A")
        until(lambda: any("answers" in note for note in notes))
        del boards.at["A"]
        one.follow("B")
        until(lambda: "silent" in channel.names())
        boards.at["B"] = {"seq": 0}
        until(lambda: "answers" in channel.names())
        time.sleep(0.5)  # A was heard long ago: the line that breaks at B is no silence yet
        n = len(channel.events)
        del boards.at["B"]
        time.sleep(0.1)
        boards.at["B"] = {"seq": 0}
        time.sleep(0.5)
        assert [e.name for e in channel.events[n:] if e.board == "pump-1"] == []


def test_events_that_wait_do_not_hide_those_of_a_log_that_began_anew(boards: Boards):
    channel = Told()
    outbox = Outbox(channel, Bookmarks(None), print)
    channel.open.clear()
    outbox.start()
    outbox.begin("pump-1", 4000, 9)
    outbox.put(Event("pump-1", "A", 4000, 1e9, "alarm", "alarm"), 9)
    outbox.begin("pump-1", 0, 1)
    outbox.put(Event("pump-1", "A", 3, 2e9, "alarm", "alarm"), 1)
    channel.open.set()
    until(outbox.idle)
    assert [event.seq for event in channel.events] == [4000, 3]
    assert outbox.at("pump-1") == (4, 1)
    outbox.stop()


def test_an_alarm_that_stands_already_is_told_once(boards: Boards):
    channel, marks = Told(), Bookmarks(None)
    notes: list[str] = []
    boards.at["A"] = {"seq": 7, "alarm": True, "alarm_s": 199}
    for _ in range(2):  # the second run knows the board: it told of the alarm before
        with Relay([channel], marks, False, notes.append) as one:
            one.follow("A")
            until(lambda: channel.events)
            until(lambda: notes)
        assert "the board is in alarm: it began 3 min 19 s ago" in notes.pop()
    assert [(e.name, e.severity(), e.text) for e in channel.events] == [
        ("in_alarm", 4, "the board is in alarm: it began 3 min 19 s ago")
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (120, "2 min"), (199, "3 min 19 s"), (7500, "2 h 5 min")],
)
def test_a_duration_has_two_units(seconds: float, text: str):
    assert lasting(seconds) == text


@pytest.mark.parametrize("status", [{"seq": 2, "boot": 9}, {"seq": 50, "boot": 1}])
def test_a_log_that_began_anew_is_noticed(boards: Boards, status: dict[str, Any]):
    # on a line that stays, as a UART's does, by its numbers; on another one by its start too
    channel, marks = Told(), Bookmarks(None)
    marks.set("pump-1", "told", 9, 9)
    boards.records = {}
    for seq in range(9, 12):
        boards.logs(seq, wire.EVENT, b'{"event":"gap"}')
    boards.at["A"] = {"seq": 12, "boot": 9}
    with Relay([channel], marks, False, print) as one:
        one.follow("A")
        until(lambda: channel.names() == ["gap"] * 3)
        boards.records = {}
        boards.logs(1, wire.EVENT, b'{"event":"alarm_end"}')
        if status["boot"] == 1:
            del boards.at["A"]
            time.sleep(0.2)
        boards.at["A"] = {"log_first": 1, **status}
        until(lambda: channel.names()[3:5] == ["log_began_anew", "alarm_end"])


def test_months_of_answers_take_no_memory(boards: Boards, monkeypatch: pytest.MonkeyPatch):
    kept: list[int] = []
    told = Times.told
    monkeypatch.setattr(Times, "told", lambda *given: (kept.append(1), told(*given))[1])
    monkeypatch.setattr(asker, "PERIOD_S", 0.0)
    shown: list[int] = []
    channel = Told()

    def show(board: str, status: dict[str, Any]) -> None:
        shown.append(1)
        boards.at["A"] = {"seq": 0, "uptime_s": len(shown), "utc": 10**9 + len(shown)}

    monkeypatch.setattr(channel, "show", show)
    boards.at["A"] = {"seq": 0, "uptime_s": 0, "utc": 10**9}
    with Relay([channel], Bookmarks(None), False, print) as one:
        one.follow("A")
        until(lambda: len(shown) > 10)
    assert len(kept) == 1


def test_a_record_that_makes_no_sense_ends_nothing(boards: Boards):
    channel, marks = Told(), Bookmarks(None)
    marks.set("pump-1", "told", 0, 1)
    boards.logs(0, wire.BOOT, b'{"boot":[1],"utc":1000000000}')
    boards.logs(1, wire.EVENT, b'{"event":"gap"}')
    boards.at["A"] = {"seq": 2}
    with Relay([channel], marks, False, print) as one:
        one.follow("A")
        until(lambda: channel.names() == ["gap"])


def test_a_port_that_vanishes_while_it_is_opened_ends_nothing(boards: Boards):
    boards.error = UsageError("A is not a serial port", "ports here: none")
    notes: list[str] = []
    with Relay([Told()], Bookmarks(None), False, notes.append) as one:
        one.follow("A", named=False)
        until(lambda: notes)
        boards.at["A"] = {"seq": 0}
        until(lambda: any("answers" in note for note in notes))
        one.run(False, lambda: True)


def test_a_channel_that_fails_in_a_way_nobody_foresaw_goes_on(boards: Boards):
    channel = Told()
    take = channel.events.append

    def tell(event: Event) -> None:
        if event.seq == 0:
            raise ValueError("no such topic")
        take(event)

    channel.tell = tell  # type: ignore[method-assign]
    notes: list[str] = []
    outbox = Outbox(channel, Bookmarks(None), notes.append)
    outbox.start()
    for seq in range(2):
        outbox.put(Event("pump-1", "A", seq, 1e9, "alarm", "alarm"), 1)
    until(outbox.idle)
    outbox.stop()
    assert [event.seq for event in channel.events] == [1]
    assert "NOT told: pump-1: alarm" in notes[0]
