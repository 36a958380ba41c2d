"""What a protocol consists of: sessions that go into the firmware, and runs that come out of it.

A session is the life of one board: its settings, and one recording whose cues are the console lines
that a person would have typed. A protocol makes sessions from a set of recordings, and judges the
runs by what it knows about them. The firmware is told nothing but the cues.
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
SEED = 20260101  # Of all random choices: which windows are enrolled, and the random rows.


@dataclass(frozen=True)
class Session:
    """What one board is given.

    name: unique in its protocol. config: nearhum.json. Its source has no keys but names of
        channels.
    about: what the protocol knows about the session's segments. The firmware never sees it.
    """

    name: str
    config: dict[str, Any]
    recording: Recording
    about: Any = None


@dataclass
class Span:
    """The windows from first to last (included) with one true label."""

    first: int
    last: int
    label: str


@dataclass
class Run:
    """What the firmware's journal says, by window. Arrays have one length n.

    scores: int16, octaves of squared distance in Q8, NO_SCORE if there was none.
    thresholds: int16, the same unit. states: uint8 (wire.IDLE, LEARN, WATCH).
    labels: name of the label, "" for unknown. alarm: bool, as the board announced it.
    window, hop: samples, from the settings that the firmware reported.
    features, embeddings: int8 (n, dimensions), as the firmware computed them.
    embedded: bool, False if a window only set the range of slow channels.
    The last three are empty after a run over a serial line.
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

    def windows_of(self, recording: Recording) -> list[range]:
        """Return for each segment the windows whose last sample lies in it.

        A segment starts a new window. If its cue starts with "~", the windows run on from the last
        segment.
        """
        out, n_before, windows_before = [], 0, 0  # Of the stretch without a gap.
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
        """Return the last frame of a window. Both are counted from the start of a stretch without a
        gap.
        """
        return self.window - 1 + window_of_run * self.hop


@dataclass
class Judgement:
    """A protocol's result: fractions from 0 to 1, counts for names that end in _per_hour, None for
    none.

    figures: of the firmware. trivial: the same figures of answers that need no board.
    files: one row for each file. spans: the truth about the windows of each session, by its name.
    """

    figures: dict[str, float | None]
    trivial: dict[str, dict[str, float | None]]
    files: list[dict[str, Any]]
    spans: dict[str, list[Span]] = field(default_factory=dict)


# (settings, frames without a gap) -> number of windows.
WindowsIn = Callable[[dict[str, Any], int], int]


class EvaluationProtocol(Protocol):
    """The contract of a protocol.

    name: on the command line, and of the set's folder. told: what the board learns from, for the
        table.
    batch (optional): sessions that one process runs, for a protocol with many short ones.
    A protocol that makes its signals has no folder. It is called with its own name as the root.
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
    """Rows of one file whose truth is known. anomalous, alarm: bool (n,). score: real (n,)."""

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
    """Return what three answers that need no board would have said about the same files.

    Random alarms are as frequent as anomalous rows in all files. Random scores are uniform from 0
    to 1.
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
    """Return the mean over the files of the area under the ROC curve (AUC)."""
    return metrics.mean([metrics.auc(rows.anomalous, rows.score) for rows in files])


def spans_of(windows: range, label: str) -> list[Span]:
    """Return the span of a stretch of windows, or none if it is empty."""
    return [Span(windows[0], windows[-1], label)] if len(windows) else []


def judged(protocol: EvaluationProtocol, runs: Sequence[tuple[Session, Run]]) -> Judgement:
    """Return a protocol's judgement, with time_in_alarm added to its figures.

    time_in_alarm: of the windows known to be normal, the share in alarm. It is missing if there are
        none.
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
