"""Evaluate every protocol that has recordings: both numeric paths, peers, ablations, and serial
line.

Enters: the folder of recordings. Leaves: the page of results_page, and one SVG for each protocol.

The figures come from assessment, confidence and timing. The work is divided into independent tasks,
and as many run at a time as there are processors.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ..errors import HostError
from ..logs import log_file, traces
from ..report.pictures import picture
from . import assessment, results_page
from .ablations import ABLATIONS
from .benchmarks import PROTOCOLS
from .benchmarks.base import LABEL_ANOMALY, LABEL_NORMAL
from .benchmarks.runner import interpreter, run_one
from .benchmarks.serial import differences, run_over_serial
from .confidence import N_RESAMPLES

# These take longest and start first, so that no processor is left with one of them at the end.
LONGEST = ("atlas", "wakeword", "nab", "fsdd", "rssi", "watch")


def evaluate_all(
    data: Path | None,
    note: Callable[[str], None],
    n_resamples: int = N_RESAMPLES,
    names: Sequence[str] = (),
) -> tuple[str, dict[str, str]]:
    """Return (page, {file name: picture}) of the protocols that have recordings.

    names: evaluate only these. note: called with what has been done.
    Raises HostError if no protocol has recordings or a run fails, and RuntimeError for a defect.
    Both name the set and the part of it that failed.
    """
    present, absent = [], []
    for name in names or PROTOCOLS:
        try:
            assessment.root_of(name, data)
            present.append(name)
        except HostError:
            if names:
                raise
            absent.append(name)
    if not [name for name in present if not _made(name)] and not names:
        assessment.root_of(absent[0], data)  # Raises the error that says what is missing.
    sets = {name: {"ablations": [], "float": None, "serial": None} for name in present}
    drawn = {}
    answers: dict[tuple[str, str], Any] = {}
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        asked = _tasks(pool, present, data, n_resamples)
        try:
            for future in as_completed(asked):
                name, what = asked[future]
                answers[name, what] = _answer(future, name, what)
                note(f"{name}, {what}: done")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for name, what in asked.values():  # In the order of the tasks, not of their ends.
        if what == "fixed":
            sets[name]["fixed"], svg = answers[name, what]
            if svg:
                drawn[f"{name}.svg"] = svg
        elif what in ("float", "serial"):
            sets[name][what] = answers[name, what]
    for name in present:
        for title, settings in ABLATIONS.get(name, ()):
            sets[name]["ablations"].append((title, settings, answers[name, title]))
    found = [{**sets[name], "picture": sets[name]["fixed"]["picture"]} for name in present]
    return "\n".join(results_page.page(found, absent, n_resamples)) + "\n", drawn


def _answer(future: Future[Any], name: str, what: str) -> Any:
    """Return the result of a task. An error names the set and the part of it that failed."""
    try:
        return future.result()
    except HostError as wrong:
        raise HostError(f"{name}, {what}: {wrong.message}", wrong.hint, wrong.exit_code) from wrong
    except Exception as wrong:  # A defect. It keeps its traceback.
        raise RuntimeError(f"{name}, {what}: {type(wrong).__name__}: {wrong}") from wrong


def _made(name: str) -> bool:
    return hasattr(PROTOCOLS[name], "made_in")


def _tasks(
    pool: ProcessPoolExecutor, names: Sequence[str], data: Path | None, n_resamples: int
) -> dict[Future[Any], tuple[str, str]]:
    asked: dict[Future[Any], tuple[str, str]] = {}
    longest_first = sorted(names, key=lambda n: LONGEST.index(n) if n in LONGEST else len(LONGEST))
    for name in longest_first:
        n = 0 if _made(name) else n_resamples  # Synthetic signals are no sample of a population.
        asked[pool.submit(_fixed, name, data, n)] = name, "fixed"
    for name in longest_first:
        if _made(name):
            continue
        asked[pool.submit(_other, name, data, "float", None)] = name, "float"
        for title, settings in ABLATIONS.get(name, ()):
            asked[pool.submit(_other, name, data, "fixed", settings)] = name, title
        asked[pool.submit(over_serial, name, data)] = name, "serial"
    return asked


def _fixed(name: str, data: Path | None, n_resamples: int) -> tuple[dict[str, Any], str]:
    """Return a protocol's result with its peers, and the picture of one session, or "" for none."""
    svg = ""
    with tempfile.TemporaryDirectory(prefix="nearhum-evaluation-") as folder:
        out = Path(folder) / "run"
        peers = not _made(name)
        found = assessment.evaluate(
            name, data, out=out, n_resamples=n_resamples, peers=peers, n_workers=1
        )
        chosen = _representative(found["sessions"])
        if chosen:
            log = log_file.read_log(out / chosen["log"])
            svg = picture(
                traces.trace(log, chosen["name"], chosen["spans"]), f"{name}, {chosen['name']}"
            )
        found["picture"] = chosen and chosen["name"]
    return found, svg


def _other(
    name: str, data: Path | None, path: str, settings: Mapping[str, Any] | None
) -> dict[str, Any]:
    return assessment.evaluate(name, data, path, settings=settings, n_workers=1)


def over_serial(name: str, data: Path | None) -> dict[str, Any]:
    """Run a protocol's first session directly and over a virtual board's serial line, and compare
    them.

    Returns {session, windows, differing}. differing: names of what is not the same in both runs.
    """
    session = assessment.sessions_of(name, assessment.root_of(name, data), {})[0]
    direct, there = run_one(session, "fixed", interpreter()), run_over_serial(session)
    protocol = PROTOCOLS[name]
    differing = differences(there, direct)
    if protocol.judge([(session, direct)]).figures != protocol.judge([(session, there)]).figures:
        differing.append("figures")
    return {"session": session.name, "windows": len(there.scores), "differing": differing}


def _representative(sessions: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first session with both normal and anomalous spans, else the first with an
    anomaly.
    """
    for session in sessions:
        if {LABEL_NORMAL, LABEL_ANOMALY} <= {label for *_, label in session["spans"]}:
            return session
    return next(
        (s for s in sessions if any(label == LABEL_ANOMALY for *_, label in s["spans"])), None
    )
