"""An asker: what it tells of a board that goes and comes, and of one that lies."""

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from nearhum import wire
from nearhum_host.alerts import asker
from nearhum_host.alerts.bookmarks import Bookmarks
from nearhum_host.alerts.event import Event
from nearhum_host.alerts.relay import Relay
from nearhum_host.errors import DeviceError, UsageError

from channels import until


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
        record = bytearray(wire.RECORD_HEADER_BYTES + len(text) + wire.RECORD_CRC_BYTES)
        n = wire.pack_record(record, 0, kind, seq, 1000 * seq, text)
        self.records[seq] = bytes(record[:n])


class Told:
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

    def show(self, board: str, status: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass

    def names(self) -> list[str]:
        return [event.name for event in self.events]


@pytest.fixture
def boards(monkeypatch: pytest.MonkeyPatch) -> Boards:
    found = Boards()
    monkeypatch.setattr(asker, "Link", found)
    monkeypatch.setattr(asker, "AGAIN_S", 0.02)
    monkeypatch.setattr(asker, "PERIOD_S", 0.05)
    monkeypatch.setattr(asker, "SILENT_S", 0.3)
    return found


def test_a_silent_board_that_comes_back_elsewhere_answers_again(boards: Boards):
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
