"""Amounts in sentences: counts with the right plural, and durations.

Enters: numbers. Leaves: text. Imports nothing, so that quick commands stay quick.
"""

from __future__ import annotations


def plural(n: int, one: str, many: str = "") -> str:
    """Return "1 alarm", "3 alarms", "no alarms"."""
    return f"{n or 'no'} {one if n == 1 else many or one + 's'}"


def lasting(seconds: float) -> str:
    """Return a duration in its two largest units: "45 s", "3 min 19 s", "2 h", "4 d 1 h"."""
    left = max(0, round(seconds))
    parts = []
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        n, left = divmod(left, unit_s)
        parts.append((n, unit))
    first = next((i for i, (n, _) in enumerate(parts) if n), len(parts) - 1)
    return " ".join(f"{n} {unit}" for n, unit in parts[first : first + 2] if n) or "0 s"
