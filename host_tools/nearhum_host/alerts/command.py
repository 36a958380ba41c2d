"""Command: runs a program for each event, the event as JSON on its standard input."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys

from ..errors import UsageError
from .channel import Channel, NotTold
from .event import Event

LONGEST_S = 60.0  # then the program is ended: the next event waits for it


class Command(Channel):
    """Runs a command line, without a shell, and one event at a time."""

    name = "exec"
    tries = 5  # Within half a minute. A program that still fails will not recover by itself.

    def __init__(self, line: str) -> None:
        """Raises UsageError where line names no program."""
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"--exec {line!r}: {error}", "close the quotation mark") from None
        if not self._words or shutil.which(self._words[0]) is None:
            raise UsageError(
                f"--exec {line!r}: there is no such program",
                "give its whole path, and make it executable; for a pipe: --exec \"sh -c '…'\"",
            )

    def tell(self, event: Event) -> None:
        """Run the program; raises NotTold where it fails or takes too long."""
        try:
            done = subprocess.run(
                self._words,
                input=json.dumps(event.as_json(), default=str) + "\n",
                text=True,
                encoding="utf-8",
                stdout=sys.stderr,  # stdout has the events
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired:
            raise NotTold(f"{self._words[0]} was ended after {LONGEST_S:.0f} s") from None
        except OSError as error:
            raise NotTold(f"{self._words[0]} does not run: {error.strerror}") from None
        if done.returncode:
            raise NotTold(f"{self._words[0]} ended with {done.returncode}")
