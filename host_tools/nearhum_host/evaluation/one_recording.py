"""Evaluate one recording of the user, with the peers beside the firmware.

Enters: a .nhr file, whose cues say what to learn and to watch, and the settings of a board file.
    Leaves: a result like assessment.result. There are no true labels, so the figures are the number
    of alarms begun, and the share of time in alarm of the windows watched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nearhum.wire import WATCH

from ..errors import UsageError
from ..recordings.nhr import read_nhr
from . import assessment
from .benchmarks.base import Judgement, Run, Session, WindowsIn
from .benchmarks.runner import interpreter, run_one
from .peers.answers import peers_of
from .peers.detectors import Peer


class OneRecording:
    """A protocol of one session."""

    told = "what the cues of the recording say"

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.name = path.stem
        self._path = path
        self._settings = dict(settings)

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        recording = read_nhr(self._path)
        if "kind" not in self._settings:
            raise UsageError(
                "a recording does not say what kind of signal it is",
                "--set kind=telemetry, and whatever else the board's file has",
            )
        many = "n_subcarriers" if self._settings.get("n_subcarriers") else "n_channels"
        config = {"rate_hz": recording.rate_hz, many: recording.n_channels, **self._settings}
        return [Session(self.name, config, recording)]

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        ((session, run),) = runs
        files = []
        for segment, windows in zip(
            session.recording.segments, run.windows_of(session.recording), strict=True
        ):
            some = slice(windows.start, windows.stop)
            watched = run.states[some] == WATCH
            share = float(run.alarm[some][watched].mean()) if watched.any() else None
            files.append({"file": segment.cue or "–", "windows": len(windows), "in_alarm": share})
        alarm = run.alarm[run.states == WATCH]
        begins = int(np.count_nonzero(alarm & ~np.append(False, alarm[:-1])))
        share = float(alarm.mean()) if len(alarm) else None
        return Judgement({"alarms_begun": begins, "time_in_alarm": share}, {}, files)


def evaluate(
    path: Path,
    settings: Mapping[str, Any],
    numeric_path: str = "fixed",
    own: Mapping[str, Callable[[], Peer]] | None = None,
    peers: bool = True,
) -> dict[str, Any]:
    """Return the result of one recording, with the peers'. Raises HostError, UsageError."""
    protocol = OneRecording(path, settings)
    (session,) = protocol.sessions(path, lambda config, n: n)
    runs = [(session, run_one(session, numeric_path, interpreter()))]
    found = assessment.result(protocol, numeric_path, runs, protocol.judge(runs))
    found["peers"] = peers_of(protocol, runs, own, usual=peers) if peers or own else {}
    found["changed"] = dict(settings)
    return found
