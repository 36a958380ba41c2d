"""log2 in Q8 as in the kernels: the exponent, plus a table of the 8 bits after the leading one."""

from __future__ import annotations

import numpy as np

from .exact import Ints, bit_length, i32
from .tables import log2_fraction

_FRACTION = log2_fraction()


def normalised(value: Ints) -> Ints:
    """Return 256 log2(value) by the table, for 1 <= value < 2^31.

    For 0 the result has no meaning, and the caller replaces it.
    """
    value = i32(value)
    exponent = bit_length(np.maximum(value, 1)) - 1
    lifted = i32(np.maximum(value, 1) << (30 - exponent))
    return 256 * exponent + _FRACTION[lifted >> 22 & 255]


def log2_q8(value: Ints) -> Ints:
    """Return the same as normalised, but 0 for values of 1 and below."""
    return np.where(np.asarray(value) <= 1, 0, normalised(value))


def wide(total: Ints) -> Ints:
    """Return log2_q8 of a sum of up to 47 bits. From 2^30 on, only its upper bits count."""
    beyond = np.asarray(total) >> 30 > 0
    return np.where(
        beyond,
        log2_q8(np.where(beyond, total >> 17, 1)) + 17 * 256,
        log2_q8(np.where(beyond, 1, total)),
    )
