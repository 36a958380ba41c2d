"""Relay: several boards and several channels, until it is ended.

Enters: channels, and ports of boards. Leaves: what `Asker` and `Outbox` do, each in a thread of its
own, so that a slow board or a channel that is down holds up no other.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

from ..errors import UsageError
from ..serial_line.ports import board_ports, find_port
from .asker import Asker
from .bookmarks import Bookmarks
from .channel import Channel
from .outbox import Outbox
from .presence import Presence

RESCAN_S = 5.0  # between two looks for boards that were plugged in
_TURN_S = 0.1


def chosen(ports: Sequence[str] | None, all_boards: bool) -> list[str]:
    """Return the ports to follow: those named, none for all boards, else the only board's.

    Raises UsageError where both are asked for.
    """
    if all_boards and ports:
        raise UsageError("--all and --port exclude each other", "leave one of them out")
    return [] if all_boards else list(dict.fromkeys(ports or [])) or [find_port(None)]


class Relay:
    """A context manager: its outboxes run inside it, and are closed at its end."""

    def __init__(
        self,
        channels: Sequence[Channel],
        bookmarks: Bookmarks,
        resume: bool,
        note: Callable[[str], None],
    ) -> None:
        self._outboxes = [Outbox(channel, bookmarks, note) for channel in channels]
        self._bookmarks = bookmarks
        self._askers: dict[str, Asker] = {}
        self._presence = Presence()
        self._resume = resume
        self._note = note
        self._terminated = threading.Event()

    def __enter__(self) -> Relay:
        for outbox in self._outboxes:
            outbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in (*self._askers.values(), *self._outboxes):
            thread.end()  # all at once: systemd waits 90 s, and each may need ten
        for asker in self._askers.values():
            asker.stop()
        for outbox in self._outboxes:
            outbox.stop()
        self._bookmarks.close()

    def follow_until(
        self, ended: Callable[[], bool], ports: Sequence[str], all_boards: bool, doing: str
    ) -> None:
        """Follow boards until `ended` returns True.

        ports: see `chosen`. all_boards: also those that are plugged in later. doing: for the note,
        such as "watching". Raises UsageError if a port is not a serial port.
        """
        for port in ports:
            self.follow(port)
        self._note(f"{doing} {', '.join(ports) or 'every board on USB'}; press Ctrl-C to end")
        self.run(all_boards, ended)

    def follow(self, port: str, named: bool = True) -> None:
        """Follow the board at a port from now on. named: by the user, see Asker."""
        if port not in self._askers:
            asker = Asker(port, self._outboxes, self._presence, self._note, self._resume, named)
            self._askers[port] = asker
            asker.start()

    def idle(self) -> bool:
        """Return True where every event that came was told, or given up."""
        return all(outbox.idle() for outbox in self._outboxes)

    def run(self, rescan: bool, ended: Callable[[], bool]) -> None:
        """Wait until `ended`, or SIGTERM, by which systemd ends a service.

        rescan: follow each board that is plugged in meanwhile. Raises UsageError where a port is
        none.
        """

        def terminate(_signal: int, _frame: FrameType | None) -> None:
            self._terminated.set()

        with suppress(ValueError):  # not the main thread: signals are somebody else's
            signal.signal(signal.SIGTERM, terminate)
        next_s = 0.0
        while not self._terminated.is_set() and not ended():
            if rescan and time.monotonic() >= next_s:
                next_s = time.monotonic() + RESCAN_S
                for port in board_ports():
                    self.follow(port, named=False)
            for asker in self._askers.values():
                if asker.failed:
                    raise asker.failed
            self._terminated.wait(_TURN_S)
