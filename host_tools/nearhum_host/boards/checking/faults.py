"""Faults of one file or configuration, told together: who mends one does not meet the next one only
then. Leaf.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ...errors import UsageError


class Faults:
    """Collects UsageErrors of one check. where: the file that is checked, "" for none."""

    def __init__(self, where: str = "") -> None:
        self._where = where
        self._found: dict[str, str] = {}  # message: hint

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, message: str, hint: str = "") -> None:
        """Note a fault. A repeated fault counts once."""
        self._found.setdefault(message, hint)

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Note an error that the block raises, and continue."""
        try:
            yield
        except UsageError as wrong:
            self.add(wrong.message, wrong.hint)

    def tell(self) -> None:
        """Raise one UsageError with all faults, if there are any."""
        if not self._found:
            return
        before = f"{self._where}: " if self._where else ""
        if len(self._found) == 1:
            ((message, hint),) = self._found.items()
            raise UsageError(before + message, hint=hint)
        lines = [
            f"- {message}{'; ' if hint else ''}{hint}" for message, hint in self._found.items()
        ]
        raise UsageError(
            "\n".join([f"{before}{len(lines)} faults", *lines]),
            hint="correct all of them, then repeat the command",
        )
