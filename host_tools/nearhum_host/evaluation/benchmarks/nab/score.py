"""The score of the Numenta Anomaly Benchmark (Lavin and Ahmad, ICMLA 2015; numenta/NAB).

Enters: the rows at which a detector reported a beginning, and the windows of the anomalies. Leaves:
    the raw score, and the normalised score, which NAB prints in percent. It is 0 for a detector
    that reports nothing, and 1 for one that reports each window at its first row and nothing else.
    A bad detector's score is negative.

The earliest detection in a window earns the weight of a hit times s(y) / s(-1), with s(y) = 2 / (1
+ exp(5 y)) - 1. y rises from -1 at the window's first row to nearly 0 at its last. A window without
a detection costs the weight of a miss. Each detection outside of windows costs the weight of a
false alarm times s(y). There y is the number of rows since the end of the last window, in widths of
that window. From three widths on, and before the first window, s(y) is -1. Rows of the probationary
period do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PROBATION, MOST_PROBATION = 0.15, 750  # Share of a series, and the largest number of rows.
FAR_BEHIND = 3.0  # Widths of a window.

Window = tuple[int, int]  # First and last row.


def scaled_sigmoid(y: float) -> float:
    """Return s(y)."""
    return -1.0 if y >= FAR_BEHIND else 2 / (1 + math.exp(5 * y)) - 1


def probation(n_rows: int) -> int:
    """Return how many rows of a series are not judged."""
    return min(math.floor(PROBATION * n_rows), MOST_PROBATION)


@dataclass(frozen=True)
class Score:
    """The score of one series, or of several together."""

    raw: float = 0.0
    n_windows: int = 0
    n_found: int = 0
    n_false: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.raw + other.raw,
            self.n_windows + other.n_windows,
            self.n_found + other.n_found,
            self.n_false + other.n_false,
        )

    def normalised(self, weights: Mapping[str, float]) -> float | None:
        """Return the score from 0 (nothing reported) to 1 (all reported at once), None without
        windows.
        """
        if not self.n_windows:
            return None
        nothing = -weights["fnWeight"] * self.n_windows
        perfect = weights["tpWeight"] * self.n_windows
        return (self.raw - nothing) / (perfect - nothing)


def score(
    begins: Iterable[int], windows: Sequence[Window], weights: Mapping[str, float], first: int
) -> Score:
    """Return the score of one series.

    begins: rows of detections. windows: in order, not overlapping. first: the first row judged.
    """
    judged = [window for window in windows if window[1] >= first]
    found: dict[Window, float] = {}
    false = 0.0
    n_false = 0
    for row in begins:
        if row < first:
            continue
        inside = next((w for w in judged if w[0] <= row <= w[1]), None)
        if inside:
            y = -(inside[1] - row + 1) / (inside[1] - inside[0] + 1)
            earned = weights["tpWeight"] * scaled_sigmoid(y) / scaled_sigmoid(-1.0)
            found[inside] = max(found.get(inside, -math.inf), earned)
        else:
            before = [w for w in windows if w[1] < row]
            y = FAR_BEHIND
            if before:
                start, end = before[-1]
                y = (row - end) / max(1, end - start)
            false += weights["fpWeight"] * scaled_sigmoid(y)
            n_false += 1
    missed = weights["fnWeight"] * (len(judged) - len(found))
    return Score(sum(found.values()) + false - missed, len(judged), len(found), n_false)
