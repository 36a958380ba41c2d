"""Lines: each event on stdout, as a sentence or as JSON; with priorities where journald reads."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from typing import IO, Any

from ..serial_line.visible_text import visible
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


class Lines:
    """Writes a line an event. Under systemd a line begins with its priority, see sd-daemon(3)."""

    name = "lines"
    tries: int | None = 1

    def __init__(self, as_json: bool, write: Callable[[str, Event], None]) -> None:
        self._as_json = as_json
        self._write = write
        self._under_systemd = journal_reads(sys.stdout)

    def tell(self, event: Event) -> None:
        """Write the line."""
        if self._as_json:
            text = json.dumps(event.as_json(), default=str)
        else:
            time = "" if math.isnan(event.utc) else f"{iso(event.utc)} "
            text = visible(f"{time}{event.board}: {event.text}")
        self._write(f"<{event.severity()}>{text}" if self._under_systemd else text, event)

    def show(self, board: str, status: dict[str, Any]) -> None:
        """A status is no line."""

    def close(self) -> None:
        """Nothing is held."""
