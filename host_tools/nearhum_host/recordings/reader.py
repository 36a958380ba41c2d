"""Read a recording of any format. All commands use this reader.

Enters: a path, and the columns that the user named. Leaves: a Reading: samples by column, their
names and units, the rate, stretches between gaps, labels by row, and a sentence that says how the
file was understood. converting.to_nhr turns it into counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import HostError, NoSamples, UsageError
from .agreement import agree, ordered
from .arrays import read_arrays
from .counts import MOST_SAMPLES
from .of_arrays import of_frames, of_numpy
from .of_tables import of_table, of_watching, understood
from .reading import Reading
from .sound import read_wav
from .tables import table as tables
from .tables.clock import same_rate
from .tables.long import to_wide
from .tables.meaning import Named
from .tables.parquet import read_parquet

SUFFIXES = (".nhr", ".npy", ".npz", ".wav", ".parquet", *tables.SUFFIXES)
TABLES = (".parquet", *tables.SUFFIXES)  # Files with named columns.
MOST_TOLD = 5  # Most unreadable files of a folder that an error names.
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")


def read(
    path: Path,
    named: Named | None = None,
    rate_hz: float | None = None,
    likely_hz: float | None = None,
    apart: Callable[[str], bool] | None = None,
) -> Reading:
    """Return what a file of samples holds.

    named: columns; rate_hz: the rate the user gave, held against what the file says; likely_hz: one
    that only decides between units of a time column; apart: whether the name of an array in an .npz
    says that it is a recording of its own. Raises HostError or UsageError on a file that
    cannot be read in one way alone, naming the cell or the column.
    """
    named = named or Named()
    suffix = path.suffix.lower()
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no file", hint="name a file of samples")
    if suffix in TABLES:
        kept = [name for name in (named.label, named.group) if name]
        table = read_parquet(path) if suffix == ".parquet" else tables.read_table(path, kept)
        table = of_watching(to_wide(table, named))
        meaning = understood(table, named)
        label = meaning.label if meaning is not None else None
        if suffix != ".parquet" and label is not None and label.kind == "number":
            # A label that is a number, as 007, is kept as it is written: read once more so.
            table = of_watching(to_wide(tables.read_table(path, [*kept, label.name]), named))
            named, meaning = replace(named, label=label.name), None
        found = of_table(table, named, rate_hz or likely_hz, meaning)
    elif suffix == ".wav":
        sound = read_wav(path)
        found = of_frames(path, [("", sound.samples)], sound.rate_hz, named)
        found.notes = sound.notes + found.notes
        found.level = sound.level
    elif suffix in (".npy", ".npz"):
        found = of_numpy(path, read_arrays(path), named, rate_hz or likely_hz, apart)
    elif suffix == ".nhr":
        from .nhr import read_nhr

        kept_as = read_nhr(path)
        frames = [("", segment.frames) for segment in kept_as.segments]
        found = of_frames(path, frames, kept_as.rate_hz, named)
    else:
        raise HostError(
            f"{path}: nearhum cannot read {suffix or 'a file without a suffix'}",
            "convert it to one of " + ", ".join(SUFFIXES),
        )
    if not found.n_frames:
        raise NoSamples(f"{path} holds no samples", "record at least one window")
    _settle_rate(found, rate_hz)
    found.taken = _said(found)
    return found


def files_of(folder: Path) -> list[Path]:
    """Return the recordings below a folder, sorted by name.

    Files that operating systems leave behind are skipped: ._x, __MACOSX. Raises UsageError if there
    is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="name the folder of recordings")
    out = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if any(part.startswith(".") or part in _JUNK for part in inside):
            continue
        if path.suffix.lower() in SUFFIXES and path.is_file():
            out.append(path)
    return out


def read_all(
    paths: Sequence[Path],
    named: Named | None = None,
    rate_hz: float | None = None,
    apart: Callable[[Path], Callable[[str], bool]] | None = None,
    in_order: bool = True,
) -> list[Reading]:
    """Return the readings of files and folders of one sensor: in the order of their times where all
    say these, else in the order given, folders by name.

    apart: of a file, as of read. in_order: they follow each other; else each stands for itself.
    Of a folder, files that hold no samples yet are left out, which is said. Raises UsageError where
    there is none, HostError where they are not of one sensor, or some cannot be read; else as read.
    """
    files: list[tuple[Path, bool]] = []
    for path in paths:
        inside = files_of(path) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"{path} holds no recordings", hint=", ".join(SUFFIXES))
        files += [(file, path.is_dir()) for file in inside]
    out: list[Reading] = []
    empty: list[HostError] = []
    wrong: list[HostError] = []
    n_samples = 0
    for path, of_folder in files:
        try:
            found = read(path, named, rate_hz, apart=apart(path) if apart else None)
        except HostError as error:
            if not of_folder:
                raise
            (empty if isinstance(error, NoSamples) else wrong).append(error)
            continue
        if wrong:
            continue
        out.append(found)
        n_samples += out[-1].n_frames * out[-1].n_channels
        if n_samples > MOST_SAMPLES:
            raise HostError(
                f"with {path} the recordings hold {n_samples} samples",
                f"{MOST_SAMPLES} at most are read: score them in parts",
            )
    _refuse(wrong or ([] if out else empty), len(files))
    for error in empty:
        out[0].say(f"left out: {error.message}")
    agree(out)
    return ordered(out) if in_order else out


def _refuse(errors: Sequence[HostError], n_files: int) -> None:
    """Raise what is wrong with the files of a folder, all at once."""
    if not errors:
        return
    first = errors[0]
    message, hint = first.message, first.hint
    if "leave it out" not in hint:
        hint += ", or leave it out"
    if len(errors) > 1:
        hint = "mend them, or leave them out"
        told = "; ".join(error.message for error in errors[:MOST_TOLD])
        more = f"; and {len(errors) - MOST_TOLD} more" if len(errors) > MOST_TOLD else ""
        message = f"{len(errors)} of {n_files} files cannot be read: {told}{more}"
    raise HostError(message, hint, first.exit_code)


def _settle_rate(found: Reading, rate_hz: float | None) -> None:
    if found.rate_hz is not None and rate_hz is not None:
        if not same_rate(found.rate_hz, rate_hz):
            said = "its times say" if found.measured else "it was sampled at"
            raise HostError(
                f"{found.path}: {said} {found.rate_hz:g} Hz, --rate says {rate_hz:g} Hz",
                "leave out --rate",
            )
        if found.measured:
            found.rate_hz = rate_hz
    elif rate_hz is not None:
        found.rate_hz = rate_hz


def needs_rate(found: Reading) -> float:
    """Return the rate of a reading. Raises HostError if neither the file nor the user gives it."""
    if found.rate_hz is None:
        why = "; the unit of its time is not known" if found.measured else ""
        hint = "give it with --rate HZ"
        if found.n_frames == 1:
            why, hint = ": it has one row", f"leave it out, or {hint}"
        raise HostError(f"{found.path} does not say its sampling rate{why}", hint)
    return found.rate_hz


def _said(found: Reading) -> str:
    # A name such as "x (g)" contains the unit.
    units = dict.fromkeys(
        unit for name, unit in zip(found.names, found.units, strict=False) if unit not in name
    )
    unit = f" ({', '.join(units)})" if units else ""
    n = found.n_channels
    names = "" if found.names == [str(i) for i in range(n)] else " " + ", ".join(found.names)
    rate = f" at {found.rate_hz:g} Hz" if found.rate_hz else ""
    stretches = f" in {len(found.stretches)} stretches" if len(found.stretches) > 1 else ""
    what = f"{found.path}: {n} channel{'s' if n > 1 else ''}{names}{unit}{rate}"
    return (
        f"{what}, {found.n_frames} samples"
        + stretches
        + "".join(f"; {note}" for note in found.notes)
    )
