"""Let other threads run functions in one thread that polls file descriptors.

Enters: functions without arguments, from any thread. Leaves: calls of them, one after the other, in
the thread that polls `fd`.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from concurrent.futures import Future

_ANSWER_S = 10.0  # A thread that takes longer hangs.


class Calls:
    """A queue of calls. fd: readable while a call waits."""

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
        """Run call in the other thread and wait for it. Raises what it raises."""
        done: Future[None] = Future()
        self._waiting.put((call, done))
        os.write(self._wake, b"!")
        done.result(timeout=_ANSWER_S)

    def obey(self) -> None:
        """Run the calls that wait. The polling thread calls this when fd is readable."""
        os.read(self.fd, 4096)
        while not self._waiting.empty():
            call, done = self._waiting.get()
            try:
                call()
            except Exception as error:  # Passed on to the thread that asked.
                done.set_exception(error)
            else:
                done.set_result(None)
