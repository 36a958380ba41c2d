"""Channel: the base of everything that `nearhum follow` reports to.

Enters: events and the status of boards. Leaves: nothing here. `outbox.py` calls a channel from one
thread, so an event is told before the next one arrives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .event import Event


class NotTold(Exception):
    """A channel did not take an event.

    why: the reason, for the user. again: whether another try may help.
    """

    def __init__(self, why: str, again: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.again = again


class Channel(ABC):
    """One way to report events.

    name: of the channel's bookmarks. tries: attempts for one event before it is given up; None for
    no limit.
    """

    name: str
    tries: int | None = None

    @abstractmethod
    def tell(self, event: Event) -> None:
        """Report one event. Return after it was taken. Raises NotTold."""

    def show(self, board: str, status: dict[str, Any]) -> None:  # noqa: B027
        """Show the status of a board, which arrives every second. Most channels do not."""

    def close(self) -> None:  # noqa: B027
        """Release what the channel holds. Most channels hold nothing."""
