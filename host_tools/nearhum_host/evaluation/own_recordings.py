"""Evaluate the firmware on the user's own labelled recordings.

Enters: a folder of recordings whose label and group are in their names, or in a column. Leaves: a
    result like assessment.result, with the usual peers.

In each group, the first half of the normal recordings is learned. Its rest, and each other label,
is watched by a board of its own that learned the same half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..boards.checking import kinds
from ..errors import UsageError
from ..heads.labelled import PATTERN, Labelled, labelled, recordings_of
from ..recordings.fitting import Fit, fit
from ..recordings.nhr import Recording
from ..recordings.reader import files_of, read_all
from ..recordings.tables.meaning import Named
from .assessment import result, write_run
from .benchmarks.base import (
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
    judged,
    mean_auc,
    spans_of,
    trivial_rows,
)
from .benchmarks.runner import run_all
from .peers.answers import peers_of
from .peers.detectors import Peer
from .scoring import LEAST, NORMALS

SAID = 8  # Files for which it is printed how they were read.


class OwnRecordings:
    """The protocol of such recordings. tpr, far and auc compare a label with its group's normal."""

    name = "own recordings"
    told = "a learning period: the first half of what is normal, of each group"

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        raise NotImplementedError("evaluate() makes them: they want more than a folder")

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        return _judged(runs)


@dataclass(frozen=True)
class Asked:
    """The content of a session.

    group: of the recordings. label: what is watched. n_learned: segments before it.
    """

    group: str
    label: str
    n_learned: int
    normal: bool


def evaluate(
    folder: Path,
    names: str = PATTERN,
    columns: Named | None = None,
    normal: str | None = None,
    kind: str | None = None,
    rate_hz: float | None = None,
    scale: Sequence[float] | None = None,
    settings: Mapping[str, Any] | None = None,
    path: str = "fixed",
    out: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
    own: Mapping[str, Callable[[], Peer]] | None = None,
    peers: bool = True,
    on_said: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return the firmware's figures on a folder of labelled recordings, as plain JSON values.

    names, columns: where label and group stand, as for `train`.
    normal: the label that is normal. None chooses the one called normal, healthy, ok, 0 and so on.
    own: further detectors, by name. peers: whether the usual ones are evaluated too.
    on_said: called with each line about how the files were understood.
    Other arguments as of `score`. Raises UsageError if no label is normal, or if too little of it
    was recorded.
    """
    paths = files_of(folder)
    if not paths:
        raise UsageError(f"{folder} holds no recordings", hint="a folder a label, or --names")
    readings = read_all(
        paths, columns, rate_hz, lambda path: recordings_of(folder, names, path), in_order=False
    )
    for reading in readings[:SAID]:
        on_said(reading.taken)
    if len(readings) > SAID:
        on_said(f"and {len(readings) - SAID} more")
    fitted = fit(readings, kind, scale, dict(settings or {}))
    kinds.check(fitted.kind, fitted.rate_hz, fitted.settings, folder.name)
    for text in fitted.why:
        on_said(text)
    found, _ = labelled(folder, fitted.rate_hz, fitted.scale, names, columns)
    name = _normal_label({r.label for r in found}, normal)
    labels = Counter(r.label for r in found)
    told_labels = ", ".join(f"{label} {n}" for label, n in sorted(labels.items()))
    on_said(f"recordings by label: {told_labels}; normal: {name}")
    on_said(f"kind {fitted.kind}, {fitted.n_channels} x {fitted.rate_hz:g} Hz")
    sessions = _sessions(found, name, fitted)
    n_done = 0

    def done(_: Session) -> None:
        nonlocal n_done
        n_done += 1
        on_progress(n_done, len(sessions))

    runs = list(run_all(sessions, path, done))
    protocol = OwnRecordings()
    told = result(protocol, path, runs, judged(protocol, runs))
    beside = peers_of(protocol, runs, own, usual=peers) if peers or own else {}
    told |= {"peers": beside, "normal": name, "kind": fitted.kind, "rate_hz": fitted.rate_hz}
    told |= {"labels": dict(labels)}
    if out is not None:
        write_run(out, told, runs)
    return told


def _normal_label(labels: set[str], normal: str | None) -> str:
    shown = ", ".join(sorted(labels))[:200]
    if normal is not None:
        if normal not in labels:
            raise UsageError(
                f"no recording is labelled {normal!r}",
                hint="there are: " + shown,
            )
        return normal
    some = sorted(label for label in labels if label.strip().lower() in NORMALS)
    if len(some) != 1:
        raise UsageError(
            f"{len(some) or 'none'} of the labels {shown} say normal",
            hint="name the one that is with --normal; gestures and words are judged by `train`",
        )
    return some[0]


def _sessions(recordings: Sequence[Labelled], normal: str, fitted: Fit) -> list[Session]:
    out = []
    for group in sorted({r.group for r in recordings}):
        own = [r for r in recordings if r.group == group]
        learned, kept = _halves([r.frames for r in own if r.label == normal])
        n_learn = sum(fitted.windows_in(len(frames)) for frames in learned)
        if n_learn < LEAST:
            raise UsageError(
                f"half of what is {normal} of {group or 'all'} has {n_learn} windows, "
                f"{LEAST} are needed",
                hint="longer recordings, or leave {group} out of --names",
            )
        for label in sorted({r.label for r in own}):
            watched = kept if label == normal else [r.frames for r in own if r.label == label]
            if not watched:
                continue
            recording = Recording(fitted.rate_hz, fitted.n_channels)
            for i, frames in enumerate(learned):
                recording.add(frames, "" if i else f"learn {n_learn}")
            for i, frames in enumerate(watched):
                recording.add(frames, "" if i else WATCH)
            about = Asked(group, label, len(learned), label == normal)
            name = "_".join(part for part in (group, label) if part).replace("/", "_")
            out.append(Session(name, fitted.config, recording, about))
    return out


def _halves(frames: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Divide recordings into what is learned and what is kept.

    The first half of the samples is learned. Only the recording at the middle is cut.
    """
    half = sum(len(some) for some in frames) // 2
    learned, kept = [], []
    for some in frames:
        n = min(len(some), max(0, half))
        half -= len(some)
        learned += [some[:n]] if n else []
        kept += [some[n:]] if n < len(some) else []
    return learned, kept


def _asked(session: Session, run: Run) -> tuple[range, Rows]:
    windows = run.windows_of(session.recording)[session.about.n_learned :]
    some = range(windows[0].start, windows[-1].stop)
    strange = np.full(len(some), not session.about.normal)
    watched = slice(some.start, some.stop)
    return some, Rows(strange, run.alarm[watched], run.scores[watched].astype(float))


def _judged(runs: Sequence[tuple[Session, Run]]) -> Judgement:
    rows, spans = {}, {}
    for session, run in runs:
        windows, rows[session.name] = _asked(session, run)
        label = LABEL_NORMAL if session.about.normal else LABEL_ANOMALY
        spans[session.name] = spans_of(windows, label)
    about = {session.name: session.about for session, _ in runs}
    trivial = {
        name: _figures(dict(zip(rows, some, strict=True)), about)
        for name, some in trivial_rows(list(rows.values())).items()
    }
    files: list[dict[str, Any]] = []
    for name, some in rows.items():
        share = float(some.alarm.mean()) if len(some.alarm) else None
        figure = "far" if about[name].normal else "tpr"
        files.append({"file": name, "windows": len(some.alarm), figure: share})
    return Judgement(_figures(rows, about), trivial, files, spans)


def _figures(rows: Mapping[str, Rows], about: Mapping[str, Asked]) -> dict[str, float | None]:
    normal = [some for name, some in rows.items() if about[name].normal]
    strange = [some for name, some in rows.items() if not about[name].normal]
    pairs = [
        joined([own, some])
        for name, some in rows.items()
        if not about[name].normal
        for other, own in rows.items()
        if about[other].normal and about[other].group == about[name].group
    ]
    return {
        "tpr": confusion(strange).tpr if strange else None,
        "far": confusion(normal).far if normal else None,
        "auc": mean_auc(pairs) if pairs else None,
    }
