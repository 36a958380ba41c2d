"""From float amplitudes to integer powers, as kernels/viper_float.fold says it, in exact
integers.
"""

from __future__ import annotations

import numpy as np

from .exact import Ints, i32, rounded_shift

# of a single float, of a double's upper word; the leading one counts
MANTISSA_BITS = {4: 24, 8: 21}


def fold(amplitudes: np.ndarray) -> tuple[Ints, Ints]:
    """Return (powers of bins 0..m-1 with the strongest in place of bin 0, exponent); float
    (windows, 2m), >= 0.
    """
    bits = MANTISSA_BITS[amplitudes.itemsize]
    part, exponent = np.frexp(amplitudes[:, 1 : amplitudes.shape[1] // 2])  # part in 1/2..1
    exponent = np.where(part > 0, exponent - 1, -(10**6)).astype(np.int64)
    top = exponent.max(axis=1)
    v = rounded_shift(np.floor(part.astype(np.float64) * 2.0**bits).astype(np.int64), bits - 15)
    below = 2 * (top[:, None] - exponent)
    power = np.where(below > 30, 0, rounded_shift(i32(v * v), np.minimum(below, 30)))
    return np.concatenate([power.max(axis=1)[:, None], power], axis=1), top - 14
