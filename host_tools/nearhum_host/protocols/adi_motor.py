"""adi_motor: accelerometer on a motor. Half of a healthy recording is learned, the rest told from 12 faults.

Every fault is judged by a board that learned the same healthy half and saw nothing else, so that no fault
profits from the alarm or the drift of the one before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import datasets, metrics
from ..recordings import CONTINUES, Recording
from .base import (
    LABEL_ANOMALY,
    LABEL_NORMAL,
    WATCH,
    Judgement,
    Rows,
    Run,
    Session,
    WindowsIn,
    confusion,
    joined,
    mean_auc,
    spans_of,
    trivial_rows,
)

HEALTHY = "healthy"


@dataclass(frozen=True)
class Asked:
    """What a session is for. condition: speed and load; what: is watched, healthy or a fault."""

    condition: str
    what: str


class AdiMotor:
    """One session a recording; tpr, far, auc over windows, a fault against its condition's healthy half."""

    name = "adi_motor"
    told = "a learning period: the first half of the healthy recording of that speed and load"

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        out = []
        for condition in datasets.adi_motor(root):
            half = len(condition.healthy) // 2
            n_channels = condition.healthy.shape[1]
            config = {"kind": "vibration", "rate_hz": datasets.MOTOR_RATE_HZ, "n_channels": n_channels}
            watched = {HEALTHY: condition.healthy[half:], **condition.faults}
            for what, frames in watched.items():
                recording = Recording(datasets.MOTOR_RATE_HZ, n_channels)
                recording.add(condition.healthy[:half], f"learn {windows_in(config, half)}")
                recording.add(frames, CONTINUES + WATCH if what == HEALTHY else WATCH)
                name = f"{condition.rpm}_{condition.load}_{what}"
                out.append(Session(name, config, recording, Asked(f"{condition.rpm}_{condition.load}", what)))
        return out

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        healthy: dict[str, Rows] = {}
        faults: list[tuple[str, str, Rows]] = []
        spans = {}
        for session, run in runs:
            condition, what = session.about.condition, session.about.what
            windows = run.windows_of(session.recording)[1]
            anomalous = np.full(len(windows), what != HEALTHY)
            watched = slice(windows.start, windows.stop)
            rows = Rows(anomalous, run.alarm[watched], run.scores[watched].astype(float))
            if what == HEALTHY:
                healthy[condition] = rows
            else:
                faults.append((condition, what, rows))
            spans[session.name] = spans_of(windows, LABEL_NORMAL if what == HEALTHY else LABEL_ANOMALY)
        flat = [*healthy.values(), *(rows for _, _, rows in faults)]
        trivial = {
            name: _figures(
                dict(zip(healthy, some, strict=False)),
                [(c, what, rows) for (c, what, _), rows in zip(faults, some[len(healthy) :], strict=True)],
            )
            for name, some in trivial_rows(flat).items()
        }
        return Judgement(_figures(healthy, faults), trivial, _table(healthy, faults), spans)


def _figures(healthy: dict[str, Rows], faults: list[tuple[str, str, Rows]]) -> dict[str, float | None]:
    return {
        "tpr": confusion([rows for _, _, rows in faults]).tpr,
        "far": confusion(list(healthy.values())).far,
        "auc": mean_auc([joined([healthy[c], rows]) for c, _, rows in faults if c in healthy]),
    }


def _table(healthy: dict[str, Rows], faults: list[tuple[str, str, Rows]]) -> list[dict[str, object]]:
    table: list[dict[str, object]] = [
        {"file": f"{c}_{HEALTHY}", "windows": len(rows.alarm), "far": confusion([rows]).far}
        for c, rows in healthy.items()
    ]
    for condition, what, rows in faults:
        both = joined([healthy[condition], rows]) if condition in healthy else rows
        table.append(
            {
                "file": f"{condition}_{what}",
                "windows": len(rows.alarm),
                "tpr": confusion([rows]).tpr,
                "auc": metrics.auc(both.anomalous, both.score),
            }
        )
    return table
