"""Presence: at which port each board answers, and which boards are silent.

A board that is plugged in elsewhere gets another port, and so another asker: what was said of it
before must not be lost between the two.
"""

from __future__ import annotations

import threading
import time


class Presence:
    """What all askers know together. Threads may share it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._ports: dict[str, str] = {}
        self._heard_s: dict[str, float] = {}
        self._silent: set[str] = set()

    def claim(self, board: str, port: str) -> str:
        """Return the port at which a board answers: this one, unless another has it."""
        with self._guard:
            return self._ports.setdefault(board, port)

    def release(self, board: str, port: str) -> None:
        """Say that a board no longer answers at a port."""
        with self._guard:
            if self._ports.get(board) == port:
                del self._ports[board]

    def heard(self, board: str, port: str) -> bool:
        """Note an answer. Return True where the board, or its port, was told to be silent."""
        with self._guard:
            self._heard_s[board] = self._heard_s[port] = time.monotonic()
            was_silent = bool(self._silent & {board, port})
            self._silent -= {board, port}
            return was_silent

    def fell_silent(self, board: str, port: str, after_s: float) -> bool:
        """Return True, once, where a board that was at this port answers nowhere since after_s."""
        with self._guard:
            now = time.monotonic()
            if self._ports.get(board, port) != port or board in self._silent:
                return False
            if now - self._heard_s.setdefault(board, now) <= after_s:
                return False
            self._silent.add(board)
            return True
