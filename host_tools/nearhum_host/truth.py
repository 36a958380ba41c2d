"""Truth: what traces say, compared with what is known to be true of their windows.

Enters: traces with a truth. Leaves: figures, a ROC curve or a table of answers, for the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import charts, metrics
from .traces import NORMAL, Trace


def judged(traces: Sequence[Trace]) -> dict[str, Any]:
    """Return ROC, figures and confusions of the watched windows whose truth is known, pooled over traces."""
    truth, answers, margins, alarms = [], [], [], []
    for t in traces:
        truth.append(t.truth[t.known])
        answers.append(t.labels[t.known])
        margins.append(t.margin[t.known])
        alarms.append(t.alarm[t.known])
    true, answer = np.concatenate(truth), np.concatenate(answers)
    empty: dict[str, Any] = {"roc": None, "auc": None, "figures": [], "confusion": None}
    if not len(true):
        return empty
    if set(true) & set(answer):
        return {**empty, "confusion": _confusion(true, answer)}
    margin, alarm = np.concatenate(margins), np.concatenate(alarms)
    anomalous = (true != NORMAL).astype(bool)
    scored = ~np.isnan(margin)
    counts = metrics.Confusion.of(anomalous, alarm)
    auc = metrics.auc(anomalous[scored], margin[scored])
    return {
        **empty,
        "roc": charts.roc_chart(anomalous[scored], margin[scored], alarm[scored]),
        "auc": auc,
        "figures": [
            ("F1", counts.f1),
            ("false alarms", counts.far),
            ("missed alarms", counts.mar),
            ("AUC", auc),
        ],
    }


def _confusion(true: np.ndarray, answer: np.ndarray) -> dict[str, Any]:
    """Return the table of true labels against answers: columns, and rows of (label, n, [(n, share)])."""
    columns = [*sorted(set(true)), *sorted(set(answer) - set(true) - {""}), ""]
    rows = []
    for label in sorted(set(true)):
        given = Counter(answer[true == label])
        n = sum(given.values())
        rows.append((label, n, [(given[c], given[c] / n) for c in columns]))
    return {
        "columns": [c or "unknown" for c in columns],
        "rows": rows,
        "accuracy": metrics.accuracy(true, answer),
    }


def margins(traces: Sequence[Trace]) -> list[tuple[str, np.ndarray]]:
    """Return the margins of the watched windows known as normal, and of those known as anomalous."""
    out: dict[str, list[np.ndarray]] = {"normal": [], "anomaly": []}
    for t in traces:
        out["normal"].append(t.margin[t.known & (t.truth == NORMAL)])
        out["anomaly"].append(t.margin[t.known & (t.truth != NORMAL)])
    return [(f"watching, {name}", np.concatenate(some)) for name, some in out.items()]
