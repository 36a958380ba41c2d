"""femto: bearings run to failure, in 60 snapshots each.

Rows 0-14 are learned, rows 15-29 are early life, rows 40-59 are its end. An alarm in rows 30-39,
mid-life, counts as an early warning and in no other figure, because nobody knows when the damage
began.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nearhum import wire

from ...recordings.datasets import machines
from ...recordings.nhr import Recording
from .. import metrics
from . import base

LEARNED, EARLY, MID_LIFE, END_OF_LIFE = range(15), range(15, 30), range(30, 40), range(40, 60)


class Femto:
    """One session for each bearing, one segment for each snapshot.

    A snapshot has the score and the alarm of its last window.
    """

    name = "femto"
    told = "a learning period: the first 15 snapshots of each bearing"

    def sessions(self, root: Path, windows_in: base.WindowsIn) -> list[base.Session]:
        out = []
        for bearing in machines.femto(root):
            _, n_frames, n_channels = bearing.rows.shape
            config = {
                "kind": "vibration",
                "rate_hz": machines.BEARING_RATE_HZ,
                "n_channels": n_channels,
            }
            learned = len(LEARNED) * windows_in(config, n_frames)
            cues = {LEARNED.start: f"learn {learned}", EARLY.start: base.WATCH}
            recording = Recording(machines.BEARING_RATE_HZ, n_channels)
            for index, frames in enumerate(bearing.rows):
                recording.add(frames, cues.get(index, ""))
            out.append(base.Session(bearing.name, config, recording))
        return out

    def judge(self, runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
        bearings: list[base.Rows] = []
        files = []
        spans = {}
        for session, run in runs:
            rows = _snapshots(session, run)
            bearings.append(rows)
            files.append({"file": session.name, **_figures([rows])})
            segments = run.windows_of(session.recording)
            spans[session.name] = [
                span
                for some, label in ((EARLY, base.LABEL_NORMAL), (END_OF_LIFE, base.LABEL_ANOMALY))
                for span in base.spans_of(
                    range(segments[some[0]].start, segments[some[-1]].stop), label
                )
            ]
        trivial = {name: _figures(some) for name, some in base.trivial_rows(bearings).items()}
        return base.Judgement(_figures(bearings), trivial, files, spans)


def _snapshots(session: base.Session, run: base.Run) -> base.Rows:
    """Return the snapshots after the learned ones. anomalous: the end of life."""
    alarm, score = [], []
    for windows in run.windows_of(session.recording)[EARLY.start :]:
        alarm.append(bool(run.alarm[windows[-1]]))
        scored = [run.scores[w] for w in windows if run.scores[w] != wire.NO_SCORE]
        score.append(float(scored[-1]) if scored else float(wire.NO_SCORE))
    anomalous = np.arange(len(score)) >= END_OF_LIFE.start - EARLY.start
    return base.Rows(anomalous, np.array(alarm), np.array(score))


def _part(rows: base.Rows, *which: range) -> base.Rows:
    chosen = np.concatenate([np.arange(r.start, r.stop) for r in which]) - EARLY.start
    return base.Rows(rows.anomalous[chosen], rows.alarm[chosen], rows.score[chosen])


def _figures(bearings: Sequence[base.Rows]) -> dict[str, float | None]:
    judged = [_part(rows, EARLY, END_OF_LIFE) for rows in bearings]
    counts = base.confusion(judged)
    warned = [float(_part(rows, MID_LIFE).alarm.mean()) for rows in bearings]
    return {
        "tpr": counts.tpr,
        "far": counts.far,
        "auc": base.mean_auc(judged),
        "early_warning": metrics.mean([*warned]),
    }
