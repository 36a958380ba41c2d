"""Export a log by window: csv, Parquet, or Edge Impulse's ingestion format.

Enters: a trace, and the time at which each window ended. Leaves: files.

A csv or Parquet file has one row for each window, with score, threshold, state, alarm and label.
Edge Impulse accepts only numbers at a constant rate. Its files hold score and threshold while the
board watched, one file for each run of windows without a gap.
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
_GAP = 1.5  # Windows: a longer interval ends a run.
FEW = 2  # Windows: a series needs at least so many.


def check_form(form: str) -> None:
    """Raise UsageError if windows cannot be exported in this form."""
    if form not in FORMS:
        raise UsageError(
            f"scores as {form!r}",
            hint=f"one of {', '.join(FORMS)}; `nearhum record --as wav` has samples"
            if form == "wav"
            else "one of " + ", ".join(FORMS),
        )


def export_log(log: Log, file: Path, form: str) -> list[Path]:
    """Export a log into files beside it, and return their paths.

    form: one of FORMS. Times are UTC if the board was told the time in every start. Otherwise they
    count from each start.
    Raises UsageError for an unknown form, HostError if nothing can be written.
    """
    check_form(form)
    found = trace(log, file.stem)
    scores = decoded(log)[0]
    utc = np.array(scores.utc, float)
    known = bool(np.isfinite(utc).all())
    times = np.rint(utc * 1e9) if known else np.array(scores.ticks_ms, float) * 1e6
    return export(found, times.astype(np.int64), known, file.with_suffix(""), form)


def export(found: Trace, times_ns: np.ndarray, known: bool, stem: Path, form: str) -> list[Path]:
    """Export a trace as STEM-windows.csv and so on, and return the paths.

    The name differs from STEM, because the recording that a log was made of may lie beside it.

    times_ns: (n,) int64, the end of each window in ns, since 1970 if known, else since the start.
    form: one of FORMS. Raises as export_log.
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
