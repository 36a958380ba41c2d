"""Outbox: tells one channel each event once and in order, however long the channel is away.

Enters: events of all boards. Leaves: what the channel took, and the bookmark behind it. A full
outbox is passed over and fetches later what it missed: the boards' logs keep it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from ..errors import HostError
from .bookmarks import Bookmarks
from .channel import Channel, NotTold
from .event import Event

ROOM = 1000  # events that wait in memory; more wait on the boards
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # between two tries, doubled each time


class Outbox(threading.Thread):
    """One channel's queue and the thread that empties it."""

    def __init__(self, channel: Channel, bookmarks: Bookmarks, note: Callable[[str], None]) -> None:
        """note: called with a sentence where a channel is down, up again, or gives an event up."""
        super().__init__(name=f"outbox {channel.name}", daemon=True)
        self.channel = channel
        self._bookmarks = bookmarks
        self._note = note
        self._events: queue.Queue[tuple[Event, int, int]] = queue.Queue()
        self._logs: dict[str, int] = {}  # by board how many logs it has begun
        self._guard = threading.Lock()  # a bookmark of an old log must not follow a new one's
        self._ended = threading.Event()

    def has_room(self) -> bool:
        """Return True where the outbox takes what one answer of a board may hold."""
        return self._events.qsize() < ROOM

    def put(self, event: Event, boot: int) -> None:
        """Take an event of the start with that number."""
        self._events.put((event, boot, self._logs.get(event.board, 0)))

    def at(self, board: str) -> tuple[int, int] | None:
        """Return the bookmark of a board, see Bookmarks.at."""
        return self._bookmarks.at(board, self.channel.name)

    def begin(self, board: str, seq: int, boot: int) -> None:
        """Tell nothing of a board that is before seq; its numbers begin anew."""
        with self._guard:
            self._logs[board] = self._logs.get(board, 0) + 1
            self._bookmarks.set(board, self.channel.name, seq, boot)

    def idle(self) -> bool:
        """Return True where nothing waits and nothing is being told."""
        return self._events.unfinished_tasks == 0

    def end(self) -> None:
        """Ask it to end."""
        self._ended.set()

    def stop(self) -> None:
        """End; what waits is told at the next start."""
        self.end()
        self.join(timeout=10)
        self.channel.close()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                event, boot, log = self._events.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._deliver(event, boot, log)
            except HostError as error:  # the bookmarks cannot be written: better twice than never
                self._note(f"{error.message}; {error.hint}")
            self._events.task_done()

    def _deliver(self, event: Event, boot: int, log: int) -> None:
        seq, mark = event.seq, self.at(event.board)
        numbered = seq is not None and log == self._logs.get(event.board, 0)
        if seq is not None and numbered and mark and seq < mark[0]:
            return  # told before the last restart
        if self._told(event) and seq is not None:
            with self._guard:
                if log == self._logs.get(event.board, 0):
                    self._bookmarks.set(event.board, self.channel.name, seq + 1, boot)

    def _told(self, event: Event) -> bool:
        """Try until the event is told or given up; False where the end came first."""
        wait_s, n, down = FIRST_WAIT_S, 0, ""
        while True:
            n += 1
            try:
                self.channel.tell(event)
                if down:
                    self._note(f"{self.channel.name}: works again")
                return True
            except NotTold as error:
                if not error.again or n == self.channel.tries:
                    self._note(
                        f"{self.channel.name}: {error.why}; NOT told: {event.board}: {event.text}"
                    )
                    return True
                if error.why != down:
                    self._note(f"{self.channel.name}: {error.why}; it is tried again")
                    down = error.why
            except Exception as error:  # what nobody foresaw costs one event, not the channel
                self._note(f"{self.channel.name}: {error!r}; NOT told: {event.board}: {event.text}")
                return True
            if self._ended.wait(wait_s):
                return False
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
