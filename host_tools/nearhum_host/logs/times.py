"""Convert a board's milliseconds to UTC.

Enters: for each start of the board, the times that a host told it (`time` events, and the BOOT
records after them). Leaves: the UTC of any millisecond since that start.

A board has no clock. It counts milliseconds from its start, and records the time that a host tells
it. Records before the first time of a start are dated by that time, because there is no other.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import UTC, datetime
from typing import Any

TOLERANCE_S = 2.0  # If a board's time is off by more, it is told the time again.
_LAST = 32503680000  # The year 3000, in seconds since 1970: later times are damage.


class Times:
    """The times that a board was told, for each of its starts."""

    def __init__(self) -> None:
        self._told: dict[int, list[tuple[int, float]]] = {}

    def told(self, boot: int, ticks_ms: int, utc: Any) -> None:
        """Note a time that the board was told.

        ticks_ms: since the start. utc: seconds since 1970. Any other value is ignored.
        """
        if isinstance(utc, int | float) and 0 < utc < _LAST:
            # The board's own time is in whole seconds.
            self._told.setdefault(boot, []).append((ticks_ms, utc - ticks_ms // 1000))

    def utc(self, boot: int, ticks_ms: int) -> float:
        """Return seconds since 1970, by the last time told before, or else the first one after.

        Returns NaN if no time was told in this start.
        """
        told = self._told.get(boot)
        if not told:
            return math.nan
        at = bisect_right(told, ticks_ms, key=lambda one: one[0])
        return told[max(0, at - 1)][1] + ticks_ms / 1000


def lasting(seconds: float) -> str:
    """Return a duration in its two largest units: "45 s", "3 min 19 s", "2 h", "4 d 1 h"."""
    left = max(0, round(seconds))
    parts = []
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        n, left = divmod(left, unit_s)
        parts.append((n, unit))
    first = next((i for i, (n, _) in enumerate(parts) if n), len(parts) - 1)
    return " ".join(f"{n} {unit}" for n, unit in parts[first : first + 2] if n) or "0 s"


def shown(utc: float) -> str:
    """Return UTC as text, "" for NaN."""
    return (
        ""
        if math.isnan(utc)
        else datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    )
