"""Timing of alarms: how soon after a fault, and how often without one.

Enters: sessions, their runs, and the protocol's spans. Leaves: figures in time. A share of windows
    says neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .benchmarks.base import LABEL_ANOMALY, LABEL_NORMAL, Run, Session, Span

DAY_S = 86400


def timing(
    runs: Sequence[tuple[Session, Run]], spans: Mapping[str, Sequence[Span]]
) -> dict[str, Any] | None:
    """Return how often and how soon alarms came, or None if no span is normal or an anomaly.

    false_alarms: alarms begun in normal spans. normal_s: total length of these spans.
    false_alarms_per_day: their rate. per_day_at_most: its upper 95 % bound as a Poisson process.
    anomalies: number of anomalous spans. detected: those of them with an alarm.
    delay_s: median time from the first window of a detected anomaly to its first alarm.
    """
    n_false = n_anomalies = 0
    normal_s = 0.0
    delays: list[float] = []
    for session, run in runs:
        window_s = run.hop / session.recording.rate_hz
        for span in spans.get(session.name, ()):
            alarm = run.alarm[span.first : span.last + 1]
            if span.label == LABEL_NORMAL:
                normal_s += len(alarm) * window_s
                before = bool(span.first and run.alarm[span.first - 1])
                n_false += int(
                    np.count_nonzero(
                        np.diff(np.concatenate([[before], alarm]).astype(np.int8)) == 1
                    )
                )
            elif span.label == LABEL_ANOMALY:
                n_anomalies += 1
                if alarm.any():
                    delays.append(float(np.argmax(alarm)) * window_s)
    if not normal_s and not n_anomalies:
        return None
    per_day = DAY_S / normal_s if normal_s else None
    return {
        "false_alarms": n_false,
        "normal_s": normal_s,
        "false_alarms_per_day": n_false * per_day if per_day else None,
        "per_day_at_most": poisson_upper(n_false) * per_day if per_day else None,
        "anomalies": n_anomalies,
        "detected": len(delays),
        "delay_s": float(np.median(delays)) if delays else None,
    }


def poisson_upper(count: int) -> float:
    """Return the upper 95 % bound of the mean of a Poisson process with count events: 3.0 for none.

    With this mean, count or fewer events occur with a probability of 1 in 20.
    """
    low, high = 0.0, 10.0 + 3 * count
    for _ in range(60):
        mean = (low + high) / 2
        terms = np.cumsum(np.log(np.concatenate([[1.0], mean / np.arange(1, count + 1)])))
        low, high = (mean, high) if np.exp(terms - mean).sum() > 0.05 else (low, mean)
    return low
