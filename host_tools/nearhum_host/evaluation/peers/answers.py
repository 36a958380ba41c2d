"""Put peers in the board's place: the same windows, the same learning periods, the same judge.

Enters: a protocol and its runs. Leaves: for each peer the protocol's figures. A peer sees the
    features that the firmware computed for a window. For telemetry it sees the last row of the
    window, and all rows of the learning period. It alarms above a threshold: the largest score of
    the learning period. If that period is longer than the promised interval between alarms, the
    quantile of the promise is evaluated too. The scores are not smoothed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from nearhum.wire import LEARN, NO_SCORE

from ...recordings.nhr import CONTINUES, Recording
from ..benchmarks.base import EvaluationProtocol, Run, Session, judged
from .detectors import DETECTORS, Peer
from .recognisers import ENROL, RECOGNISERS, recognised

DAY_S = 86400
TELEMETRY = "telemetry"
QUANTILE = " at the promised quantile"

Runs = Sequence[tuple[Session, Run]]
Figures = dict[str, float | None]


def peers_of(
    protocol: EvaluationProtocol,
    runs: Runs,
    own: Mapping[str, Callable[[], Peer]] | None = None,
    usual: bool = True,
) -> dict[str, Figures]:
    """Return {name: figures} of the peers of a protocol, {} if it has none.

    own: further detectors, by name. usual: whether the usual ones answer too. A protocol may have
        `peers`, further detectors of its own. Detectors answer only if every session has a learning
        period. That of wakeword does not: it enrols words, and only some of its boards learn from
        other speech.
    """
    if not all((run.states == LEARN).any() for _, run in runs):
        if not usual or not _enrols_windows(runs):
            return {}
        return {
            name: _figures(protocol, [(s, recognised(s, run, make)) for s, run in runs])
            for name, make in RECOGNISERS.items()
        }
    out: dict[str, Figures] = {}
    makers = {**DETECTORS, **getattr(protocol, "peers", {})} if usual else {}
    makers |= own or {}
    for name, make in makers.items():
        answers = Answers(make)
        found = [(session, *answers.of(session, run)) for session, run in runs]
        out[name] = _figures(protocol, [(session, run) for session, run, _ in found])
        if any(other is not None for *_, other in found):
            out[name + QUANTILE] = _figures(
                protocol, [(s, other or run) for s, run, other in found]
            )
    return out


def _figures(protocol: EvaluationProtocol, runs: Runs) -> Figures:
    return judged(protocol, runs).figures


def _enrols_windows(runs: Runs) -> bool:
    """Return whether windows are enrolled, rather than words of any length."""
    return all(
        run.boot["config"].get("recognise") == "windows"
        and any(s.cue.startswith(ENROL) for s in session.recording.segments)
        for session, run in runs
    )


class Answers:
    """The answers of one peer to sessions. Those that learned the same rows share one fit."""

    def __init__(self, make: Callable[[], Peer]) -> None:
        self._make = make
        self._fitted: dict[bytes, tuple[Peer, np.ndarray]] = {}

    def of(self, session: Session, run: Run) -> tuple[Run, Run | None]:
        """Return the run with a peer's scores and alarms, and the run with alarms at the promised
        quantile.

        The second is None if the learning period is too short to have that quantile.
        """
        scores = np.full(len(run.scores), float(NO_SCORE))
        alarm = np.zeros(len(scores), bool)
        other: np.ndarray | None = None
        rare = _promised(run)
        for learned, windows, rows in _periods(session, run, self._make()):
            peer, own = self._fit(learned)
            scores[windows] = peer.score(rows)
            threshold = getattr(peer, "threshold", None)
            limit = float(own.max()) if threshold is None else threshold
            alarm[windows] = scores[windows] > limit
            if threshold is None and rare * len(own) >= 1:
                other = alarm.copy() if other is None else other
                other[windows] = scores[windows] > np.quantile(own, 1 - rare)
            elif other is not None:
                other[windows] = alarm[windows]
        answered = replace(run, scores=scores, alarm=alarm)
        return answered, None if other is None else replace(run, scores=scores, alarm=other)

    def _fit(self, learned: np.ndarray) -> tuple[Peer, np.ndarray]:
        key = learned.tobytes()
        peer = self._make()
        if getattr(peer, "WINDOW", None) is not None:  # It goes on learning while it watches.
            return peer, peer.fit(learned)
        if key not in self._fitted:
            self._fitted[key] = peer, peer.fit(learned)
        return self._fitted[key]


def _promised(run: Run) -> float:
    """Return the share of windows that may alarm by the board's promise."""
    config = run.boot["config"]
    return config["alarms_per_day"] * config["n_hop"] / config["rate_hz"] / DAY_S


def _periods(
    session: Session, run: Run, peer: Peer
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (rows learned, windows asked, their rows) of each learning period.

    The windows asked are those until the next learning period.
    """
    learning = run.states == LEARN
    begins = np.flatnonzero(learning & ~np.append(False, learning[:-1]))
    telemetry = run.boot["config"]["kind"] == TELEMETRY and not getattr(peer, "features", False)
    seen = np.ones(len(learning), bool) if telemetry or not len(run.embedded) else run.embedded
    if telemetry:
        rows, before = _last_rows(run, session.recording)
    else:
        rows, before = run.features.astype(float), None
    for begin, end in pairwise([*begins, len(learning)]):
        some = np.arange(begin, end)
        learned = rows[some[learning[some] & seen[some]]]
        if before is not None:
            learned = np.concatenate([before[int(begin)], learned])
        asked = some[~learning[some] & seen[some]]
        if len(learned) and len(asked):
            yield learned, asked, rows[asked]


def _last_rows(run: Run, recording: Recording) -> tuple[np.ndarray, dict[int, Any]]:
    """Return the last row of each window, float (n, channels), and the earlier rows of first
    windows.

    The second is {first window of a stretch without a gap: the rows of that window before its
    last}.
    """
    stretches: list[list[np.ndarray]] = []
    for segment in recording.segments:
        if not segment.cue.startswith(CONTINUES) or not stretches:
            stretches.append([])
        stretches[-1].append(segment.frames)
    rows: list[np.ndarray] = []
    before: dict[int, Any] = {}
    for stretch in stretches:
        frames = np.concatenate(stretch).astype(float)
        n = max(0, (len(frames) - run.window) // run.hop + 1)
        for i in range(n):
            first = i * run.hop
            before[len(rows) + i] = frames[first : first + run.window - 1]
        rows += list(frames[run.window - 1 :: run.hop][:n])
    return np.array(rows), before
