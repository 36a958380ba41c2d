"""The firmware's raw scores under other constants: smoothing, thresholds and alarms by the oracle.

Enters: sessions of a protocol. `scored` runs them through the firmware once. Leaves: runs as the
firmware would have journalled them with other constants, from the same scores of every window. What
is exact: all kinds without drift, and with the shipped constants. Where drift is followed it stands
still at other windows when a threshold moves; that is left out, and was up to half a point on skab
and nab.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nearhum_host.evaluation.benchmarks import runner
from nearhum_host.evaluation.benchmarks.base import Run, Session
from nearhum_host.recordings.nhr import CONTINUES

from .learning import (
    MARGINS,
    NO_SCORE,
    Alarm,
    Margins,
    Smoothing,
    rarity,
    threshold,
)

# smoothed scores by rows, period, view and share: smoothing takes longest
_SMOOTHED: dict[tuple[int, int, int, int], np.ndarray] = {}
LOOP = Path(__file__).with_name("run_scores.py")
ROW = np.dtype([("first", "<i2"), ("other", "<i2"), ("learns", "?"), ("dirt", "?")])


@dataclass(frozen=True)
class Constants:
    """What may be changed after the features. settings: laid over those of a session, of smooth,
    alarm_m, alarm_n, release, fade. above: octaves, Q8, that every threshold is moved by.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    margins: Margins = MARGINS
    above: int = 0


@dataclass(frozen=True, eq=False)
class Scored:
    """A session, the run that the firmware made of it, and the scores of every window."""

    session: Session
    run: Run
    rows: np.ndarray


def scored(sessions: Sequence[Session], batch: int = 1) -> list[Scored]:
    """Run sessions through the firmware, one at a time, and keep the scores of every window."""
    read_back, loop, kept = runner._read_back, runner.LOOP, []

    def keeping(session: Session, root: Path, journal: bytes, micropython: str) -> Run:
        kept.append(np.frombuffer((root / "scores").read_bytes(), ROW))
        return read_back(session, root, journal, micropython)

    runner._read_back, runner.LOOP = keeping, LOOP
    try:
        runs = list(runner.run_all(sessions, batch=batch, n_workers=1))
    finally:
        runner._read_back, runner.LOOP = read_back, loop
    return [Scored(s, r, rows) for (s, r), rows in zip(runs, kept, strict=True)]


def rescored(one: Scored, constants: Constants) -> tuple[Session, Run]:
    """Return a session with the run that other constants would have made of it."""
    run, rows = copy(one.run), one.rows
    config = {**run.boot["config"], **constants.settings}
    n = len(rows)
    run.alarm = np.zeros(n, bool)
    run.scores = np.full(n, NO_SCORE, np.int16)
    run.thresholds = run.thresholds.copy()
    begins = np.flatnonzero(rows["learns"] & ~np.append(False, rows["learns"][:-1]))
    for begin, end in zip(begins, [*begins[1:], n], strict=True):
        _period(one, run, config, constants, int(begin), int(end))
    return one.session, run


def _period(
    one: Scored, run: Run, config: dict[str, Any], constants: Constants, begin: int, end: int
) -> None:
    rows = one.rows[begin:end]
    learns = rows["learns"]
    n_learned = int(np.argmin(learns)) if not learns.all() else len(rows)
    gaps = {
        windows.start - begin
        for segment, windows in zip(
            one.session.recording.segments, run.windows_of(one.session.recording), strict=True
        )
        if not segment.cue.startswith(CONTINUES)
    }
    fresh = {0} | gaps | {int(i) + 1 for i in np.flatnonzero(rows["dirt"][:n_learned])}
    slow = config["slow"]
    both = [rows["first"].astype(int)]
    if slow or config["aside"]:
        both.append(rows["other"].astype(int))
    smoothed, limits = [], []
    for which, (scores, averaged) in enumerate(zip(both, (0, slow), strict=False)):
        key = id(one.rows), begin, which, config["smooth"]
        if key not in _SMOOTHED:
            _SMOOTHED[key] = np.array(_smoothed(scores.tolist(), config["smooth"], fresh))
        smooth = _SMOOTHED[key]
        counted = (scores != NO_SCORE) & learns & ~rows["dirt"]
        rare = rarity(config, averaged)
        limit = threshold(smooth[counted].tolist(), *rare, margins=constants.margins)
        smoothed.append(smooth)
        limits.append(limit + constants.above)
    scores = smoothed[0].copy()
    watched = scores[n_learned:]
    for smooth, limit in zip(smoothed[1:], limits[1:], strict=True):
        other = smooth[n_learned:]
        shifted = np.where(other == NO_SCORE, NO_SCORE, other + limits[0] - limit)
        np.maximum(watched, shifted, out=watched)
    run.scores[begin:end] = np.clip(scores, NO_SCORE, -NO_SCORE - 1)
    run.thresholds[begin + n_learned : end] = limits[0]
    run.alarm[begin + n_learned : end] = _alarms(watched, limits[0], config)


def _alarms(scores: np.ndarray, limit: int, config: dict[str, Any]) -> np.ndarray:
    if not config["release"] and config["alarm_n"] == 1:
        return scores > limit
    alarm, out = Alarm(config), np.zeros(len(scores), bool)
    for i, score in enumerate(scores.tolist()):
        if score != NO_SCORE:
            alarm.take(score, limit)
        out[i] = alarm.on
    return out


def _smoothed(scores: list[int], share: int, fresh: set[int]) -> list[int]:
    out, smoothing, last = [], Smoothing(share), NO_SCORE
    for i, score in enumerate(scores):
        if i in fresh:
            smoothing, last = Smoothing(share), NO_SCORE
        if score != NO_SCORE:
            last = smoothing.take(score)
        out.append(last)
    return out
