"""What a protocol is made of: sessions go into the firmware, runs come out and are judged.

A session is one board's life: a configuration and one recording whose cues are the console lines
that a person would have typed. A protocol builds sessions from a set of recordings, and judges the
runs by what it knows about them; what the firmware is told stands in the cues and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...logs.decoding import Event
from ...recordings.nhr import CONTINUES, Recording
from .. import metrics

WATCH = "watch"
LABEL_NORMAL, LABEL_ANOMALY = "normal", "anomaly"
SEED = 20260101  # of everything drawn here: which windows are enrolled, and the random rows


@dataclass(frozen=True)
class Session:
    """What one board is given.

    name: unique in its protocol; config: nearhum.json; of its source no more counts than
    names of channels.

    about: what the protocol knows about the session's segments; the firmware never sees it.
    """

    name: str
    config: dict[str, Any]
    recording: Recording
    about: Any = None


@dataclass
class Span:
    """Windows first to last (included) of one true label, for the run folder and the report."""

    first: int
    last: int
    label: str


@dataclass
class Run:
    """What the firmware's journal says, by window: arrays of one length n.

    scores: int16, octaves of squared distance in Q8, NO_SCORE where there was none; thresholds:
    int16, the same unit; states: uint8 (wire.IDLE, LEARN, WATCH); labels: the name of the label, ""
    for unknown; alarm: bool, as the board announced it. window, hop: samples, of the configuration
    the firmware reported. features, embeddings: int8 (n, dimensions), as the firmware computed
    them; embedded: bool, false where a window only set the range of slow channels; status: what the
    console says at the end. Of a run over a serial line these four are empty.
    """

    scores: np.ndarray
    thresholds: np.ndarray
    states: np.ndarray
    labels: np.ndarray
    alarm: np.ndarray
    events: list[Event]
    boot: dict[str, Any]
    window: int
    hop: int
    micropython: str
    journal: bytes
    features: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    embeddings: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    embedded: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    status: dict[str, Any] = field(default_factory=dict)

    def windows_of(self, recording: Recording) -> list[range]:
        """Return for each segment the windows whose last sample lies in it.

        A segment starts a new window, unless its cue starts with "~": then the windows run on.
        """
        out, n_before, windows_before = [], 0, 0  # of the run of segments without a gap
        first = 0
        for segment in recording.segments:
            if not segment.cue.startswith(CONTINUES):
                first += windows_before
                n_before = windows_before = 0
            n_before += len(segment.frames)
            n_windows = max(0, (n_before - self.window) // self.hop + 1)
            out.append(range(first + windows_before, first + n_windows))
            windows_before = n_windows
        return out

    def last_frame(self, window_of_run: int) -> int:
        """Return the last frame of a window, both counted from the start of a run without a gap."""
        return self.window - 1 + window_of_run * self.hop


@dataclass
class Judgement:
    """A protocol's result: fractions from 0 to 1 (what ends in _per_hour: a count), None where
    there is none.

    figures: of the firmware; trivial: the same figures of answers that need no board; files: one
    row a file; spans: by session name, what is true of its windows.
    """

    figures: dict[str, float | None]
    trivial: dict[str, dict[str, float | None]]
    files: list[dict[str, Any]]
    spans: dict[str, list[Span]] = field(default_factory=dict)


# windows a config makes of so many frames without a gap
WindowsIn = Callable[[dict[str, Any], int], int]


class EvaluationProtocol(Protocol):
    """name: of the command line and the set's folder; told: what the board is told, for the
    table.

    A protocol of many short sessions has `batch`, the sessions that one process runs. One whose
    signals are made has no folder: it is called with its own name as the root.
    """

    name: str
    told: str

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        """Return the sessions of the recordings below root."""
        ...

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        """Return the figures of some or all of the sessions."""
        ...


@dataclass(frozen=True)
class Rows:
    """Rows of one file whose truth is known. anomalous, alarm: bool (n,); score: real (n,)."""

    anomalous: np.ndarray
    alarm: np.ndarray
    score: np.ndarray

    def answered(self, alarm: np.ndarray, score: np.ndarray) -> Rows:
        return Rows(self.anomalous, alarm, score)


def joined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, in order."""
    return Rows(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("anomalous", "alarm", "score")
        )
    )


def trivial_rows(files: Sequence[Rows]) -> dict[str, list[Rows]]:
    """Return what three answers that need no board would have said to the same files.

    Random alarms as often as there are anomalous rows in all files, and scores evenly between 0 and
    1.
    """
    anomalous = np.concatenate([rows.anomalous for rows in files])
    rate = float(anomalous.mean()) if len(anomalous) else 0.0
    draw = np.random.default_rng(SEED)
    out: dict[str, list[Rows]] = {"always_alarm": [], "never_alarm": [], "random": []}
    for rows in files:
        n = len(rows.anomalous)
        out["always_alarm"].append(rows.answered(np.ones(n, bool), np.ones(n)))
        out["never_alarm"].append(rows.answered(np.zeros(n, bool), np.zeros(n)))
        chance = draw.random(n)
        out["random"].append(rows.answered(chance >= 1 - rate, chance))
    return out


def confusion(files: Sequence[Rows]) -> metrics.Confusion:
    """Return the pooled counts of the files."""
    return sum(
        (metrics.Confusion.of(rows.anomalous, rows.alarm) for rows in files), metrics.Confusion()
    )


def mean_auc(files: Sequence[Rows]) -> float | None:
    """Return the mean over the files of the area under the ROC curve of their scores."""
    return metrics.mean([metrics.auc(rows.anomalous, rows.score) for rows in files])


def spans_of(windows: range, label: str) -> list[Span]:
    """Return the span of a stretch of windows, none where it is empty."""
    return [Span(windows[0], windows[-1], label)] if len(windows) else []


def judged(protocol: EvaluationProtocol, runs: Sequence[tuple[Session, Run]]) -> Judgement:
    """Return a protocol's judgement with the share of time in alarm beside its figures.

    time_in_alarm: of the windows that are known to be normal, those in alarm; not where none is.
    """
    found = protocol.judge(runs)
    n = n_alarm = 0
    for session, run in runs:
        for span in found.spans.get(session.name, ()):
            if span.label == LABEL_NORMAL:
                alarm = run.alarm[span.first : span.last + 1]
                n, n_alarm = n + len(alarm), n_alarm + int(np.count_nonzero(alarm))
    if n:
        found.figures.setdefault("time_in_alarm", n_alarm / n)
        for name, some in found.trivial.items():
            share = {"always_alarm": 1.0, "never_alarm": 0.0}.get(name, some.get("far"))
            some.setdefault("time_in_alarm", share)
    return found
