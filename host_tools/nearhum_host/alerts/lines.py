"""Lines: each event on stdout, as a sentence or as JSON, with its priority for journald.

Enters: events. Leaves: lines on stdout, and whether anyone reads them.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import IO

from ..serial_line.visible_text import visible
from .channel import Channel
from .event import Event, iso


def journal_reads(stream: IO[str]) -> bool:
    """Return True where a stream goes to journald itself.

    JOURNAL_STREAM alone says little: a terminal of a desktop that systemd started has it too.
    Source: systemd.exec(5).
    """
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Lines(Channel):
    """Prints one line for each event on stdout, until nobody reads it.

    Under systemd a line begins with its priority, see sd-daemon(3).

    closed: the reader of stdout has gone. came: the event `until` was printed.
    """

    name = "lines"
    tries = 1

    def __init__(self, as_json: bool, until: str | None = None) -> None:
        """until: name of an event, see `came`."""
        self.closed = self.came = False
        self._as_json = as_json
        self._until = until
        self._under_systemd = journal_reads(sys.stdout)

    @property
    def ended(self) -> bool:
        """Whether there is no reason to go on."""
        return self.closed or self.came

    def tell(self, event: Event) -> None:
        """Print the line."""
        if self._as_json:
            text = json.dumps(event.as_json(), default=str)
        else:
            time = "" if math.isnan(event.utc) else f"{iso(event.utc)} "
            text = visible(f"{time}{event.board}: {event.text}")
        try:
            print(f"<{event.severity()}>{text}" if self._under_systemd else text, flush=True)
        except BrokenPipeError:
            self.closed = True
        self.came = self.came or event.name == self._until
