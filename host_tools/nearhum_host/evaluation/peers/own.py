"""Load a detector that a user is writing, a Python file, and run it beside the board's own.

The file has one class with the contract of the firmware's learners (tests/contract.py of nearhum's
tree):

    class Mine:
        def __init__(self, n_dims): ...
        def learn_one(self, x): ...     # x: int8 (n_dims,), a window's features
        def score_one(self, x): ...     # a number, higher is stranger; changes nothing

    rows = True         # optional, on the class: x is a telemetry row, int16, and not its features
    def threshold(self): ...            # optional: called after the learning period

Without `threshold`, an alarm is a score above all scores of the learning period.
"""

from __future__ import annotations

import inspect
import runpy
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import HostError, UsageError


class Own:
    """A peer made of such a class."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self.rows = bool(getattr(kind, "rows", False))
        self.features = not self.rows
        self.threshold: float | None = None

    def fit(self, rows: np.ndarray) -> np.ndarray:
        try:
            self._detector: Any = self._kind(rows.shape[1])
            for row in self._whole(rows):
                self._detector.learn_one(row)
            scores = self.score(rows)
            if hasattr(self._detector, "threshold"):
                self.threshold = float(self._detector.threshold())
        except HostError:
            raise
        except Exception as wrong:  # Its author wants to see whatever it raises.
            raise _failed(self._kind, wrong) from wrong
        return scores

    def score(self, rows: np.ndarray) -> np.ndarray:
        try:
            return np.array([float(self._detector.score_one(row)) for row in self._whole(rows)])
        except Exception as wrong:
            raise _failed(self._kind, wrong) from wrong

    def _whole(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(np.int16 if self.rows else np.int8)


def load(path: Path) -> tuple[str, type]:
    """Return name and class of the detector in a file. Runs the file, which is the user's own.

    Raises UsageError if it does not have exactly one class with learn_one and score_one.
    """
    try:
        names = runpy.run_path(str(path))
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", "--detector names a file of Python"
        ) from None
    except Exception as wrong:
        raise UsageError(f"{path}: {type(wrong).__name__}: {wrong}", "run it by itself") from wrong
    found = [
        value
        for value in names.values()
        if inspect.isclass(value)
        and value.__module__ == "<run_path>"
        and callable(getattr(value, "learn_one", None))
        and callable(getattr(value, "score_one", None))
    ]
    if len(found) != 1:
        raise UsageError(
            f"{path} has {len(found)} classes with learn_one and score_one",
            "one of them is the detector: leave one in the file",
        )
    return found[0].__name__, found[0]


def _failed(kind: type, wrong: Exception) -> HostError:
    return HostError(
        f"{kind.__name__} failed: {type(wrong).__name__}: {wrong}",
        "it is made with n_dims, and given int8 arrays of that length",
    )
