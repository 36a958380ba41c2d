"""Readers of sample files: .npy, .npz, .csv and PCM .wav, each to one array of numbers a stretch.

Enters: a path. Leaves: (n, channels) arrays in the file's own unit; recordings.py turns them into counts.
"""

import csv
import math
import struct
import tokenize
import wave
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from .errors import HostError

MAX_BYTES = 1 << 30  # of samples in one file, unpacked: a small archive may claim to hold terabytes
SUFFIXES_OF_SAMPLES = (".npy", ".npz", ".csv", ".wav")


def read_samples(
    src: Path, suffix: str, columns: Sequence[str] | None
) -> tuple[list[tuple[str, np.ndarray]], float | None]:
    """Return ([(name, samples (n, c))], rate_hz) of src; rate_hz is None where the format does not say it.

    One entry a file, but one an array for .npz, by name. columns: names or numbers from 0; all where None.
    Raises HostError on an unreadable file, an unknown suffix or column, or a cell that is no number.
    """
    if suffix == ".csv":
        return [("", _read_csv(src, columns))], None
    if suffix == ".wav":
        samples, rate = _read_wav(src)
        return [("", _choose(samples, columns, src))], rate
    if suffix not in (".npy", ".npz"):
        raise HostError(f"{src}: {suffix or 'no suffix'} is not read", f"convert it to one of {SUFFIXES_OF_SAMPLES}")
    _check_size(src, src.stat().st_size if src.is_file() else 0)
    try:
        with src.open("rb") as file:
            named = [("", _read_npy(file, src.stat().st_size))] if suffix == ".npy" else _read_npz(file, src)
    except FileNotFoundError as error:
        raise HostError(f"cannot read {src}: {error.strerror}", "check the path") from None
    except _NOT_NUMPY as error:
        raise HostError(
            f"{src} is not a readable NumPy file: {str(error)[:200]}", "save plain numbers with numpy.save"
        ) from None
    out = []
    for name, array in named:
        if array.ndim not in (1, 2):
            raise HostError(
                f"{src} {name} has shape {array.shape}, expected (frames,) or (frames, channels)",
                "save each stretch as an array of its own in an .npz",
            )
        samples = array.reshape(len(array), -1) if array.size else array.reshape(0, 1)
        out.append((name, _choose(samples, columns, src)))
    return out, None


# what readers of damaged archives and headers raise
_NOT_NUMPY = (
    ValueError, OSError, EOFError, SyntaxError, TypeError, KeyError, RuntimeError, NotImplementedError, MemoryError,
    OverflowError, struct.error, tokenize.TokenError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


def _read_npz(file: IO[bytes], src: Path) -> list[tuple[str, np.ndarray]]:
    """Return the arrays of an archive by name. Its members are read, never written to a disk."""
    with zipfile.ZipFile(file) as archive:
        members = sorted(archive.infolist(), key=lambda member: member.filename)
        _check_size(src, sum(member.file_size for member in members))
        return [
            (member.filename.removesuffix(".npy"), _read_npy(archive.open(member), member.file_size))
            for member in members
        ]


def _read_npy(file: IO[bytes], n_bytes: int) -> np.ndarray:
    """Return the array in a .npy stream of n_bytes: one that claims more than there is costs no memory."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version}")
    shape, by_column, kind = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    size = math.prod(shape) * kind.itemsize
    if kind.hasobject or min(shape, default=0) < 0 or size > n_bytes:
        raise ValueError(f"{kind} {shape} in {n_bytes} bytes")
    return np.frombuffer(file.read(size), kind).reshape(shape, order="F" if by_column else "C")


def _check_size(src: Path, n_bytes: int) -> None:
    if n_bytes > MAX_BYTES:
        raise HostError(f"{src} holds {n_bytes} bytes of samples", f"split it: {MAX_BYTES} at most")


def _choose(samples: np.ndarray, columns: Sequence[str] | None, src: Path) -> np.ndarray:
    """Return the columns of samples that columns numbers."""
    if columns is None:
        return samples
    n = samples.shape[1]
    for column in columns:
        if not column.isdecimal() or int(column) >= n:
            raise HostError(f"{src} has no column {column!r}", f"its columns are numbered 0 to {n - 1}")
    return samples[:, [int(column) for column in columns]]


def _read_csv(src: Path, columns: Sequence[str] | None) -> np.ndarray:
    """Return the chosen columns as float64, (n, c). A first line that is not all numbers is a header."""
    text = read_bytes(src).decode("utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return np.empty((0, 1))
    delimiter = max(";\t,", key=lines[0].count) if any(c in lines[0] for c in ";\t,") else " "
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise HostError(f"{src} is not readable csv: {error}", "save plain numbers, a row a line") from None
    header = None if all(_is_number(cell) for cell in rows[0]) else [cell.strip() for cell in rows[0]]
    first = 0 if header is None else 1
    width = len(rows[0])
    if columns is None:
        chosen = list(range(width))
    else:
        chosen = []
        for column in columns:
            if header and column in header:
                chosen.append(header.index(column))
            elif column.isdecimal() and int(column) < width:
                chosen.append(int(column))
            else:
                names = ", ".join(header)[:400] if header else f"0 to {width - 1}"
                raise HostError(f"{src} has no column {column!r}", f"its columns: {names}")
    for index, row in enumerate(rows[first:]):  # before there is room for all: a short row ends it
        if len(row) <= max(chosen, default=-1):
            raise _no_number(src, index + first + 1, len(row), "")
    out = np.empty((len(rows) - first, len(chosen)))
    for index, row in enumerate(rows[first:]):
        for place, column in enumerate(chosen):
            try:
                out[index, place] = float(row[column])
            except ValueError:
                raise _no_number(src, index + first + 1, column, row[column]) from None
    return out


def _no_number(src: Path, line: int, column: int, cell: str) -> HostError:
    return HostError(
        f"{src} line {line}, column {column}: {cell[:40]!r} is not a number",
        "choose the columns that hold samples with --columns",
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_wav(src: Path) -> tuple[np.ndarray, float]:
    """Return (samples int64 (n, channels) in 16-bit counts, rate_hz) of a PCM file.

    Wider samples lose their low bits.
    """
    read_bytes(src)
    try:
        with wave.open(str(src), "rb") as wav:
            width, n_channels, rate = wav.getsampwidth(), wav.getnchannels(), wav.getframerate()
            raw = wav.readframes(wav.getnframes())
    except (wave.Error, EOFError, struct.error, RuntimeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise HostError(f"{src} is not a PCM wav file: {error}", "convert it to 16-bit PCM") from None
    raw = raw[: len(raw) // (width * n_channels) * width * n_channels]
    octets = np.frombuffer(raw, np.uint8).reshape(-1, width)
    if width == 1:  # 8-bit wav is unsigned around 128
        counts = (octets[:, 0].astype(np.int64) - 128) << 8
    else:
        top = octets[:, -2:].copy().view("<i2")[:, 0]
        counts = top.astype(np.int64)
    return counts.reshape(-1, n_channels), float(rate)


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. Raises HostError where it cannot be read."""
    try:
        _check_size(path, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
