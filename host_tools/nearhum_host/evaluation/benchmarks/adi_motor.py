"""adi_motor: an accelerometer on a motor.

Half of a healthy recording is learned. The rest of it and 12 faults are watched. Each fault is
watched by a board of its own that learned the same healthy half, so no fault profits from the alarm
or the drift of the one before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...recordings.datasets import machines
from ...recordings.nhr import CONTINUES, Recording
from .. import metrics
from . import base

HEALTHY = "healthy"


@dataclass(frozen=True)
class Asked:
    """The content of a session. condition: speed and load. what: the state watched, healthy or a
    fault.
    """

    condition: str
    what: str


class AdiMotor:
    """One session for each recording. tpr, far and auc are over windows.

    Each fault is compared with the healthy half of its condition. tpr_worst: of the worst fault.
    """

    name = "adi_motor"
    told = "a learning period: the first half of the healthy recording of that speed and load"

    def sessions(self, root: Path, windows_in: base.WindowsIn) -> list[base.Session]:
        out = []
        for condition in machines.adi_motor(root):
            half = len(condition.healthy) // 2
            n_channels = condition.healthy.shape[1]
            config = {
                "kind": "vibration",
                "rate_hz": machines.MOTOR_RATE_HZ,
                "n_channels": n_channels,
            }
            watched = {HEALTHY: condition.healthy[half:], **condition.faults}
            for what, frames in watched.items():
                recording = Recording(machines.MOTOR_RATE_HZ, n_channels)
                recording.add(condition.healthy[:half], f"learn {windows_in(config, half)}")
                recording.add(frames, CONTINUES + base.WATCH if what == HEALTHY else base.WATCH)
                name = f"{condition.rpm}_{condition.load}_{what}"
                out.append(
                    base.Session(
                        name, config, recording, Asked(f"{condition.rpm}_{condition.load}", what)
                    )
                )
        return out

    def judge(self, runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
        healthy: dict[str, base.Rows] = {}
        faults: list[tuple[str, str, base.Rows]] = []
        spans = {}
        for session, run in runs:
            condition, what = session.about.condition, session.about.what
            windows = run.windows_of(session.recording)[1]
            anomalous = np.full(len(windows), what != HEALTHY)
            watched = slice(windows.start, windows.stop)
            rows = base.Rows(anomalous, run.alarm[watched], run.scores[watched].astype(float))
            if what == HEALTHY:
                healthy[condition] = rows
            else:
                faults.append((condition, what, rows))
            spans[session.name] = base.spans_of(
                windows, base.LABEL_NORMAL if what == HEALTHY else base.LABEL_ANOMALY
            )
        flat = [*healthy.values(), *(rows for _, _, rows in faults)]
        trivial = {
            name: _figures(
                dict(zip(healthy, some, strict=False)),
                [
                    (c, what, rows)
                    for (c, what, _), rows in zip(faults, some[len(healthy) :], strict=True)
                ],
            )
            for name, some in base.trivial_rows(flat).items()
        }
        return base.Judgement(_figures(healthy, faults), trivial, _table(healthy, faults), spans)


def _figures(
    healthy: dict[str, base.Rows], faults: list[tuple[str, str, base.Rows]]
) -> dict[str, float | None]:
    found = [base.confusion([rows]).tpr for _, _, rows in faults]
    return {
        "tpr": base.confusion([rows for _, _, rows in faults]).tpr,
        "far": base.confusion(list(healthy.values())).far,
        "tpr_worst": min((share for share in found if share is not None), default=None),
        "auc": base.mean_auc(
            [base.joined([healthy[c], rows]) for c, _, rows in faults if c in healthy]
        ),
    }


def _table(
    healthy: dict[str, base.Rows], faults: list[tuple[str, str, base.Rows]]
) -> list[dict[str, object]]:
    table: list[dict[str, object]] = [
        {"file": f"{c}_{HEALTHY}", "windows": len(rows.alarm), "far": base.confusion([rows]).far}
        for c, rows in healthy.items()
    ]
    for condition, what, rows in faults:
        both = base.joined([healthy[condition], rows]) if condition in healthy else rows
        table.append(
            {
                "file": f"{condition}_{what}",
                "windows": len(rows.alarm),
                "tpr": base.confusion([rows]).tpr,
                "auc": metrics.auc(both.anomalous, both.score),
            }
        )
    return table
