"""Read NumPy files, .npy and .npz.

Enters: a path. Leaves: arrays with their names. Pickled objects are refused, because loading them
runs code. Sizes are checked before memory is allocated.
"""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from ..errors import HostError
from .counts import MOST_SAMPLES

MAX_BYTES = 1 << 30  # Of unpacked samples. A small archive may claim to hold terabytes.

_BLOCK = 1 << 20
# The exceptions that damaged archives and headers cause.
_NOT_NUMPY = (
    ValueError, OSError, EOFError, SyntaxError, TypeError, KeyError, RuntimeError,
    NotImplementedError, MemoryError, OverflowError, struct.error, tokenize.TokenError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


def read_arrays(path: Path) -> list[tuple[str, np.ndarray]]:
    """Return [(name, array)] of a NumPy file, in its order. An .npy has one array, named "".

    Raises HostError if it is not a NumPy file, is too large, or holds other than numbers, times and
    texts.
    """
    try:
        n_bytes = path.stat().st_size
        _check_size(path, n_bytes)
        with path.open("rb") as file:
            named = (
                [("", _read_npy(file, n_bytes))]
                if path.suffix.lower() == ".npy"
                else _read_npz(file, path)
            )
    except FileNotFoundError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
    except _NOT_NUMPY as error:
        raise HostError(
            f"{path} is not a readable NumPy file: {str(error)[:200]}",
            "save plain numbers with numpy.save",
        ) from None
    for name, array in named:
        if array.dtype.kind not in "iufbMU":
            raise HostError(
                f"{path} {name} holds {array.dtype}, expected numbers",
                "save it as int16 or float32",
            )
    return named


def _read_npz(file: IO[bytes], path: Path) -> list[tuple[str, np.ndarray]]:
    """Return the arrays of an archive. Its members are not extracted to disk."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_size(path, sum(member.file_size for member in members))
        return [
            (
                member.filename.removesuffix(".npy"),
                _read_npy(archive.open(member), member.file_size),
            )
            for member in members
        ]


def _read_npy(file: IO[bytes], n_bytes: int) -> np.ndarray:
    """Return the array in an .npy stream of n_bytes. Its header's size is checked against that."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version}")
    shape, by_column, kind = (
        npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    )(file)
    size = math.prod(shape) * kind.itemsize
    if kind.hasobject or min(shape, default=0) < 0 or size > n_bytes:
        raise ValueError(f"{kind} {shape} in {n_bytes} bytes")
    if math.prod(shape) > MOST_SAMPLES:
        raise HostError(f"an array of {math.prod(shape)} samples", f"{MOST_SAMPLES} at most")
    raw, at = np.empty(size, np.uint8), 0
    while at < size:  # In blocks: one read of an archive's member would need its memory twice.
        part = file.read(min(_BLOCK, size - at))
        if not part:
            raise EOFError(f"{at} bytes of {size}")
        raw[at : at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
    return raw.view(kind).reshape(shape, order="F" if by_column else "C")


def _check_size(path: Path, n_bytes: int) -> None:
    if n_bytes > MAX_BYTES:
        raise HostError(
            f"{path} holds {n_bytes} bytes of samples", f"split it: {MAX_BYTES} at most"
        )
