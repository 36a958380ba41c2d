"""Convert float amplitudes to integer powers in exact integers, as kernels/viper_float.fold."""

from __future__ import annotations

import numpy as np

from .exact import Ints, i32, rounded_shift

# Bits by item size: of a single float, and of the upper word of a double. With the leading one.
MANTISSA_BITS = {4: 24, 8: 21}


def fold(amplitudes: np.ndarray) -> tuple[Ints, Ints]:
    """Convert amplitudes, float (windows, 2m), >= 0, to powers.

    Returns (powers of bins 0..m-1, exponent). Bin 0 holds the largest power of the others.
    """
    bits = MANTISSA_BITS[amplitudes.itemsize]
    part, exponent = np.frexp(amplitudes[:, 1 : amplitudes.shape[1] // 2])  # 1/2 <= part < 1
    exponent = np.where(part > 0, exponent - 1, -(10**6)).astype(np.int64)
    top = exponent.max(axis=1)
    v = rounded_shift(np.floor(part.astype(np.float64) * 2.0**bits).astype(np.int64), bits - 15)
    below = 2 * (top[:, None] - exponent)
    power = np.where(below > 30, 0, rounded_shift(i32(v * v), np.minimum(below, 30)))
    return np.concatenate([power.max(axis=1)[:, None], power], axis=1), top - 14
