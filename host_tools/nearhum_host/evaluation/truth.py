"""Compare traces with the truth.

Enters: traces with true labels. Leaves: figures, a ROC curve and a table of answers, for the
    report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..logs.traces import NORMAL, Trace
from . import curves, metrics


def judged(traces: Sequence[Trace]) -> dict[str, Any]:
    """Return ROC, figures and confusion of the windows whose truth is known, pooled over traces.

    The detector is judged if both normal and other windows were watched, the recogniser if labels
    of the truth were enrolled. What is not judged is None or empty.
    """
    truth, answers, margins, alarms = [], [], [], []
    for t in traces:
        truth.append(t.truth[t.known])
        answers.append(t.labels[t.known])
        margins.append(t.margin[t.known])
        alarms.append(t.alarm[t.known])
    true, answer = np.concatenate(truth), np.concatenate(answers)
    empty: dict[str, Any] = {
        "roc": None,
        "det": None,
        "auc": None,
        "figures": [],
        "confusion": None,
    }
    if not len(true):
        return empty
    enrolled = set(true) & {
        str(e.what.get("label")) for t in traces for _, e in t.events if e.name == "enrolled"
    }
    if enrolled:
        empty["confusion"] = _confusion(true, answer, enrolled)
    margin, alarm = np.concatenate(margins), np.concatenate(alarms)
    anomalous = (true != NORMAL).astype(bool)
    scored = ~np.isnan(margin)
    if len(set(anomalous[scored])) < 2:
        return empty
    counts = metrics.Confusion.of(anomalous, alarm)
    auc = metrics.auc(anomalous[scored], margin[scored])
    return {
        **empty,
        "roc": curves.roc_chart(anomalous[scored], margin[scored], alarm[scored]),
        "det": curves.det_chart(anomalous[scored], margin[scored], alarm[scored]),
        "auc": auc,
        "figures": [
            ("F1", counts.f1),
            ("false alarms", counts.far),
            ("missed alarms", counts.mar),
            ("AUC", auc),
        ],
    }


def _confusion(true: np.ndarray, answer: np.ndarray, enrolled: set[str]) -> dict[str, Any]:
    """Return the table of true labels and answers: columns, and rows (label, n, [(n, share,
    right)]).

    For a label that was never enrolled, the right answer is "unknown".
    """
    right = np.where(np.isin(true, list(enrolled)), true, "")
    columns = [*sorted({*answer, *enrolled} - {""}), ""]
    rows = []
    for label in sorted(set(true), key=lambda label: (label not in enrolled, label)):
        given = Counter(answer[true == label])
        n = sum(given.values())
        expected = label if label in enrolled else ""
        rows.append((label, n, [(given[c], given[c] / n, c == expected) for c in columns]))
    return {
        "columns": [c or "unknown" for c in columns],
        "rows": rows,
        "accuracy": metrics.accuracy(right, answer),
    }


def margins(traces: Sequence[Trace]) -> list[tuple[str, np.ndarray]]:
    """Return (name, margins of the watched windows) for normal and for anomalous ones."""
    out: dict[str, list[np.ndarray]] = {"normal": [], "anomaly": []}
    for t in traces:
        out["normal"].append(t.margin[t.known & (t.truth == NORMAL)])
        out["anomaly"].append(t.margin[t.known & (t.truth != NORMAL)])
    return [(f"watching, {name}", np.concatenate(some)) for name, some in out.items()]
