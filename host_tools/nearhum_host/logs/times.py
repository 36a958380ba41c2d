"""UTC of what a board logged: it counts milliseconds from its start, and notes the time that a
host tells it.

Enters: by start of the board, the times it was told (`time` events, and the BOOT record of every
segment since). Leaves: the UTC of any of its milliseconds. A time told later holds for what came
before it too: no other is known.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import UTC, datetime
from typing import Any

TOLERANCE_S = 2.0  # a board's clock that is further off is set anew
_LAST = 32503680000  # the year 3000: no host has told that


class Times:
    """The times told, by start of the board."""

    def __init__(self) -> None:
        self._told: dict[int, list[tuple[int, float]]] = {}

    def told(self, boot: int, ticks_ms: int, utc: Any) -> None:
        """Note that it was utc, seconds since 1970, at that millisecond of a start; anything
        else is no time.
        """
        if isinstance(utc, int | float) and 0 < utc < _LAST:
            # a board counts whole seconds
            self._told.setdefault(boot, []).append((ticks_ms, utc - ticks_ms // 1000))

    def utc(self, boot: int, ticks_ms: int) -> float:
        """Return seconds since 1970 by the last time told before, else the first one after; NaN
        where none was.
        """
        told = self._told.get(boot)
        if not told:
            return math.nan
        at = bisect_right(told, ticks_ms, key=lambda one: one[0])
        return told[max(0, at - 1)][1] + ticks_ms / 1000


def shown(utc: float) -> str:
    """Return a time as text, "" for NaN."""
    return (
        ""
        if math.isnan(utc)
        else datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    )
