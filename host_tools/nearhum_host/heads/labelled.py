"""Labelled recordings: a folder of them, each with a label and, where they are known, its group and its session.

A group is who or what it is of: a speaker, a wearer, a machine. A session is which of theirs: a hand, a day; examples
that a board is shown are of one.
Enters: wav, csv, npy, npz, Parquet or nhr files. Leaves: int16 frames with label, group and session, in the order of
their names. A label comes from a file's name by a pattern, or from a column of a table; rows of one label that follow
each other are a recording. What a head cannot be trained on is refused here, with the name of the file and the remedy.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import HostError, UsageError
from ..recordings import SUFFIXES, read_nhr, to_counts
from ..samples import read_bytes, read_samples

PATTERN = "{label}/*"
TABLES = (".csv", ".parquet")
CLIPPED_MOST, CLIPPED_NOTED = 1 / 8, 1 / 1000  # shares of a recording's samples at the ends of an int16's range
_LOW, _HIGH = -32768, 32767


@dataclass(frozen=True)
class Labelled:
    """A recording of one label. frames: int16 (n, n_channels). group, session: "" where unknown. name: the file's."""

    label: str
    frames: np.ndarray
    group: str = ""
    session: str = ""
    name: str = ""


@dataclass(frozen=True)
class Columns:
    """Columns of tables: of samples (None: all others that are numbers), of the label, of the group (None: none)."""

    samples: Sequence[str] | None = None
    label: str | None = None
    group: str | None = None


def labelled(
    folder: Path,
    rate_hz: float,
    scale: Sequence[float] | None = None,
    names: str = PATTERN,
    columns: Columns | None = None,
) -> tuple[list[Labelled], list[str]]:
    """Return the recordings below folder, in the order of their names, and notes: one sentence each.

    rate_hz: what all must have that say theirs. scale: counts per unit, where samples are no whole numbers. names: the
    pattern of a recording's name, its path without suffix, of an .npz with /array behind it or without: {label},
    {group}, {session}, and * for anything, none of them across a /. Raises UsageError where there are none or a label
    is missing, HostError where a file cannot be read or is not of the others' rate and channels.
    """
    columns = columns or Columns()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name the folder of recordings")
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in (*SUFFIXES, ".parquet"))
    if not paths:
        raise UsageError(
            f"{folder} holds no recordings", hint=f"{', '.join((*SUFFIXES, '.parquet'))}, a folder a label"
        )
    pattern = _pattern(names)
    out: list[Labelled] = []
    rates: dict[float, Path] = {}
    notes: list[str] = []
    for path in paths:
        rate, read = _read(path, path.relative_to(folder), columns, pattern, names)
        if rate is not None:
            rates.setdefault(rate, path)
            _check_rates(rates, rate_hz)
        for (label, group, session), samples, name in read:
            frames, n_outside = to_counts(samples, scale, name)
            if out and frames.shape[1] != out[0].frames.shape[1]:
                raise HostError(
                    f"{name} has {frames.shape[1]} channels, {out[0].name} has {out[0].frames.shape[1]}",
                    "leave one of them out, or choose columns with --columns",
                )
            _check_clipped(frames, n_outside, name, notes)
            out.append(Labelled(label, frames, group, session, name))
    counts = Counter(r.label for r in out)
    alone = [r for r in out if counts[r.label] < 2]
    if alone:
        raise UsageError(
            f"label {alone[0].label!r} has one recording alone, {alone[0].name}",
            hint="record it again, or leave it out: one is trained on, another is asked",
        )
    if len(counts) < 2:
        raise UsageError(f"{folder} has one label alone, {next(iter(counts))!r}", hint="at least two, to tell apart")
    return out, notes


def scales(text: str | None) -> list[float] | None:
    """Return the numbers in a text with commas between them, None for none. Raises UsageError."""
    try:
        return [float(part) for part in text.split(",")] if text else None
    except ValueError:
        raise UsageError(f"--scale {text}", hint="counts per unit, as 8192, or one a column: 8192,8192,1877") from None


_FIELDS = ("label", "group", "session")


def _pattern(names: str) -> re.Pattern[str]:
    counts = [names.count(f"{{{field}}}") for field in _FIELDS]
    if counts[0] != 1 or max(counts) > 1:
        raise UsageError(f"--names {names!r}", hint="a pattern with {label} once, {group} and {session} at most once")
    parts = re.split(r"(\{label\}|\{group\}|\{session\}|\*)", names)
    known = {"*": "[^/]*?", **{f"{{{field}}}": f"(?P<{field}>[^/]+?)" for field in _FIELDS}}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))


def _named(pattern: re.Pattern[str], names: str, stem: str, array: str, path: Path) -> tuple[str, str, str]:
    found = pattern.fullmatch(f"{stem}/{array}") if array else None
    found = found or pattern.fullmatch(stem)
    if not found:
        raise UsageError(
            f"{path} has no label: its name {stem!r} is not {names!r}",
            hint="put it into a folder of its label, or say with --names where the label stands",
        )
    some = found.groupdict()
    return some["label"], some.get("group") or "", some.get("session") or ""


def _read(path: Path, inside: Path, columns: Columns, pattern: re.Pattern[str], names: str):
    """Return (rate_hz or None, [((label, group, session), samples (n, c), name of the recording)]) of one file."""
    suffix, stem = path.suffix.lower(), inside.with_suffix("").as_posix()
    if columns.label is not None and suffix in TABLES:
        return None, list(_runs(path, columns))
    if suffix == ".parquet":
        table = _table(path)
        chosen = columns.samples or [name for name, values in table.items() if values.dtype.kind in "iufb"]
        rate, arrays = None, [("", _samples(path, table, chosen))]
    elif suffix == ".nhr":
        recording = read_nhr(path)
        rate, arrays = recording.rate_hz, [("", segment.frames) for segment in recording.segments]
    else:
        arrays, rate = read_samples(path, suffix, columns.samples)
    out = []
    for array, samples in arrays:
        told = _named(pattern, names, stem, array, path)
        out.append((told, samples, f"{path}[{array}]" if array else str(path)))
    return rate, out


def _runs(path: Path, columns: Columns):
    """Yield ((label, group, ""), samples, name) of each run of rows with one label and one group in a table."""
    table = _table(path)
    wanted = [columns.label, *([columns.group] if columns.group else [])]
    for column in wanted:
        if column not in table:
            raise UsageError(f"{path} has no column {column!r}", hint="its columns: " + ", ".join(table))
    keys = [[str(v).strip() if v is not None and v == v else "" for v in table[column]] for column in wanted]
    for row, label in enumerate(keys[0]):
        if not label:
            raise UsageError(f"{path}: row {row + 1} has no label in {columns.label!r}", hint="fill it, or cut the row")
    chosen = columns.samples or [n for n, v in table.items() if n not in wanted and v.dtype.kind in "iufb"]
    samples = _samples(path, table, chosen)
    rows = list(zip(*keys, strict=True))
    first = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at] != rows[first]:
            group = rows[first][1] if columns.group else ""
            yield (rows[first][0], group, ""), samples[first:at], f"{path} rows {first + 1} to {at}"
            first = at


def _samples(path: Path, table: dict[str, np.ndarray], chosen: Sequence[str]) -> np.ndarray:
    for column in chosen:
        if column not in table or table[column].dtype.kind not in "iufb":
            raise UsageError(
                f"{path} has no column {column!r} of numbers",
                hint="its columns: " + ", ".join(table) + "; see --columns",
            )
    if not chosen:
        raise UsageError(f"{path} has no column of numbers", hint="its columns: " + ", ".join(table))
    return np.stack([table[column] for column in chosen], axis=1)


def _table(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a csv with a header, or of a Parquet file, by name; numbers where all cells are."""
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    lines = [line for line in read_bytes(path).decode("utf-8-sig", errors="replace").splitlines() if line.strip()]
    if len(lines) < 2:
        raise HostError(f"{path} has no rows below its header", "record at least one window")
    rows = list(csv.reader(lines, delimiter=max(",;\t", key=lines[0].count), skipinitialspace=True))
    for n, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise HostError(f"{path} line {n + 1} has {len(row)} cells, its header {len(rows[0])}", "mend that line")
    out: dict[str, np.ndarray] = {}
    for name, cells in zip(rows[0], zip(*rows[1:], strict=True), strict=True):
        try:
            out[name.strip()] = np.array(cells, float)
        except ValueError:
            out[name.strip()] = np.array(cells, object)
    return out


def _parquet(path: Path) -> dict[str, np.ndarray]:
    from ..extras import needs

    with needs("train"):
        import duckdb
    try:
        with duckdb.connect() as db:
            columns = db.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchnumpy()
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise HostError(f"{path} is not a readable Parquet file: {why}", "write it again, or leave it out") from None
    out = {}
    for name, values in columns.items():
        if np.ma.isMaskedArray(values):
            if values.dtype.kind in "iufb" and values.mask.any():
                row = int(np.argmax(values.mask)) + 1
                raise HostError(f"{path}: row {row} has no value in {name!r}", "fill it, or cut the row")
            plain = np.array(values.data)
            if plain.dtype.kind == "O":
                plain[np.ma.getmaskarray(values)] = None
            values = plain
        out[name] = np.asarray(values)
    return out


def _check_rates(rates: dict[float, Path], rate_hz: float) -> None:
    for rate, path in rates.items():
        if abs(rate - rate_hz) <= 0.001 * rate_hz:
            continue
        others = [f"{other} at {of:g} Hz" for of, other in rates.items() if of != rate]
        if others:
            raise HostError(f"mixed rates: {path} at {rate:g} Hz, {others[0]}", "resample one of them")
        raise HostError(
            f"{path} was sampled at {rate:g} Hz, the board's settings say {rate_hz:g} Hz",
            f"--rate {rate:g} for a board that samples so, or resample the recordings",
        )


def _check_clipped(frames: np.ndarray, n_outside: int, name: str, notes: list[str]) -> None:
    if not len(frames):
        raise HostError(f"{name} holds no samples", "record at least one window")
    n = max(n_outside, int(((frames == _LOW) | (frames >= _HIGH)).sum()))
    share = n / frames.size
    if share > CLIPPED_MOST:
        raise HostError(
            f"{name} is clipped: {100 * share:.0f} % of its samples are at the end of their range",
            "record it at a lower level, or lower --scale; or leave it out",
        )
    if share > CLIPPED_NOTED:
        notes.append(f"{name}: {100 * share:.1f} % of its samples are clipped")
