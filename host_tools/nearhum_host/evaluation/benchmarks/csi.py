"""csi: the state of a Wi-Fi channel, received by an ESP32 in a quiet room and with somebody moving.

The first half of a quiet recording is learned. Its other half, and the movement recorded next, are
watched.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...recordings.datasets import radio
from ...recordings.nhr import CONTINUES, Recording
from . import base


class Csi:
    """One session for each pair of recordings. tpr (recall), far and auc are over windows.

    tpr_worst: of the worst pair.
    """

    name = "csi"
    told = "a learning period: half of a quiet recording, five seconds"

    def sessions(self, root: Path, windows_in: base.WindowsIn) -> list[base.Session]:
        out = []
        for pair in radio.csi(root):
            config = {
                "kind": "radio",
                "rate_hz": pair.rate_hz,
                "n_subcarriers": pair.quiet.shape[1],
            }
            half = len(pair.quiet) // 2
            recording = Recording(pair.rate_hz, pair.quiet.shape[1])
            recording.add(pair.quiet[:half], f"learn {windows_in(config, half)}")
            recording.add(pair.quiet[half:], CONTINUES + base.WATCH)
            recording.add(pair.movement)
            out.append(base.Session(pair.name, config, recording))
        return out

    def judge(self, runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
        pairs: list[tuple[str, base.Rows, base.Rows]] = []
        spans = {}
        for session, run in runs:
            _, quiet, movement = run.windows_of(session.recording)
            pairs.append((session.name, _rows(run, quiet, False), _rows(run, movement, True)))
            spans[session.name] = [
                *base.spans_of(quiet, base.LABEL_NORMAL),
                *base.spans_of(movement, base.LABEL_ANOMALY),
            ]
        trivial = {}
        for name, some in base.trivial_rows([rows for _, *both in pairs for rows in both]).items():
            answered = zip(pairs, some[::2], some[1::2], strict=True)
            trivial[name] = _figures(
                [(pair, quiet, movement) for (pair, _, _), quiet, movement in answered]
            )
        files = [
            {
                "file": name,
                "windows": len(quiet.alarm) + len(movement.alarm),
                **_figures([(name, quiet, movement)]),
            }
            for name, quiet, movement in pairs
        ]
        for row in files:
            del row["tpr_worst"]
        return base.Judgement(_figures(pairs), trivial, files, spans)


def _rows(run: base.Run, windows: range, anomalous: bool) -> base.Rows:
    some = slice(windows.start, windows.stop)
    return base.Rows(
        np.full(len(windows), anomalous), run.alarm[some], run.scores[some].astype(float)
    )


def _figures(pairs: Sequence[tuple[str, base.Rows, base.Rows]]) -> dict[str, float | None]:
    counts = base.confusion([rows for _, *both in pairs for rows in both])
    found = [base.confusion([movement]).tpr for _, _, movement in pairs]
    return {
        "tpr": counts.tpr,
        "far": counts.far,
        "f1": counts.f1,
        "auc": base.mean_auc([base.joined([quiet, movement]) for _, quiet, movement in pairs]),
        "tpr_worst": min((share for share in found if share is not None), default=None),
    }
