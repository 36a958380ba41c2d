"""Read a folder of labelled recordings.

Enters: wav, csv, npy, npz, Parquet or nhr files. Leaves: int16 frames, each recording with its
label, group and session, in the order of the names.

A group is who or what was recorded: a speaker, a wearer, a machine. A session is one occasion of a
group: one hand, one day. A board is shown examples of one session.

The label comes from the file's name, by a pattern, or from a column of a table. Consecutive rows
with the same label are one recording. Recordings that cannot train a head are refused here, with
the name of the file and a remedy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import HostError, UsageError
from ..recordings.counts import BLOCK, HIGH, LOW, MOST_SAMPLES, columns_to_counts
from ..recordings.reader import SUFFIXES, TABLES, files_of, read
from ..recordings.reading import Reading, Stretch
from ..recordings.tables.clock import same_rate
from ..recordings.tables.meaning import Named

PATTERN = "{label}/*"
# Bytes of int16 samples in all recordings together. A small archive may unpack to any size.
MOST_BYTES = 2 * MOST_SAMPLES
# Share of a recording's samples at the ends of the int16 range: above the first the recording is
# refused, above the second it is noted.
CLIPPED_MOST, CLIPPED_NOTED = 1 / 8, 1 / 1000


@dataclass(frozen=True)
class Labelled:
    """A recording of one label.

    frames: (n, n_channels), int16. group, session: "" where unknown. name: of the file, for errors.
    """

    label: str
    frames: np.ndarray
    group: str = ""
    session: str = ""
    name: str = ""


def labelled(
    folder: Path,
    rate_hz: float,
    scale: Sequence[float] | None = None,
    names: str = PATTERN,
    columns: Named | None = None,
) -> tuple[list[Labelled], list[str]]:
    """Read the recordings below folder.

    rate_hz: the rate of the board. Files that state a rate must state this one.
    scale: counts per unit, one for each channel, for samples that are not whole numbers.
    names: pattern of a file's path below folder, without its suffix: {label}, {group}, {session},
        and * for anything. None of them matches a /. An array of an .npz may be matched as
        file/array.
    columns: which columns of tables to read. With a label column, tables take their labels from it.
    Returns (recordings in the order of their names, notes for the user).
    Raises UsageError if there are no recordings, or a label is missing or has one recording only.
    Raises HostError if a file cannot be read, or its rate or channels differ from the others'.
    """
    columns = columns or Named()
    paths = files_of(folder)
    if not paths:
        raise UsageError(
            f"{folder} holds no recordings", hint=f"{', '.join(SUFFIXES)}, a folder a label"
        )
    pattern = _pattern(names)
    out: list[Labelled] = []
    rates: dict[float, Path] = {}
    notes: list[str] = []
    said: set[str] = set()
    n_bytes = 0
    for path in paths:
        of_table = path.suffix.lower() in TABLES
        asked = columns if of_table else Named(columns.samples)
        reading = read(path, asked, likely_hz=rate_hz, apart=recordings_of(folder, names, path))
        if reading.rate_hz is not None:
            rates.setdefault(reading.rate_hz, path)
            _check_rates(rates, rate_hz)
        for text in reading.notes:
            if text not in said:
                said.add(text)
                notes.append(f"{path}: {text}")
        by_column = columns.label is not None and of_table
        pieces = (
            _by_column(reading, str(columns.label))
            if by_column
            else _by_name(reading, folder, pattern, names)
        )
        for (label, group, session), parts, name in pieces:
            frames, n_outside = columns_to_counts(parts, scale, name)
            if out and frames.shape[1] != out[0].frames.shape[1]:
                raise HostError(
                    f"{name} has {frames.shape[1]} channels, "
                    f"{out[0].name} has {out[0].frames.shape[1]}",
                    "leave one of them out, or choose columns with --columns",
                )
            _check_clipped(frames, n_outside, name, notes)
            n_bytes += frames.nbytes
            if n_bytes > MOST_BYTES:
                raise HostError(
                    f"with {name} the recordings hold {n_bytes >> 20} MB of samples",
                    f"{MOST_BYTES >> 20} MB at most are trained on: leave some out",
                )
            out.append(Labelled(label, frames, group, session, name))
    _check_labels(folder, out)
    return out, notes


def _check_labels(folder: Path, recordings: Sequence[Labelled]) -> None:
    counts = Counter(r.label for r in recordings)
    alone = [r for r in recordings if counts[r.label] < 2]
    if alone:
        raise UsageError(
            f"label {alone[0].label!r} has one recording alone, {alone[0].name}",
            hint="record it again, or leave it out: one is trained on, another is asked",
        )
    if len(counts) < 2:
        raise UsageError(
            f"{folder} has one label alone, {next(iter(counts))!r}",
            hint="at least two, to tell apart",
        )


_FIELDS = ("label", "group", "session")


def _pattern(names: str) -> re.Pattern[str]:
    counts = [names.count(f"{{{field}}}") for field in _FIELDS]
    if counts[0] != 1 or max(counts) > 1:
        raise UsageError(
            f"--names {names!r}",
            hint="a pattern with {label} once, {group} and {session} at most once",
        )
    parts = re.split(r"(\{label\}|\{group\}|\{session\}|\*)", names)
    known = {"*": "[^/]*?", **{f"{{{field}}}": f"(?P<{field}>[^/]+?)" for field in _FIELDS}}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))


def recordings_of(folder: Path, names: str, path: Path) -> Callable[[str], bool]:
    """Return a function that tells an array that is a recording of its own from a channel.

    It takes the name of an array in the file at path, and matches it with the pattern names.
    """
    pattern, stem = _pattern(names), path.relative_to(folder).with_suffix("").as_posix()
    return lambda array: pattern.fullmatch(f"{stem}/{array}") is not None


def _named(
    pattern: re.Pattern[str], names: str, stem: str, array: str, path: Path
) -> tuple[str, str, str]:
    found = pattern.fullmatch(f"{stem}/{array}") if array else None
    found = found or pattern.fullmatch(stem)
    if not found:
        raise UsageError(
            f"{path} has no label: its name {stem!r} is not {names!r}",
            hint="put it into a folder of its label, or say with --names where the label stands",
        )
    some = found.groupdict()
    return some["label"], some.get("group") or "", some.get("session") or ""


def _by_name(
    reading: Reading, folder: Path, pattern: re.Pattern[str], names: str
) -> Iterator[tuple[tuple[str, str, str], list[np.ndarray], str]]:
    """Yield ((label, group, session), columns, name) for each stretch, labelled by its name."""
    path = reading.path
    stem = path.relative_to(folder).with_suffix("").as_posix()
    for stretch in reading.stretches:
        try:
            told = _named(pattern, names, stem, stretch.name, path)
        except UsageError as error:
            if any(one.labels for one in reading.stretches):
                error.hint += "; or name the column of labels with --label-column"
            raise
        yield told, stretch.columns, f"{path}[{stretch.name}]" if stretch.name else str(path)


def _by_column(
    reading: Reading, column_name: str
) -> Iterator[tuple[tuple[str, str, str], list[np.ndarray], str]]:
    """Yield the same as _by_name for consecutive rows that share label and group."""
    for stretch in reading.stretches:
        for first, until, label, group in _runs(stretch):
            row = stretch.first_row + first
            if not label:
                raise UsageError(
                    f"{reading.path}: row {row + 1} has no label in {column_name!r}",
                    hint="fill it, or cut the row",
                )
            name = f"{reading.path} rows {row + 1} to {stretch.first_row + until}"
            yield (label, group, ""), [column[first:until] for column in stretch.columns], name


def _runs(stretch: Stretch) -> Iterator[tuple[int, int, str, str]]:
    """Yield (first row, row after the last, label, group) for rows that share label and group."""
    groups = stretch.groups or [(0, stretch.n, "")]
    for first, until, label in stretch.labels:
        for a, b, group in groups:
            if a < until and b > first:
                yield max(a, first), min(b, until), label, group


def _check_rates(rates: dict[float, Path], rate_hz: float) -> None:
    for rate, path in rates.items():
        if same_rate(rate, rate_hz):
            continue
        others = [f"{other} at {of:g} Hz" for of, other in rates.items() if of != rate]
        if others:
            raise HostError(
                f"mixed rates: {path} at {rate:g} Hz, {others[0]}", "resample one of them"
            )
        raise HostError(
            f"{path} was sampled at {rate:g} Hz, the board's settings say {rate_hz:g} Hz",
            f"--rate {rate:g} for a board that samples so, or resample the recordings",
        )


def _check_clipped(frames: np.ndarray, n_outside: int, name: str, notes: list[str]) -> None:
    if not len(frames):
        raise HostError(f"{name} holds no samples", "record at least one window")
    n = 0
    for at in range(0, len(frames), BLOCK):
        part = frames[at : at + BLOCK]
        n += int(((part == LOW) | (part >= HIGH)).sum())
    n = max(n_outside, n)
    share = n / frames.size
    if share > CLIPPED_MOST:
        raise HostError(
            f"{name} is clipped: {100 * share:.0f} % of its samples are at the end of their range",
            "record it at a lower level, or lower --scale; or leave it out",
        )
    if share > CLIPPED_NOTED:
        notes.append(f"{name}: {100 * share:.1f} % of its samples are clipped")
