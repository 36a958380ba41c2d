"""Integers that must fit a word: int32 in the kernels, 31 bits where bytecode reads them
without allocating.
"""

from __future__ import annotations

import numpy as np

Ints = np.ndarray  # int64


class OutsideWord(AssertionError):
    """An intermediate left its word: on a board the result would differ, or be made on the heap."""


def i32(value: Ints | int) -> Ints:
    """Return value, int64, as it is; raise OutsideWord where it does not fit int32."""
    return _held(value, 1 << 31, "int32")


def small(value: Ints | int) -> Ints:
    """Return value as it is; raise OutsideWord where a 32-bit board would keep it on the heap
    (beyond 31 bits).
    """
    return _held(value, 1 << 30, "a small integer")


def _held(value: Ints | int, limit: int, what: str) -> Ints:
    value = np.asarray(value, dtype=np.int64)
    if value.size and (value.min() < -limit or value.max() >= limit):
        raise OutsideWord(f"{value.min()} to {value.max()} does not fit {what}")
    return value


def rounded_shift(value: Ints, by: Ints | int) -> Ints:
    """Return (value + half) >> by, to nearest, halves up; by = 0 leaves value."""
    return i32(value + ((np.int64(1) << by) >> 1)) >> by


def bit_length(value: Ints) -> Ints:
    """Return the bit length of each value, 0 <= value < 2^53."""
    return np.frexp(value.astype(np.float64))[1].astype(np.int64)


def int8(value: Ints) -> Ints:
    """Return value held to -128..127."""
    return np.clip(value, -128, 127)
