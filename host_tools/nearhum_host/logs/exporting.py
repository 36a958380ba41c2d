"""What a log says by window, as others read it: csv, Parquet, Edge Impulse's ingestion format.

Enters: a trace, and when each window ended. Leaves: a file; tables have a row a window, with the
state, the alarm and the label. Edge Impulse takes numbers at one pace alone: its files hold score
and threshold while the board watched, a file for each run of windows without a gap.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nearhum import wire

from ..errors import HostError, UsageError
from ..recordings import writers
from .decoding import decoded
from .log_file import Log
from .traces import Trace, trace

FORMS = ("csv", "parquet", "ei-json", "ei-cbor")
_OCTAVE = "octave"
_GAP = 1.5  # windows: what lies further apart is not one run
FEW = 2  # windows: less is no series


def check_form(form: str) -> None:
    """Raise UsageError where windows cannot be written so."""
    if form not in FORMS:
        raise UsageError(
            f"scores as {form!r}",
            hint=f"one of {', '.join(FORMS)}; `nearhum record --as wav` has samples"
            if form == "wav"
            else "one of " + ", ".join(FORMS),
        )


def export_log(log: Log, file: Path, form: str) -> list[Path]:
    """Write a log beside its file; returns what was written. Raises HostError, UsageError.

    Times are UTC where the board was told the time in every start, else since each start.
    """
    check_form(form)
    found = trace(log, file.stem)
    scores = decoded(log)[0]
    utc = np.array(scores.utc, float)
    known = bool(np.isfinite(utc).all())
    times = np.rint(utc * 1e9) if known else np.array(scores.ticks_ms, float) * 1e6
    return export(found, times.astype(np.int64), known, file.with_suffix(""), form)


def export(found: Trace, times_ns: np.ndarray, known: bool, stem: Path, form: str) -> list[Path]:
    """Write a trace as STEM-windows.csv and so on; returns the files. The name is not STEM's own:
    beside a log there may lie the recording that it was made of.

    times_ns: int64 (n,), the end of each window, since 1970 where known, else since a start.
    """
    check_form(form)
    stem = stem.with_name(f"{stem.name}-windows")
    write = _table if form in ("csv", "parquet") else _series
    try:
        return write(found, times_ns, known, stem, form)
    except OSError as error:
        raise HostError(
            f"cannot write {stem}{writers.FORMS[form]}: {error.strerror}",
            "make room or choose another place",
        ) from None


def _of(found: Trace, times_ns: np.ndarray, known: bool, pick: np.ndarray) -> writers.Samples:
    return writers.Samples(
        np.column_stack([found.scores, found.thresholds])[pick],
        1 / found.window_s if found.window_s else 0.0,
        ["score", "threshold"],
        [_OCTAVE, _OCTAVE],
        scale=[1.0, 1.0],
        start_ns=int(times_ns[pick][0]) if known else None,
        device=str(found.about.get("board") or found.name),
        about={"board": str(found.about.get("board", "")), "kind": str(found.config.get("kind"))},
    )


def _table(found: Trace, times_ns: np.ndarray, known: bool, stem: Path, form: str) -> list[Path]:
    samples = _of(found, times_ns, known, np.ones(found.n, bool))
    samples.own_times_ns = times_ns
    boot = np.searchsorted(found.boots, np.arange(found.n), side="right")
    samples.texts = {
        "boot": [str(n) for n in boot],
        "state": [wire.STATE_NAMES[state] for state in found.states],
        "alarm": ["1" if alarm else "0" for alarm in found.alarm],
        "label": [str(label) for label in found.labels],
        "truth": ["" if label is None else str(label) for label in found.truth],
    }
    file = stem.with_name(stem.name + writers.FORMS[form])
    writers.write(file, samples, form)
    return [file]


def _series(found: Trace, times_ns: np.ndarray, known: bool, stem: Path, form: str) -> list[Path]:
    if not found.window_s:
        raise HostError(f"{found.name} does not say how far apart its windows are", "pull it again")
    watched = found.watching & np.isfinite(found.scores) & np.isfinite(found.thresholds)
    apart = np.diff(times_ns, prepend=times_ns[:1]) > _GAP * found.window_s * 1e9
    apart[found.boots] = True
    runs: list[list[int]] = []
    for i in np.flatnonzero(watched).tolist():
        if runs and runs[-1][-1] == i - 1 and not apart[i]:
            runs[-1].append(i)
        else:
            runs.append([i])
    files = []
    for n, run in enumerate(run for run in runs if len(run) >= FEW):
        pick = np.zeros(found.n, bool)
        pick[run] = True
        files.append(stem.with_name(f"{stem.name}.s{n:05d}{writers.FORMS[form]}"))
        writers.write(files[-1], _of(found, times_ns, known, pick), form)
    if not files:
        raise HostError(f"{found.name} has no windows in which it watched", "let it learn first")
    return files
