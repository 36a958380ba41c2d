"""What other threads ask of one thread that polls file descriptors.

Enters: functions without arguments, from any thread. Leaves: their being called in the thread that
polls `fd`, one after the other.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from concurrent.futures import Future

_ANSWER_S = 10.0  # longer, and the thread hangs


class Calls:
    """A queue of calls. fd: readable while one waits."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = (
            queue.SimpleQueue()
        )
        self.fd, self._wake = os.pipe()

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self.fd)
        os.close(self._wake)

    def ask(self, call: Callable[[], None]) -> None:
        """Have call done in the other thread; return, or raise what it raised."""
        done: Future[None] = Future()
        self._waiting.put((call, done))
        os.write(self._wake, b"!")
        done.result(timeout=_ANSWER_S)

    def obey(self) -> None:
        """Do what waits; for the thread that polls."""
        os.read(self.fd, 4096)
        while not self._waiting.empty():
            call, done = self._waiting.get()
            try:
                call()
            except Exception as error:  # handed to the caller, whose call it was
                done.set_exception(error)
            else:
                done.set_result(None)
