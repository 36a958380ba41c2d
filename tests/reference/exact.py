"""Integers that must fit a machine word.

A word is int32 in the kernels. Where bytecode reads a value, it is 31 bits: MicroPython allocates
larger integers on the heap.
"""

from __future__ import annotations

import numpy as np

Ints = np.ndarray  # int64


class OutsideWord(AssertionError):
    """An intermediate does not fit its word: a board would compute something else, or allocate."""


def i32(value: Ints | int) -> Ints:
    """Return value unchanged as int64. Raises OutsideWord if it does not fit int32."""
    return _held(value, 1 << 31, "int32")


def small(value: Ints | int) -> Ints:
    """Return value unchanged. Raises OutsideWord if it does not fit 31 bits."""
    return _held(value, 1 << 30, "a small integer")


def _held(value: Ints | int, limit: int, what: str) -> Ints:
    value = np.asarray(value, dtype=np.int64)
    if value.size and (value.min() < -limit or value.max() >= limit):
        raise OutsideWord(f"{value.min()} to {value.max()} does not fit {what}")
    return value


def rounded_shift(value: Ints, by: Ints | int) -> Ints:
    """Return value / 2^by, rounded to nearest, halves up."""
    return i32(value + ((np.int64(1) << by) >> 1)) >> by


def bit_length(value: Ints) -> Ints:
    """Return the bit length of each value, 0 <= value < 2^53."""
    return np.frexp(value.astype(np.float64))[1].astype(np.int64)


def int8(value: Ints) -> Ints:
    """Return value, clipped to -128..127."""
    return np.clip(value, -128, 127)
