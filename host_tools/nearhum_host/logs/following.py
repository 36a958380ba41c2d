"""Follow a board for the live view: a thread polls it and keeps the latest answers.

Enters: a port, and console lines to send. Leaves: a `Followed`, as new as the last answer.

The thread uses the ordinary console commands, so the detector keeps running. If the connection
breaks, the port is opened again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nearhum import wire
from nearhum.errors import NearhumError

from ..boards.checking import sensor_units
from ..errors import HostError
from ..report import profile
from ..report.wording import learning, strangest_named
from ..serial_line.link import Link
from . import seen
from .pulling import fetch
from .seen import Seen

PERIOD_S = 0.5  # Between two polls.
KEPT = 240  # Scores: those of the last 2 min at least.
EVENTS = 60  # Latest events that are kept.
_AGAIN_S = 2.0  # Before a lost port is opened again.
_TOLD = {
    "boot": "started",
    "alarm_end": "the alarm ended",
    "gap": "samples were lost",
    "end": "the source ended",
}


@dataclass
class Followed:
    """The latest answers of a board.

    scores: octaves, the newest last. times: of their arrival, by time.monotonic().
    strange: (channel and feature, percent) of the last window.
    events: (seq, text), the newest last. error: "" while the board answers. n_asked: polls so far.
    """

    port: str
    status: dict[str, Any] = field(default_factory=dict)
    scores: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    times: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    features: list[profile.Feature] = field(default_factory=list)
    strange: list[tuple[str, int]] = field(default_factory=list)
    events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=EVENTS))
    error: str = ""
    said: str = ""  # The answer to the last command.
    n_asked: int = 0


class Follower(threading.Thread):
    """Follows one board until `stop`. Other threads read `followed`, and send lines with `tell`.

    resume: whether a stopped application may be started again.
    """

    def __init__(self, port: str, resume: bool = False) -> None:
        super().__init__(name=f"follow {port}", daemon=True)
        self.followed = Followed(port)
        self._resume = resume
        self._lines: queue.Queue[str] = queue.Queue()
        self._ended = threading.Event()

    def tell(self, line: str) -> None:
        """Send a console line to the board before the next poll."""
        self._lines.put(line)

    def stop(self) -> None:
        """End the thread and release the port."""
        self._ended.set()
        self.join(timeout=10)

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                with Link(self.followed.port, lambda: self._resume) as link:
                    self._follow(link)
            except (HostError, NearhumError) as error:
                self.followed.error = error.message
            self._ended.wait(_AGAIN_S)

    def _follow(self, link: Link) -> None:
        names: list[str] | None = None
        floor, channels = 1.0, [""]
        seq = None
        while not self._ended.is_set():
            began = time.monotonic()
            self._carry_out(link)
            if names is None:
                settings = link.ask("get")["settings"]
                floor = float(settings["spread_floor"])
                channels = sensor_units.names(settings) or [""] * int(settings["n_channels"])
            now = seen.look_at(link, names)
            names = now.names
            seq = self._events(link, now.status, seq, channels)
            self._take(now, floor, channels)
            self._ended.wait(max(0.05, PERIOD_S - (time.monotonic() - began)))

    def _carry_out(self, link: Link) -> None:
        while not self._lines.empty():
            line = self._lines.get()
            try:
                link.ask(line)
                self.followed.said = f"done: {line}"
            except HostError as error:
                self.followed.said = f"{error.message}. {error.hint}"

    def _take(self, now: Seen, floor: float, channels: Sequence[str]) -> None:
        f = self.followed
        score = now.status.get("score")
        if isinstance(score, int) and now.status.get("n_windows") != f.status.get("n_windows"):
            f.times.append(time.monotonic())
            f.scores.append(score / wire.SCORE_ONE)
        f.features = profile.features(now, floor, channels)
        f.strange = strangest_named(now.look, channels)
        f.status, f.error = now.status, ""
        f.n_asked += 1

    def _events(
        self, link: Link, status: dict[str, Any], seq: int | None, channels: Sequence[str]
    ) -> int:
        if seq is None:
            seq = max(int(status.get("log_first", 0)), int(status["seq"]) - EVENTS)
        if seq >= int(status["seq"]):
            return seq
        records, _ = fetch(link, seq)
        for record in records:
            if record.kind == wire.EVENT:
                text = told(record.json(), channels)
                if text:
                    self.followed.events.append((record.seq, text))
        return records[-1].seq + 1 if records else seq


def told(what: dict[str, Any], channels: Sequence[str]) -> str:
    """Return an event as a line of text, or "" for one that is of no interest to the user.

    channels: the name of each, "" for one without.
    """
    name = str(what.get("event"))
    if name == "alarm":
        found = "; ".join(
            f"{words} ({percent} %)" for words, percent in strangest_named(what, channels)
        )
        return f"alarm: {found}" if found else "alarm"
    if name == "fault":
        return f"fault: {what.get('error')}"
    change = learning(name, what, None)
    if change:
        return change[0] + (f" ({change[1]})" if change[1] else "")
    return _TOLD.get(
        name, "" if name in ("state", "start", "source", "time", "cue") else name.replace("_", " ")
    )
