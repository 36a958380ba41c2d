"""csi: the state of a Wi-Fi channel as an ESP32 receives it, in a quiet room and with somebody moving in it.

The first half of a quiet recording is learned; its other half and the movement recorded next are watched.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import datasets
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


class Csi:
    """One session a pair of recordings; tpr (recall), far, auc over windows; tpr_worst: of the worst pair."""

    name = "csi"
    told = "a learning period: half of a quiet recording, five seconds"

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        out = []
        for pair in datasets.csi(root):
            config = {"kind": "radio", "rate_hz": pair.rate_hz, "n_subcarriers": pair.quiet.shape[1]}
            half = len(pair.quiet) // 2
            recording = Recording(pair.rate_hz, pair.quiet.shape[1])
            recording.add(pair.quiet[:half], f"learn {windows_in(config, half)}")
            recording.add(pair.quiet[half:], CONTINUES + WATCH)
            recording.add(pair.movement)
            out.append(Session(pair.name, config, recording))
        return out

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        pairs: list[tuple[str, Rows, Rows]] = []
        spans = {}
        for session, run in runs:
            _, quiet, movement = run.windows_of(session.recording)
            pairs.append((session.name, _rows(run, quiet, False), _rows(run, movement, True)))
            spans[session.name] = [*spans_of(quiet, LABEL_NORMAL), *spans_of(movement, LABEL_ANOMALY)]
        trivial = {}
        for name, some in trivial_rows([rows for _, *both in pairs for rows in both]).items():
            answered = zip(pairs, some[::2], some[1::2], strict=True)
            trivial[name] = _figures([(pair, quiet, movement) for (pair, _, _), quiet, movement in answered])
        files = [
            {"file": name, "windows": len(quiet.alarm) + len(movement.alarm), **_figures([(name, quiet, movement)])}
            for name, quiet, movement in pairs
        ]
        for row in files:
            del row["tpr_worst"]
        return Judgement(_figures(pairs), trivial, files, spans)


def _rows(run: Run, windows: range, anomalous: bool) -> Rows:
    some = slice(windows.start, windows.stop)
    return Rows(np.full(len(windows), anomalous), run.alarm[some], run.scores[some].astype(float))


def _figures(pairs: Sequence[tuple[str, Rows, Rows]]) -> dict[str, float | None]:
    counts = confusion([rows for _, *both in pairs for rows in both])
    found = [confusion([movement]).tpr for _, _, movement in pairs]
    return {
        "tpr": counts.tpr,
        "far": counts.far,
        "f1": counts.f1,
        "auc": mean_auc([joined([quiet, movement]) for _, quiet, movement in pairs]),
        "tpr_worst": min((share for share in found if share is not None), default=None),
    }
