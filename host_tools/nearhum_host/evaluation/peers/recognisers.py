"""Recognisers that a user could take instead: the nearest example, and shrunk discriminants (LDA).

Enters: a run whose session enrolled windows by its cues. Leaves: the run with the labels of a
    classifier on the same features. At each window it knows the windows that were enrolled before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..benchmarks.base import Run, Session

ENROL = "enrol"


def _nearest() -> Any:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), KNeighborsClassifier(1))


def _discriminants() -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


RECOGNISERS: Mapping[str, Callable[[], Any]] = {"1-NN": _nearest, "shrunk LDA": _discriminants}


def recognised(session: Session, run: Run, make: Callable[[], Any]) -> Run:
    """Return the run with the labels of a classifier in the board's place."""
    known: list[tuple[np.ndarray, str]] = []
    labels = run.labels.copy()
    fitted = None
    for segment, windows in zip(
        session.recording.segments, run.windows_of(session.recording), strict=True
    ):
        rows = run.features[windows.start : windows.stop].astype(float)
        verb, *words = segment.cue.lstrip("~").split()[:2] or [""]
        if verb == ENROL:
            known += [(row, words[0]) for row in rows]
            fitted = None
        elif len(rows) and known:
            if fitted is None:
                fitted = _fitted(make, np.array([r for r, _ in known]), [w for _, w in known])
            labels[windows.start : windows.stop] = fitted(rows)
    return replace(run, labels=labels)


def _fitted(
    make: Callable[[], Any], rows: np.ndarray, labels: list[str]
) -> Callable[[np.ndarray], np.ndarray]:
    # With one example for each class there is no spread within classes: take the nearest centre.
    n_classes = len(set(labels))
    if n_classes == 1:
        return lambda some: np.full(len(some), labels[0], object)
    return (make if n_classes < len(labels) else _nearest)().fit(rows, labels).predict
