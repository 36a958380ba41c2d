"""Scores as people read them: octaves, and not the Q8 numbers that boards count and log.

Enters: scores of a board, or its status. Leaves: octaves of squared distance, as float.
"""

from __future__ import annotations

from typing import Any

from nearhum import wire

NAMES = ("score", "threshold")  # The fields of a status or an event that hold a score.


def octaves(value: Any) -> float | None:
    """Return a Q8 score in octaves, rounded to 0.001. Returns None if there is no score."""
    if not isinstance(value, int) or value == wire.NO_SCORE:
        return None
    return round(value / wire.OCTAVE_Q8, 3)


def in_octaves(status: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a board's status with its scores in octaves."""
    return {key: octaves(value) if key in NAMES else value for key, value in status.items()}
