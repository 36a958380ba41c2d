"""skab: the test bed of a water pump, 8 slow channels.

Rows 0-399 of each file are learned without labels. The rest is scored.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...recordings.datasets import machines
from ...recordings.nhr import CONTINUES, Recording
from .. import metrics
from . import base

N_LEARNED = 400  # Rows, as many as the benchmark's authors train with.


class Skab:
    """One session for each file. f1, far and mar are pooled over files with an anomaly.

    far_clean: of the files without one.
    """

    name = "skab"
    told = f"a learning period: the first {N_LEARNED} rows of each file, unlabelled"

    def sessions(self, root: Path, windows_in: base.WindowsIn) -> list[base.Session]:
        out = []
        for file in machines.skab(root):
            config = {
                "kind": "telemetry",
                "rate_hz": machines.PUMP_RATE_HZ,
                "n_channels": file.frames.shape[1],
            }
            recording = Recording(machines.PUMP_RATE_HZ, file.frames.shape[1])
            recording.add(file.frames[:N_LEARNED], f"learn {windows_in(config, N_LEARNED)}")
            recording.add(file.frames[N_LEARNED:], CONTINUES + base.WATCH)
            out.append(base.Session(file.name, config, recording, file.anomaly))
        return out

    def judge(self, runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
        labelled: list[base.Rows] = []
        clean: list[base.Rows] = []
        files = []
        spans = {}
        for session, run in runs:
            rows = _rows(session, run)
            is_clean = session.about is None
            (clean if is_clean else labelled).append(rows)
            counts = metrics.Confusion.of(rows.anomalous, rows.alarm)
            files.append(
                {
                    "file": session.name,
                    "rows": len(rows.alarm),
                    "f1": None if is_clean else counts.f1,
                    "far": counts.far,
                    "mar": counts.mar,
                    "auc": metrics.auc(rows.anomalous, rows.score),
                }
            )
            spans[session.name] = _spans(session, run)
        trivial = base.trivial_rows([*labelled, *clean])
        return base.Judgement(
            _figures(labelled, clean),
            {
                name: _figures(some[: len(labelled)], some[len(labelled) :])
                for name, some in trivial.items()
            },
            files,
            spans,
        )


def _figures(labelled: Sequence[base.Rows], clean: Sequence[base.Rows]) -> dict[str, float | None]:
    counts = base.confusion(labelled)
    return {
        "f1": counts.f1,
        "far": counts.far,
        "mar": counts.mar,
        "auc": base.mean_auc(labelled),
        "far_clean": base.confusion(clean).far,
    }


def _latest_window(session: base.Session, run: base.Run) -> np.ndarray:
    """Return for each row the last window complete at that row, -1 before the first."""
    n = session.recording.n_frames
    return np.maximum((np.arange(n) - run.window + run.hop) // run.hop, -1)


def _rows(session: base.Session, run: base.Run) -> base.Rows:
    """Return the rows after the learned ones, each with alarm and score of its last window."""
    window = _latest_window(session, run)[N_LEARNED:]
    anomaly = (
        session.about if session.about is not None else np.zeros(session.recording.n_frames, bool)
    )
    return base.Rows(
        anomaly[N_LEARNED:], run.alarm[window] & (window >= 0), run.scores[window].astype(float)
    )


def _spans(session: base.Session, run: base.Run) -> list[base.Span]:
    """Return the truth by window. A window has the label of its last row."""
    watched = run.windows_of(session.recording)[1]
    rows = [min(run.last_frame(w), session.recording.n_frames - 1) for w in watched]
    truth = session.about[rows] if session.about is not None else np.zeros(len(rows), bool)
    spans: list[base.Span] = []
    for window, anomalous in zip(watched, truth, strict=True):
        label = base.LABEL_ANOMALY if anomalous else base.LABEL_NORMAL
        if spans and spans[-1].label == label:
            spans[-1].last = window
        else:
            spans.append(base.Span(window, window, label))
    return spans
