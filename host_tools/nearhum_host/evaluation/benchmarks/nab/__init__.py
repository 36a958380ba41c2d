"""nab: series of one value: machines, servers, traffic, tweets, and artificial ones.

Each series is a session. The first 15 % are learned, at most 750 rows, which is NAB's probationary
period. The beginning of an alarm is a detection. The score is that of NAB's standard profile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....recordings.datasets import series
from ....recordings.nhr import CONTINUES, Recording
from ... import metrics
from ...peers.detectors import WindowedGaussian
from ..base import (
    LABEL_ANOMALY,
    LABEL_NORMAL,
    WATCH,
    Judgement,
    Rows,
    Run,
    Session,
    Span,
    WindowsIn,
    spans_of,
    trivial_rows,
)
from . import score

LEAST_RATE_HZ = 0.001  # The lowest rate of a recording. Hourly series are played at this rate.


@dataclass(frozen=True)
class Asked:
    """A session's content. anomalies: rows. first: first row judged. weights: of the profile."""

    anomalies: tuple[tuple[int, int], ...]
    first: int
    weights: dict[str, float]


class Nab:
    """One session for each series. nab_score and detected are pooled as NAB does."""

    name = "nab"
    told = "a learning period: the first 15 % of each series, 750 rows at most"
    peers = {"WindowedGaussian": WindowedGaussian}

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        weights = series.nab_profile(root)
        out = []
        for one in series.nab(root):
            rate_hz = max(one.rate_hz, LEAST_RATE_HZ)
            config = {"kind": "telemetry", "rate_hz": rate_hz, "n_channels": 1}
            first = score.probation(len(one.frames))
            recording = Recording(rate_hz, 1)
            recording.add(one.frames[:first], f"learn {windows_in(config, first)}")
            recording.add(one.frames[first:], CONTINUES + WATCH)
            out.append(Session(one.name, config, recording, Asked(one.anomalies, first, weights)))
        return out

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        rows = [_rows(session, run) for session, run in runs]
        asked = [session.about for session, _ in runs]
        spans = {session.name: _spans(session, run) for session, run in runs}
        return Judgement(
            _figures(asked, rows),
            {name: _figures(asked, some) for name, some in trivial_rows(rows).items()},
            [
                {
                    "file": session.name,
                    "rows": len(some.alarm),
                    "anomalies": (one := _score(session.about, some)).n_windows,
                    "found": one.n_found,
                    "false": one.n_false,
                    "nab_score": one.normalised(session.about.weights),
                    "in_alarm": float(some.alarm.mean()),
                    "auc": metrics.auc(some.anomalous, some.score),
                }
                for (session, _), some in zip(runs, rows, strict=True)
            ],
            spans,
        )


def _rows(session: Session, run: Run) -> Rows:
    """Return the rows that are judged, with alarm and score of the last complete window."""
    n, first = session.recording.n_frames, session.about.first
    windows = np.maximum((np.arange(n) - run.window + run.hop) // run.hop, 0)[first:]
    anomalous = np.zeros(n, bool)
    for start, end in session.about.anomalies:
        anomalous[start : end + 1] = True
    return Rows(anomalous[first:], run.alarm[windows], run.scores[windows].astype(float))


def _score(asked: Asked, rows: Rows) -> score.Score:
    begins = np.flatnonzero(rows.alarm & ~np.append(False, rows.alarm[:-1])) + asked.first
    return score.score(begins.tolist(), asked.anomalies, asked.weights, asked.first)


def _figures(asked: Sequence[Asked], rows: Sequence[Rows]) -> dict[str, float | None]:
    if not asked:
        return {"nab_score": None, "detected": None, "auc": None}
    total = sum((_score(*one) for one in zip(asked, rows, strict=True)), score.Score())
    return {
        "nab_score": total.normalised(asked[0].weights),
        "detected": total.n_found / total.n_windows if total.n_windows else None,
        "auc": metrics.mean([metrics.auc(some.anomalous, some.score) for some in rows]),
    }


def _spans(session: Session, run: Run) -> list[Span]:
    """Return the truth by window, for stretches between anomalies and within them.

    A window belongs to its last row.
    """
    watched = run.windows_of(session.recording)[1]
    out: list[Span] = []
    at = watched.start
    for start, end in session.about.anomalies:
        first = min(max(at, (start - run.window) // run.hop + 1), watched.stop)
        last = min(max(first, (end - run.window) // run.hop + 2), watched.stop)
        out += spans_of(range(at, first), LABEL_NORMAL)
        out += spans_of(range(first, last), LABEL_ANOMALY)
        at = last
    return out + spans_of(range(at, watched.stop), LABEL_NORMAL)
