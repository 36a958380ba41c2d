"""Bookmarks: up to which record of each board's log each channel has told everything.

Enters: an event that a channel has taken. Leaves: a JSON file, replaced whole. One program has it
at a time, or two would tell the same event.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import IO, Any

from .. import kept_files
from ..errors import HostError

FORMAT = 1


def usual() -> Path:
    """Return where bookmarks lie unless another file is named."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "nearhum" / "follow.json"


class Bookmarks:
    """The bookmarks of a file; made where there is none. Threads may share it."""

    def __init__(self, file: Path | None) -> None:
        """file: None keeps them in memory, so that a restart begins anew.

        Raises HostError where the file is damaged, cannot be written, or another has it.
        """
        self._file = file
        self._guard = threading.Lock()
        self._boards: dict[str, dict[str, list[int]]] = {}
        self._lock: IO[str] | None = None
        if file is None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = file.with_name(file.name + ".lock").open("a", encoding="utf-8")
        except OSError as error:
            raise HostError(
                f"cannot write {file}: {error.strerror}", "name another file with --state"
            ) from None
        try:
            kept_files.lock(
                self._lock,
                "another `nearhum follow` is running with the same bookmarks",
                "stop it, or name another file with --state",
            )
            self._boards = _read(file)
        except HostError:
            self._lock.close()
            raise

    def at(self, board: str, channel: str) -> tuple[int, int] | None:
        """Return (seq, boot): the next record to tell, and the start it belongs to; None where
        the channel has told nothing of this board yet.
        """
        with self._guard:
            found = self._boards.get(board, {}).get(channel)
        return (found[0], found[1]) if found else None

    def set(self, board: str, channel: str, seq: int, boot: int) -> None:
        """Move a bookmark; on disk when this returns. Raises HostError."""
        with self._guard:
            self._boards.setdefault(board, {})[channel] = [seq, boot]
            self._save()

    def close(self) -> None:
        """Let another program have the file."""
        if self._lock:
            self._lock.close()

    def _save(self) -> None:
        if self._file is None:
            return
        kept = json.dumps({"format": FORMAT, "boards": self._boards})
        kept_files.replace(self._file, kept.encode(), "make room, then start it again")


def _read(file: Path) -> dict[str, dict[str, list[int]]]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        found = kept["format"]
        boards: dict[str, Any] = kept["boards"]
        sound = all(
            isinstance(mark, list) and len(mark) == 2 and all(isinstance(n, int) for n in mark)
            for channels in boards.values()
            for mark in channels.values()
        )
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found, boards, sound = FORMAT, {}, False
    if found != FORMAT:
        raise HostError(f"{file} has format {found}, this nearhum reads {FORMAT}", "update nearhum")
    if not sound:
        raise HostError(
            f"{file} is damaged", "remove it: events are told from now on, earlier ones are not"
        )
    return boards
