"""Arrays to readings: which of a NumPy file's are channels, stretches, times, labels or the rate.

Enters: arrays with their names, and what the user named. Leaves: a Reading. What holds for columns
of a table holds for them: one that rises like a clock is time and never a channel.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import HostError, UsageError
from .of_tables import of_table
from .reading import Reading, Stretch
from .tables.cells import NUMBER, TEXT, TIME
from .tables.clock import is_regular, same_rate
from .tables.columns import MOST_LABELS, Column, Table
from .tables.meaning import Named
from .tables.units import says_label, says_time, split_unit

RATES = ("fs", "fs_hz", "rate", "rate_hz", "sr", "sampling_rate", "sample_rate", "samplerate")
RATES += ("sampling_frequency", "sampling_rate_hz", "sample_rate_hz")
SENSOR_BYTES = 2  # of an integer: narrow ones are a sensor's counts, in which no time is kept
_NO_NAME = re.compile(r"arr_\d+")  # what numpy.savez calls arrays without one
_HINT = "name it in numpy.savez: time=, label= or fs=; or choose channels with --columns"
Arrays = list[tuple[str, np.ndarray]]


def of_frames(
    path: Path, frames: Sequence[tuple[str, np.ndarray]], rate_hz: float | None, named: Named
) -> Reading:
    """Return the reading of stretches (name, samples (n, channels)) whose columns are channels.

    Raises HostError where they differ in channels, UsageError where a column is not there.
    """
    _check_channels(path, frames)
    stretches = [Stretch(_chosen(samples, named.samples, path), name) for name, samples in frames]
    n = len(stretches[0].columns) if stretches else 0
    names = list(named.samples) if named.samples is not None else [str(i) for i in range(n)]
    return Reading(path, rate_hz, names, [""] * n, stretches)


def _check_channels(path: Path, frames: Sequence[tuple[str, np.ndarray]]) -> None:
    for (_, before), (name, samples) in zip(frames, frames[1:], strict=False):
        if samples.shape[1] != before.shape[1]:
            where = f"{path}[{name}]" if name else str(path)
            raise HostError(
                f"{where} has {samples.shape[1]} channels, the one before it {before.shape[1]}",
                "keep arrays with equal channels in one file",
            )


def _chosen(samples: np.ndarray, columns: Sequence[str] | None, path: Path) -> list[np.ndarray]:
    n = samples.shape[1]
    if columns is None:
        return [samples[:, i] for i in range(n)]
    for column, times in Counter(columns).items():
        if not column.isdecimal() or int(column) >= n:
            raise HostError(
                f"{path} has no column {column!r}", f"its columns are numbered 0 to {n - 1}"
            )
        if times > 1:
            raise UsageError(f"--columns names {column!r} twice", hint="each column once")
    return [samples[:, int(column)] for column in columns]


def of_numpy(
    path: Path,
    arrays: Arrays,
    named: Named,
    expected_hz: float | None = None,
    apart: Callable[[str], bool] | None = None,
) -> Reading:
    """Return the reading of a NumPy file's arrays, ("", array) alone of an .npy.

    Arrays (n,) of one length that have names are channels of one recording, or its time and its
    labels, also beside one (n, channels). Others are stretches, one after the other. apart: whether
    an array's name says that it is a recording of its own. Raises HostError, UsageError.
    """
    arrays, rate_hz, notes = _scalars(path, arrays)
    if not arrays:
        raise HostError(f"{path} holds no samples", "record at least one window")
    if len(arrays) == 1:
        found = _of_one(path, *arrays[0], named, expected_hz or rate_hz)
    elif apart is not None and all(apart(name) for name, _ in arrays):
        found = _of_stretches(path, arrays, named, expected_hz or rate_hz)
    elif _is_table(path, arrays):
        found = of_table(_table(path, arrays, named), named, expected_hz or rate_hz)
    else:
        if len({len(array) for _, array in arrays}) == 1:
            notes.append(f"{len(arrays)} arrays of one length are taken for stretches in time")
        arrays = sorted(arrays, key=lambda one: _by_number(one[0]))
        found = _of_stretches(path, arrays, named, expected_hz or rate_hz)
    found.notes = notes + found.notes
    if rate_hz is None:
        return found
    if found.rate_hz is not None and not same_rate(found.rate_hz, rate_hz):
        raise HostError(
            f"{path}: its times say {found.rate_hz:g} Hz, its rate says {rate_hz:g} Hz",
            "save it with one of them alone",
        )
    found.rate_hz = rate_hz
    return found


def _scalars(path: Path, arrays: Arrays) -> tuple[Arrays, float | None, list[str]]:
    """Return (arrays without single values, the rate among these, notes on the others)."""
    rest, rate_hz, notes = [], None, []
    for name, array in arrays:
        if name.lower() in RATES and array.size == 1 and array.dtype.kind in "iuf":
            rate_hz = float(array.reshape(-1)[0])
            if not (np.isfinite(rate_hz) and rate_hz > 0):
                raise HostError(f"{path}: {name} = {rate_hz:g} is no sampling rate", "mend it")
            notes.append(f"its {name} is the rate")
        elif array.ndim == 0 and name:
            notes.append(f"{name!r} is left out: a single value")
        elif array.ndim not in (1, 2):
            raise HostError(
                f"{path} {name} has shape {array.shape}, expected (frames,) or (frames, channels)",
                "save each stretch as an array of its own in an .npz",
            )
        else:
            rest.append((name, array))
    return rest, rate_hz, notes


def _is_table(path: Path, arrays: Arrays) -> bool:
    """Return whether arrays are the columns of one recording. Raises HostError where that is not
    sure.
    """
    single = [(name, array) for name, array in arrays if array.ndim == 1]
    blocks = [(name, array) for name, array in arrays if array.ndim == 2]
    of_rows = [name for name, array in single if _is_of_rows(name, array)]
    if len({len(array) for _, array in arrays}) > 1:
        if of_rows:
            raise HostError(
                f"{path}: {of_rows[0]!r} has not as many rows as the arrays beside it",
                "save each recording with its times in a file of its own",
            )
        return False
    if blocks and single:
        others = [(n, a) for n, a in single if n not in of_rows and not _is_target(n, a)]
        if others or len(blocks) > 1:
            name = others[0][0] if others else single[0][0]
            raise HostError(
                f"{path}: {name!r} stands beside {blocks[0][0]!r} and has one value a row of it: "
                "a channel, a label, or a time?",
                _HINT,
            )
        return True
    if blocks:
        return False
    if not all(_NO_NAME.fullmatch(name) for name, _ in single):
        _check_target(path, single)
        return True
    first = single[0][1]
    if first.dtype.kind == "M" or is_regular(first, strictly=True):
        return True  # numpy.savez(t, x, y, z)
    if of_rows or len({array.dtype.kind in "fc" for _, array in single}) > 1:
        raise HostError(
            f"{path}: {single[0][0]!r} and {single[1][0]!r} are of one length and of two kinds: "
            "channels, labels, or stretches?",
            _HINT,
        )
    return False


def _is_of_rows(name: str, array: np.ndarray) -> bool:
    """Return whether an array says when its rows were, or what is true of them."""
    return array.dtype.kind in "MU" or says_time(name) or says_label(name)


def _is_target(name: str, array: np.ndarray) -> bool:
    """Return whether an array is the y of X and y, as classifiers are given them."""
    return name.lower() == "y" and _few(array)


def _few(array: np.ndarray) -> bool:
    return array.dtype.kind in "iub" and len(np.unique(array)) <= MOST_LABELS


def _check_target(path: Path, single: Arrays) -> None:
    """Raise HostError where y may be the label of x: both are channels where a z is there."""
    by_name = {name.lower(): array for name, array in single}
    if {"x", "y"} <= set(by_name) and "z" not in by_name and len(by_name["y"]) > MOST_LABELS:
        x, y = by_name["x"], by_name["y"]
        if y.dtype.kind in "iub" and _few(y) and (x.dtype.kind == "f" or not _few(x)):
            raise HostError(
                f"{path}: 'y' has {len(np.unique(y))} different values: a label or a channel?",
                "save it as label=, or choose channels with --columns",
            )


def _table(path: Path, arrays: Arrays, named: Named) -> Table:
    """Return arrays of one length as columns of a table."""
    bare = all(_NO_NAME.fullmatch(name) for name, _ in arrays)
    has_label = named.label is not None or any(says_label(name) for name, _ in arrays)
    columns: list[Column] = []
    for i, (name, array) in enumerate(arrays):
        if array.ndim == 2:
            columns += [_column(str(k), array[:, k]) for k in range(array.shape[1])]
        elif _is_target(name, array) and not has_label and any(a.ndim == 2 for _, a in arrays):
            columns.append(_column("label", array))
        else:
            columns.append(_column(str(i) if bare else name, array))
    return Table(path, columns, named=not bare)


def _column(name: str, values: np.ndarray) -> Column:
    unit = split_unit(name)[1]
    if values.dtype.kind == "M":
        if np.isnat(values).any():
            raise HostError(
                f"row {int(np.argmax(np.isnat(values))) + 1} of {name!r} is no time", "mend it"
            )
        times_ns = values.astype("datetime64[ns]").astype(np.int64)
        return Column(name, unit, TIME, times_ns)
    if values.dtype.kind == "U":
        names, codes = np.unique(values, return_inverse=True)
        column = Column(name, unit, TEXT, codes.astype(np.int32), names=[str(n) for n in names])
        column.many = len(names) > MOST_LABELS
        return column
    return Column(name, unit, NUMBER, values)


def _of_one(
    path: Path, name: str, array: np.ndarray, named: Named, expected_hz: float | None
) -> Reading:
    if array.dtype.kind not in "iufb":
        raise HostError(
            f"{path} {name} holds {array.dtype}, expected numbers", "save it as int16 or float32"
        )
    block = array.reshape(len(array), -1) if array.size else array.reshape(0, 1)
    shown = "" if _NO_NAME.fullmatch(name) else name
    if array.dtype.itemsize <= SENSOR_BYTES and array.dtype.kind in "iub":
        found = of_frames(path, [(shown, block)], None, named)
        if named.samples is None and block.shape[1] > 1 and is_regular(block[:, 0], strictly=True):
            found.notes.append("its first column rises like a clock, and is taken for a channel")
        return found
    columns = [_column(str(i), block[:, i]) for i in range(block.shape[1])]
    found = of_table(Table(path, columns, named=False), named, expected_hz)
    for stretch in found.stretches:
        stretch.name = shown
    return found


def _of_stretches(path: Path, arrays: Arrays, named: Named, expected_hz: float | None) -> Reading:
    """Return arrays one after the other, each with channels, and perhaps times, of its own."""
    _check_channels(path, [(name, array.reshape(len(array), -1)) for name, array in arrays])
    parts = [_of_one(path, *one, named, expected_hz) for one in arrays if one[1].size]
    if not parts:
        raise HostError(f"{path} holds no samples", "record at least one window")
    first = parts[0]
    whole = replace(first, stretches=list(first.stretches))
    for (name, _), part in zip(arrays[1:], parts[1:], strict=False):
        if part.names != first.names:
            raise HostError(
                f"{path}[{name}] has the channels {', '.join(part.names)}, the first one "
                + ", ".join(first.names),
                "give times to all of its arrays or to none, or choose channels with --columns",
            )
        both = part.rate_hz, first.rate_hz
        if both[0] and both[1] and not same_rate(both[0], both[1]):
            raise HostError(
                f"{path}[{name}] was sampled at {both[0]:g} Hz, the first one at {both[1]:g} Hz",
                "resample one of them",
            )
        last = whole.stretches[-1]
        for stretch in part.stretches:
            if stretch.since is not None and last.since is not None:
                stretch.since += last.since + (last.lasted or 0.0) + 1.0
        whole.stretches += part.stretches
    return whole


def _by_number(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by, so that arr_2 comes before arr_10."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
