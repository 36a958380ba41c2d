"""Run sessions through the firmware, and read its journals.

Enters: sessions. Leaves: runs. Each session is a board of its own: a folder as its file system, and
    a MicroPython process with the firmware's sources and the board's own loop. All figures are
    computed from what the firmware wrote into its journal, and from nothing else.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import nearhum
import numpy as np

from ...errors import HostError
from ...logs import decoding, log_file
from ...logs.traces import alarm_by_window
from ...recordings.nhr import write_nhr
from ...virtual.unix_port import interpreter
from .base import Run, Session
from .playing import play

HEAP = "8M"  # On 64 bits, objects have twice their size, and the sources are compiled here too.
TIMEOUT_S = 900
# Settings of what only a board has: pins, and a watchdog that resets it.
OF_BOARDS = {"alarm_pin": "", "watchdog_s": 0}
LOOP = Path(__file__).with_name("firmware_loop.py")


def windows_in(config: dict[str, Any], n_frames: int) -> int:
    """Return how many windows a board with this config makes of n_frames without a gap."""
    n_window, n_hop = _windowing(config["kind"], config.get("n_window"), config.get("n_hop"))
    return max(0, (n_frames - n_window) // n_hop + 1)


@cache
def _windowing(kind: str, n_window: int | None, n_hop: int | None) -> tuple[int, int]:
    """Return (n_window, n_hop) of a kind. None stands for the firmware's default."""
    ask = (
        f"import sys; sys.path.insert(0, {firmware()!r}); from nearhum import settings;"
        f" print(settings.defaults({kind!r}))"
    )
    done = subprocess.run(
        [interpreter(), "-c", ask], capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if done.returncode:
        raise HostError(f"the firmware has no defaults for {kind!r}: {done.stderr.strip()}")
    defaults = ast.literal_eval(done.stdout)
    return n_window or defaults["n_window"], n_hop or defaults["n_hop"]


def run_all(
    sessions: Sequence[Session],
    path: str = "fixed",
    done: Callable[[Session], None] = lambda session: None,
    batch: int = 1,
    n_workers: int | None = None,
) -> Iterator[tuple[Session, Run]]:
    """Yield each session with its run, in order.

    path: the numeric path, "fixed" or "float". done: called as each session ends.
    batch: sessions that one process runs. n_workers: processes, by default one for each processor.
    Raises HostError as run_one.
    """
    micropython = interpreter()
    parts = [sessions[i : i + batch] for i in range(0, len(sessions), batch)]

    def some(part: Sequence[Session]) -> list[Run]:
        runs = run_batch(part, path, micropython)
        for session in part:
            done(session)
        return runs

    with ThreadPoolExecutor(n_workers or os.cpu_count() or 1) as pool:
        try:
            for part, runs in zip(parts, pool.map(some, parts), strict=True):
                yield from zip(part, runs, strict=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def run_one(
    session: Session,
    path: str,
    micropython: str,
    on_progress: Callable[[int, int], None] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Run:
    """Run one session on a board of its own.

    on_progress: called with (bytes of the recording that were played, all of its bytes).
    Raises HostError if the firmware stops early, refuses a cue, reports a fault, or has another
    number of windows than the recording. Such a run says nothing about the firmware's answers.
    """
    return run_batch([session], path, micropython, on_progress, timeout_s)[0]


def run_batch(
    sessions: Sequence[Session],
    path: str,
    micropython: str,
    on_progress: Callable[[int, int], None] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> list[Run]:
    """Run sessions one after the other in one process, each on a board of its own.

    on_progress is called for the first of them. Raises HostError as run_one.
    """
    name = sessions[0].name
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        roots = [Path(folder) / str(i) for i in range(len(sessions))]
        for session, root in zip(sessions, roots, strict=True):
            _lay_out(session, path, root)
        command = [
            micropython,
            "-X",
            f"heapsize={HEAP}",
            str(LOOP),
            firmware(),
            *(f"{root.as_posix()}/" for root in roots),
        ]
        try:
            code, said, journals = play(command, roots, on_progress, timeout_s)
        except TimeoutError:
            raise HostError(f"{name}: the firmware did not end within {timeout_s:g} s") from None
        if code:
            last = said.strip().splitlines()[-3:]
            raise HostError(
                f"{name}: the firmware stopped with code {code}: {' | '.join(last)}",
                "a setting named there is wrong; anything else is a defect of the firmware",
            )
        micropython = said.strip().splitlines()[-1]
        return [
            _read_back(session, root, journal, micropython)
            for session, root, journal in zip(sessions, roots, journals, strict=True)
        ]


def _lay_out(session: Session, path: str, root: Path) -> None:
    root.mkdir()
    recording = root / "replay.nhr"
    write_nhr(session.recording, recording)
    source = {"driver": "replay", "path": recording.as_posix(), "speed": 0}
    if "names" in session.config.get("source", {}):  # Names of the channels, for the log.
        source["names"] = session.config["source"]["names"]
    config = {"board": "evaluation", "path": path, **session.config, **OF_BOARDS, "source": source}
    (root / "nearhum.json").write_text(json.dumps(config), encoding="utf-8")


def _read_back(session: Session, root: Path, journal: bytes, micropython: str) -> Run:
    run = read_run(journal, session.name)
    run.micropython = micropython
    run.status = json.loads((root / "status").read_text("utf-8"))
    expected = run.windows_of(session.recording)[-1].stop
    computed = np.frombuffer((root / "windows").read_bytes(), np.uint8)
    n_features, n_out = (int(n) for n in computed[:4].view("<u2"))
    rows = computed[4:].reshape(-1, 1 + n_features + n_out)
    if not expected == len(run.scores) == len(rows):
        raise HostError(
            f"{session.name}: the recording has {expected} windows, the journal {len(run.scores)}",
            "the firmware lost or repeated windows: this is a defect",
        )
    run.embedded = rows[:, 0] == 1
    run.features = rows[:, 1 : 1 + n_features].view(np.int8)
    run.embeddings = rows[:, 1 + n_features :].view(np.int8)
    return run


def firmware() -> str:
    """Return the folder that contains the firmware's package."""
    return Path(nearhum.__file__).resolve().parents[1].as_posix()


def read_run(journal: bytes, name: str) -> Run:
    """Return what a journal with one boot says, by window.

    Raises HostError for damage, gaps, faults or two boots.
    """
    log = log_file.parse(journal)
    if log.damages or log.gaps:
        raise HostError(
            f"{name}: the journal has {len(log.damages)} damages and {len(log.gaps)} gaps"
        )
    scores, events = decoding.decode(log.records)
    boots = [event.what for event in events if event.name == "boot"]
    faults = [event.what for event in events if event.name == "fault"]
    refused = [event.what for event in events if event.name == "cue" and event.what.get("error")]
    if refused:
        raise HostError(
            f"{name}: the board refused the cue {refused[0]['line']!r}: {refused[0]['error']}",
            "the protocol and the firmware are of different versions: install both from one"
            " release",
        )
    if faults:
        raise HostError(
            f"{name}: the firmware reported a fault: {faults[0].get('error')}",
            faults[0].get("hint", ""),
        )
    if len(boots) != 1 or not any(event.name == "end" for event in events):
        raise HostError(
            f"{name}: the journal has {len(boots)} boots, expected one that reads to the"
            " recording's end"
        )
    n = len(scores.windows)
    if list(scores.windows) != list(range(n)):
        raise HostError(f"{name}: the journal's windows do not count up from 0")
    boot = boots[0]
    states = np.array(scores.states, np.uint8)
    placed = [(int(event.what.get("window", 0)), event._replace(boot=0)) for event in events]
    return Run(
        scores=np.array(scores.scores, np.int16),
        thresholds=np.array(scores.thresholds, np.int16),
        states=states,
        labels=np.array([scores.names[i] for i in scores.labels], dtype=object),
        alarm=alarm_by_window(placed, states),
        events=events,
        boot=boot,
        window=boot["config"]["n_window"],
        hop=boot["config"]["n_hop"],
        micropython="",
        journal=journal,
    )
