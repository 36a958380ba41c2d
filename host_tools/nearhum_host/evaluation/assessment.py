"""Evaluate one protocol: run its sessions through the firmware, and judge the runs.

Enters: a protocol's name and the folder of recordings. Leaves: a result as plain JSON values. With
    a run folder, the result is written there as run.json, beside the journals it was computed from.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nearhum

from ..errors import HostError, UsageError
from ..logs.log_file import SUFFIX
from ..recordings.datasets import folders
from .benchmarks import PROTOCOLS
from .benchmarks.bars import TARGETS
from .benchmarks.base import EvaluationProtocol, Judgement, Run, Session, judged
from .benchmarks.runner import run_all, windows_in
from .confidence import intervals
from .peers.answers import peers_of
from .peers.detectors import Peer
from .timing import timing

RUN_FILE = "run.json"
LOGS_FOLDER = "sessions"

Progress = Callable[[int, int], None]  # Sessions done, and how many there are.


def evaluate(
    name: str,
    data: Path | None = None,
    path: str = "fixed",
    out: Path | None = None,
    progress: Progress = lambda done, total: None,
    choose: Callable[[Session], bool] = lambda session: True,
    settings: Mapping[str, Any] | None = None,
    n_resamples: int = 0,
    peers: bool = False,
    own: Mapping[str, Callable[[], Peer]] | None = None,
    n_workers: int | None = None,
) -> dict[str, Any]:
    """Evaluate the protocol called name. Returns its result, see result().

    data: the folder of recordings, by default NEARHUM_DATA.
    path: the numeric path, "fixed" or "float".
    out: a run folder to write. It must not exist, or be empty.
    choose: which sessions to run. A figure counts only if all of them run.
    settings: replace those of every session, for an ablation.
    n_resamples: of the bootstrap, 0 for no intervals.
    peers: whether the protocol's usual peers are evaluated too.
    own: further peers by name. They are always evaluated.
    n_workers: sessions at a time, by default one for each processor.
    Raises UsageError for an unknown name or path, HostError if recordings, interpreter or firmware
    fail.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol {name!r}", hint="there are: " + ", ".join(PROTOCOLS))
    if path not in ("fixed", "float"):
        raise UsageError(f"no numeric path {path!r}", hint="fixed or float")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} exists already and is not empty", hint="name a new folder with --out"
        )
    root = root_of(name, data)
    sessions = [s for s in sessions_of(name, root, settings or {}) if choose(s)]
    n_done = 0

    def done(_: Session) -> None:
        nonlocal n_done
        n_done += 1
        progress(n_done, len(sessions))

    progress(0, len(sessions))
    protocol = PROTOCOLS[name]
    batch = getattr(protocol, "batch", 1)
    runs = list(run_all(sessions, path, done, batch, n_workers))
    found = result(protocol, path, runs, judged(protocol, runs))
    found["peers"] = peers_of(protocol, runs, own, usual=peers) if peers or own else {}
    found["changed"] = dict(settings or {})
    found["inputs"] = inputs_of(root)
    if n_resamples:
        found["intervals"], found["units"] = intervals(protocol, runs, n_resamples)
    if out is not None:
        write_run(out, found, runs)
    return found


def root_of(name: str, data: Path | None) -> Path:
    """Return the folder of a protocol's recordings. A protocol that makes its signals has its own
    file.

    Raises HostError if there is no such folder.
    """
    made = getattr(PROTOCOLS[name], "made_in", None)
    return made or folders.folder(data, name)


def sessions_of(name: str, root: Path, settings: Mapping[str, Any]) -> list[Session]:
    """Return the sessions of a protocol with other settings. root: the folder of the set."""
    changed = PROTOCOLS[name].sessions(
        root, lambda config, n: windows_in({**config, **settings}, n)
    )
    return [replace(session, config={**session.config, **settings}) for session in changed]


def inputs_of(root: Path) -> dict[str, Any]:
    """Return what a set consists of: the number of files and bytes, and one hash over all of them.

    sha256: of the lines "<sha256 of a file>  <its path below root>", sorted by path, as `sha256sum`
        prints them.
    """
    files = sorted(
        path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__"
    )
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in files
    ]
    return {
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


def missed(found: dict[str, Any]) -> list[str]:
    """Return the names of the figures that do not meet their target."""
    targets = TARGETS.get(found["protocol"], {})
    return [
        name for name, target in targets.items() if not target.holds(found["figures"].get(name))
    ]


def result(
    protocol: EvaluationProtocol,
    path: str,
    runs: list[tuple[Session, Run]],
    judgement: Judgement,
) -> dict[str, Any]:
    """Return the result of a protocol as plain JSON values.

    figures: fractions from 0 to 1, None if there is none.
    trivial: the same figures of answers that need no board.
    peers: the same figures of other detectors. evaluate() adds them.
    files: one object for each file. settings: as the firmware reported them.
    sessions: name, log and true spans [first window, last window, label] of each.
    """
    settings = {key: value for key, value in runs[0][1].boot["config"].items() if key != "source"}
    return {
        "protocol": protocol.name,
        "told": protocol.told,
        "path": path,
        "figures": judgement.figures,
        "trivial": judgement.trivial,
        "timing": timing(runs, judgement.spans),
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
                "spans": [
                    [s.first, s.last, s.label] for s in judgement.spans.get(session.name, [])
                ],
            }
            for session, _ in runs
        ],
    }


def log_name(session: str) -> str:
    """Return the path of a session's log below the run folder."""
    return f"{LOGS_FOLDER}/{session.replace('/', '_')}{SUFFIX}"


def write_run(out: Path, found: dict[str, Any], runs: list[tuple[Session, Run]]) -> None:
    """Write a run folder. run.json comes last, so that a folder with it is complete."""
    try:
        (out / LOGS_FOLDER).mkdir(parents=True, exist_ok=True)
        for session, run in runs:
            (out / log_name(session.name)).write_bytes(run.journal)
        (out / RUN_FILE).write_text(
            json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise HostError(
            f"cannot write {out}: {error.strerror}", "name another folder with --out"
        ) from None


def read_run(folder: Path) -> dict[str, Any]:
    """Return the result in a run folder. Raises HostError if there is none."""
    file = folder / RUN_FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HostError(
            f"cannot read {file}: {error.strerror}", "`nearhum evaluate --out` writes one"
        ) from None
    except (ValueError, RecursionError) as error:
        raise HostError(
            f"{file} is not JSON: {error}", "evaluate again into a new folder"
        ) from None
    if not isinstance(found, dict) or not {"protocol", "figures", "sessions"} <= found.keys():
        raise HostError(
            f"{file} is not a result of `nearhum evaluate`", "evaluate again into a new folder"
        )
    return found
