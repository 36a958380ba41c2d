"""Write the files of `nearhum score`: log, labels, report, and a board file that fits the
recording.

Enters: what was scored. Leaves: the files, and the values that `score --json` prints.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from ..boards import fitted_file
from ..errors import HostError, UsageError
from ..logs import exporting
from ..logs.log_file import SUFFIX
from ..recordings import writers
from ..recordings.fitting import Fit
from ..recordings.reader import files_of
from ..recordings.reading import Reading, pace_hz, starts_s
from ..report import page
from ..report.verdict import Verdict
from .scoring import NORMALS, Scored

REPORT, LABELS = "report.html", "labels.csv"


def name_of(files: Sequence[Path]) -> str:
    """Return the name of a recording: that of its first file, or of its folder."""
    name = files[0].resolve().name if files[0].is_dir() else files[0].stem
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:40] or "recording"


def refuse_labels(folder: Path, command: str = "score") -> None:
    """Raise UsageError if folder has one sub-folder for each label, because the first would be
    learned.

    Sub-folders are labels if one of them is called normal, or if two of their names have no digit.
    Days and numbers are parts of one recording.

    command: the command asked for, `score` or `virtual --replay`.
    """
    inside = (
        [path.relative_to(folder).parts for path in files_of(folder)] if folder.is_dir() else []
    )
    depth = next((i for i in range(9) if len({p[i] for p in inside if len(p) > i + 1}) > 1), None)
    if depth is None:
        return
    names = sorted({parts[depth] for parts in inside if len(parts) > depth + 1})
    normal = [name for name in names if name.lower() in NORMALS]
    if not normal and sum(not re.search(r"[0-9]", name) for name in names) < 2:
        return
    at = folder.joinpath(*inside[0][:depth]) if depth else folder
    raise UsageError(
        f"{at} holds a folder a label: {', '.join(names)[:200]}; the first would be learned as "
        "normal",
        hint=f"`nearhum {command} {quote(str(at / (normal or names)[0]))}` for one of them, or "
        f"`nearhum evaluate {quote(str(at))} --names '{{label}}/*'` for how well they are told "
        "apart",
    )


def board_file(folder: Path, name: str, base: str) -> Path:
    """Return the path of the board file. It never replaces base, which it extends."""
    board = folder / fitted_file.file_name(name)
    if base.endswith(".toml") and board.resolve() == Path(base).expanduser().resolve():
        return folder / fitted_file.file_name(f"{board.stem[:33]}-scored")
    return board


def check_place(folder: Path, name: str, base: str) -> None:
    """Raise UsageError before anything is scored if `write` could not write to folder."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"cannot write to {folder}", hint="name another folder with --out")
    fitted_file.check_place(board_file(folder, name, base))


def write(
    folder: Path, name: str, found: Scored, fit: Fit, base: str, files: Sequence[str]
) -> dict[str, Path]:
    """Write log, labels, report and board file. Returns {what it is: path}.

    base: the board that the board file extends. Raises HostError if the folder cannot be written,
        UsageError if base is no board.
    """
    log = folder / f"{name}{SUFFIX}"
    board = board_file(folder, name, base)
    if base.endswith(".toml"):
        # An absolute path, because `extends` is looked up beside the file that contains it.
        base = str(Path(base).expanduser().resolve())
    out = {"log": log, "report": folder / REPORT, "board file": board}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log.write_bytes(found.run.journal)
        labels = None
        if found.spans:
            labels = out["labels"] = folder / LABELS
            rows = "".join(f"{a},{b},{_cell(label)}\n" for a, b, label in found.spans)
            labels.write_text(f"first,last,label\n{rows}", encoding="utf-8")
        out["report"].write_text(page.report(log, labels), encoding="utf-8")
        about = [f"Fits {', '.join(Path(file).name for file in files)}.", *fit.why]
        fitted_file.write(board, fit, base, f"As {name}", about, found.trace.channels)
    except OSError as error:
        raise HostError(
            f"cannot write {folder}: {error.strerror}", "name another folder with --out"
        ) from None
    return out


def write_as(
    folder: Path, name: str, found: Scored, readings: Sequence[Reading], form: str
) -> list[Path]:
    """Write what was scored in a form for other programs. Returns the files.

    form: csv, parquet: a row for each window, with the time of its last sample. ei-json, ei-cbor:
        score and threshold. wav: the samples as the firmware had them. Raises UsageError,
        HostError.
    """
    if form == "wav":
        files = []
        for i, segment in enumerate(found.recording.segments):
            files.append(folder / f"{name}-samples.s{i:05d}.wav")
            writers.write(files[-1], writers.Samples(segment.frames, found.recording.rate_hz), form)
        return files
    times_ns, known = row_times(found, readings)
    return exporting.export(found.trace, times_ns, known, folder / name, form)


def check_form(form: str) -> None:
    """Raise UsageError if there is no such form."""
    if form != "wav":
        exporting.check_form(form)


def row_times(found: Scored, readings: Sequence[Reading]) -> tuple[np.ndarray, bool]:
    """Return (time of the last sample of each window in ns, whether it counts from 1970).

    It counts from the start of the recording if a file does not state its time.
    """
    pairs = [(reading, stretch) for reading in readings for stretch in reading.stretches]
    known = all(stretch.start_ns is not None for _, stretch in pairs)
    starts = [start_s for some in starts_s(readings) for start_s in some]
    windows = found.run.windows_of(found.recording)
    out = []
    for (reading, stretch), start_s, some in zip(pairs, starts, windows, strict=True):
        at = np.array([found.run.last_frame(i) for i in range(len(some))], float)
        start_ns = round(start_s * 1e9) if not known else stretch.start_ns or 0
        out.append(start_ns + np.rint(at * 1e9 / pace_hz(reading, stretch)).astype(np.int64))
    return np.concatenate(out), known


def told(
    found: Scored, fit: Fit, said: Verdict, readings: Sequence[Reading], written: dict[str, Path]
) -> dict[str, Any]:
    """Return what was found as plain JSON values."""
    return {
        "files": [str(reading.path) for reading in readings],
        "taken": [reading.taken for reading in readings],
        "kind": fit.kind,
        "rate_hz": fit.rate_hz,
        "n_channels": fit.n_channels,
        "scale": fit.scale,
        "settings": fit.settings,
        "windows": found.trace.n,
        "learned": found.learned,
        "alarms": int(((found.trace.alarm[1:]) & ~found.trace.alarm[:-1]).sum()),
        "tone": said.tone,
        "headline": said.headline,
        "sentences": said.sentences,
        "normal": found.normal,
        "figures": dict(found.figures),
        "clipped": found.n_clipped,
        "written": {what: str(path) for what, path in written.items()},
    }


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",;\r\n]', text) else text
