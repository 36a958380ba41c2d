"""Asker: follows one board's log over its serial line, for ever.

Enters: a port. Leaves: the events of the board's log in order, each to every outbox, and its status
every second. A line that breaks is opened again; a board that stays silent is told of. The board is
asked as any host asks it, so its detector is not disturbed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from nearhum import wire
from nearhum.errors import NearhumError

from ..boards.checking import sensor_units
from ..errors import DeviceError, HostError, UsageError
from ..logs.log_file import Record
from ..logs.pulling import fetch, tell_time
from ..logs.seen import name_of
from ..logs.times import TOLERANCE_S, Times, lasting
from ..serial_line.link import Link
from . import event as events
from .outbox import Outbox
from .presence import Presence

PERIOD_S = 1.0  # between two questions
AGAIN_S = 2.0  # before a line that broke is opened again
STRETCH_S = 5.0  # of fetching at a time
MOST_NAMES = 20  # that a board may give itself: each has a bookmark, topics and metrics
MOST_TIMES = 1000  # that a board may claim, before they are forgotten
SILENT_S = 30.0  # without an answer, before it is told of; a restart takes up to 20 s


class Asker(threading.Thread):
    """Follows one board until `stop`, or until it fails for good: error says why."""

    def __init__(
        self,
        port: str,
        outboxes: Sequence[Outbox],
        presence: Presence,
        note: Callable[[str], None],
        resume: bool = False,
        named: bool = True,
    ) -> None:
        """presence: shared by all askers; note: called with a sentence where the line breaks or
        comes back; resume: start a detector that is stopped; named: by the user, so that a port
        which is none is an error.
        """
        super().__init__(name=f"ask {port}", daemon=True)
        self.port = port
        self.failed: UsageError | None = None  # the port is none: trying again is no use
        self._board = ""
        self._error = ""  # "" while the board answers
        self._outboxes = outboxes
        self._presence = presence
        self._note = note
        self._resume = resume
        self._named = named
        self._ended = threading.Event()
        self._times, self._n_times = Times(), 0
        self._channels: list[str] = []
        self._names: set[str] = set()

    def end(self) -> None:
        """Ask it to end."""
        self._ended.set()

    def stop(self) -> None:
        """End, and free the port."""
        self.end()
        self.join(timeout=10)

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                with Link(self.port, lambda: self._resume) as link:
                    self._follow(link)
            except UsageError as error:
                # a port that vanishes while it is opened looks like one that is no serial port
                if self._named and not self._board:
                    self.failed = error
                    return
                self._broke(error.message)
            except (HostError, NearhumError) as error:
                self._broke(error.message)
            except Exception as error:  # a board may say anything: it must not end its asker
                self._broke(f"its answers make no sense: {error!r}"[:200])
            finally:
                self._presence.release(self._board, self.port)
            self._ended.wait(AGAIN_S)

    def _broke(self, why: str) -> None:
        if why != self._error:
            self._note(f"{self.port}: {why}; it is tried again")
        self._error = why
        if self._presence.fell_silent(self._board or self.port, self.port, SILENT_S):
            self._host_event(events.SILENT, f"the board does not answer: {self._error}")

    def _host_event(self, name: str, text: str) -> None:
        told = events.of_host(self._board or self.port, self.port, name, time.time(), text)
        for outbox in self._outboxes:
            outbox.put(told, 0)

    def _follow(self, link: Link) -> None:
        status = link.ask("status")
        if "seq" not in status:
            raise DeviceError("the board does not say where its log ends", "`nearhum deploy`")
        self._board = name_of(status)
        self._names.add(self._board)
        if len(self._names) > MOST_NAMES:
            self._names.remove(self._board)
            raise DeviceError(f"it has had {MOST_NAMES} names", "start `nearhum follow` again")
        other = self._presence.claim(self._board, self.port)
        if other != self.port:
            raise DeviceError(
                f"it is called {self._board}, as the board on {other} is",
                "give one another name: `nearhum set board NAME`",
            )
        tell_time(link, status)
        # Asked again for the time that the board knows now: it dates the records fetched next.
        status = link.ask("status")
        settings = link.ask("get").get("settings", {})
        n_channels = int(settings.get("n_channels", 0))
        self._channels = sensor_units.names(settings) or [""] * n_channels
        at = {outbox: self._where_to_begin(outbox, status) for outbox in self._outboxes}
        standing = f"; {_standing(status)}" if status.get("alarm") else ""
        self._note(f"{self.port}: {self._board} answers, state {status.get('state')}{standing}")
        while not self._ended.is_set():
            began = time.monotonic()
            self._heard(status)
            for outbox, (reached, _) in at.items():
                if reached > int(status["seq"]):  # a UART does not break when its board is erased
                    at[outbox] = self._where_to_begin(outbox, status, reached)
            self._fetch(link, int(status["seq"]), at)
            self._ended.wait(max(0.05, PERIOD_S - (time.monotonic() - began)))
            status = link.ask("status")

    def _heard(self, status: dict[str, Any]) -> None:
        self._error = ""
        if self._presence.heard(self._board, self.port):
            self._host_event(events.ANSWERS, "the board answers again")
        uptime_ms = 1000 * int(status.get("uptime_s") or 0)
        self._note_time(int(status.get("boot") or 0), uptime_ms, status.get("utc"))
        for outbox in self._outboxes:
            outbox.channel.show(self._board, status)

    def _note_time(self, boot: int, uptime_ms: int, utc: Any) -> None:
        """Keep a board's time where it is news: one is told every second, for months."""
        known = self._times.utc(boot, uptime_ms)
        if isinstance(utc, int | float) and not abs(known - utc) <= TOLERANCE_S:
            self._count_time()
            self._times.told(boot, uptime_ms, utc)

    def _count_time(self) -> None:
        self._n_times += 1
        if self._n_times > MOST_TIMES:
            self._times, self._n_times = Times(), 1

    def _where_to_begin(
        self, outbox: Outbox, status: dict[str, Any], reached: int = 0
    ) -> tuple[int, int]:
        """Return (seq, boot) of the first record that a channel is to be told.

        A channel that meets a board for the first time is told what happens from now on. reached:
        the next record, as far as this line knows.
        """
        # what is not on the board's flash yet may vanish, and its number be given again
        end = int(status.get("synced_seq", status["seq"]))
        boot = int(status.get("boot") or 0)
        mark = outbox.at(self._board)
        # both only grow, until the flash is erased
        if mark and max(mark[0], reached) <= int(status["seq"]) and mark[1] <= (boot or mark[1]):
            return mark
        if mark is not None:
            end = int(status.get("log_first") or 0)
            why = "its log began anew: it was reset, or the board's flash was erased"
            outbox.put(
                events.of_host(self._board, self.port, events.LOG_ANEW, time.time(), why), boot
            )
        outbox.begin(self._board, end, boot)
        if mark is None and status.get("alarm"):
            text = _standing(status)
            outbox.put(
                events.of_host(self._board, self.port, events.IN_ALARM, time.time(), text), boot
            )
        return end, boot

    def _fetch(self, link: Link, end: int, at: dict[Outbox, tuple[int, int]]) -> None:
        """Fetch records up to end, and put them into each outbox that is not past them.

        at: by outbox (seq, boot) of the next record, moved on.
        """
        until_s = time.monotonic() + STRETCH_S  # then its status is shown: a log may be long
        while not self._ended.is_set() and time.monotonic() < until_s:
            ready = [one for one in at if one.has_room() and at[one][0] < end]
            if not ready:
                return
            records, _ = fetch(link, min(at[one][0] for one in ready))
            if not records:
                return
            for record in records:
                for outbox in ready:
                    seq, boot = at[outbox]
                    if record.seq >= seq:
                        at[outbox] = record.seq + 1, self._tell(outbox, record, seq, boot)

    def _tell(self, outbox: Outbox, record: Record, seq: int, boot: int) -> int:
        """Put a record into an outbox that expects seq; return the start that it belongs to."""
        if record.seq > seq:
            outbox.put(events.of_lost(self._board, self.port, seq, record.seq), boot)
        if record.kind == wire.BOOT:
            self._count_time()
        found, boot = events.of_record(
            self._board, self.port, record, boot, self._times, self._channels
        )
        if found:
            outbox.put(found, boot)
        return boot


def _standing(status: dict[str, Any]) -> str:
    """Return a sentence about the alarm that a board is in. An older board does not say since
    when.
    """
    alarm_s = status.get("alarm_s")
    since = "" if alarm_s is None else f": it began {lasting(alarm_s)} ago"
    return f"the board is in alarm{since}"
