"""Evaluation: a protocol's sessions through the firmware, judged, with all it takes to believe it.

Enters: a protocol's name and the folder of recordings. Leaves: a result, plain JSON, and where a run folder
is asked for, that result as run.json beside the journals it was computed from.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nearhum

from . import datasets
from .errors import HostError, UsageError
from .logs import SUFFIX
from .protocols import PROTOCOLS
from .protocols.base import Judgement, Run, Session
from .protocols.runner import run_all, windows_in

RUN_FILE = "run.json"
LOGS_FOLDER = "sessions"

Progress = Callable[[int, int], None]  # sessions done, of how many


def evaluate(
    name: str,
    data: Path | None = None,
    path: str = "fixed",
    out: Path | None = None,
    progress: Progress = lambda done, total: None,
    choose: Callable[[Session], bool] = lambda session: True,
) -> dict[str, Any]:
    """Return the result of the protocol called name: see result().

    data: the folder of recordings, or NEARHUM_DATA. path: "fixed" or "float". out: a run folder to write;
    it must not hold another run. choose: which sessions, all of them for a figure that counts. Raises
    UsageError on an unknown name or path, HostError where recordings, interpreter or firmware fail.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}", hint="there are: " + ", ".join(PROTOCOLS))
    if path not in ("fixed", "float"):
        raise UsageError(f"no numeric path {path!r}", hint="fixed or float")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists already and is not empty", hint="name a new folder with --out")
    protocol = PROTOCOLS[name]
    sessions = [s for s in protocol.sessions(datasets.folder(data, name), windows_in) if choose(s)]
    n_done = 0

    def done(_: Session) -> None:
        nonlocal n_done
        n_done += 1
        progress(n_done, len(sessions))

    progress(0, len(sessions))
    runs = list(run_all(sessions, path, done))
    found = result(name, path, runs, protocol.judge(runs))
    if out is not None:
        write_run(out, found, runs)
    return found


def result(name: str, path: str, runs: list[tuple[Session, Run]], judgement: Judgement) -> dict[str, Any]:
    """Return what was found as plain JSON values.

    figures: fractions from 0 to 1, None where there is none; trivial: the same of answers that need no board;
    files: one object a file; settings: as the firmware reported them; sessions: name, log and true spans
    [first window, last window, label] of each.
    """
    settings = {key: value for key, value in runs[0][1].boot["config"].items() if key != "source"}
    return {
        "protocol": name,
        "told": PROTOCOLS[name].told,
        "path": path,
        "figures": judgement.figures,
        "trivial": judgement.trivial,
        "settings": settings,
        "versions": {
            "nearhum": nearhum.__version__,
            "interpreter": runs[0][1].micropython,
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "scikit-learn": version("scikit-learn"),
            "machine": f"{platform.system()} {platform.machine()}",
        },
        "files": judgement.files,
        "sessions": [
            {
                "name": session.name,
                "log": log_name(session.name),
                "spans": [[s.first, s.last, s.label] for s in judgement.spans.get(session.name, [])],
            }
            for session, _ in runs
        ],
    }


def log_name(session: str) -> str:
    """Return where in a run folder a session's log lies."""
    return f"{LOGS_FOLDER}/{session.replace('/', '_')}{SUFFIX}"


def write_run(out: Path, found: dict[str, Any], runs: list[tuple[Session, Run]]) -> None:
    """Write a run folder: the journals, and last run.json, so that a folder with it is complete."""
    try:
        (out / LOGS_FOLDER).mkdir(parents=True, exist_ok=True)
        for session, run in runs:
            (out / log_name(session.name)).write_bytes(run.journal)
        (out / RUN_FILE).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise HostError(f"cannot write {out}: {error.strerror}", "name another folder with --out") from None


def read_run(folder: Path) -> dict[str, Any]:
    """Return the result in a run folder. Raises HostError where there is none."""
    file = folder / RUN_FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HostError(f"cannot read {file}: {error.strerror}", "`nearhum evaluate --out` writes one") from None
    except ValueError as error:
        raise HostError(f"{file} is not JSON: {error}", "evaluate again into a new folder") from None
    if not isinstance(found, dict) or not {"protocol", "figures", "sessions"} <= found.keys():
        raise HostError(f"{file} is not a result of `nearhum evaluate`", "evaluate again into a new folder")
    return found
