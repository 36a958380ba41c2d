"""Tables of the fixed path from math.sin and math.log2, by the docstrings of kernels/tables.py."""

from __future__ import annotations

import math

import numpy as np


def q15_sine(num: int, den: int) -> int:
    """Return sin(num / den turns) in Q15.

    It interpolates linearly, with a fraction in Q14, between 1024 rounded points a turn.
    """
    at = (num % den) * 1024 * 16384 // den
    i, part = divmod(at, 16384)
    low, high = (math.floor(32768 * math.sin(math.tau * k / 1024) + 0.5) for k in (i, i + 1))
    return low + ((high - low) * part + 8192) // 16384


def hann(n: int) -> np.ndarray:
    """Return the periodic Hann window as sin^2(pi i / n) in Q14, int64 (n,)."""
    return np.array([(q15_sine(i, 2 * n) ** 2 + (1 << 15)) >> 16 for i in range(n)], dtype=np.int64)


def twiddles(n: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cos and -sin of 2 pi k / n for k < count, int64, Q12.

    They are rounded from Q15, halves away from zero.
    """
    cos = np.array([q15_sine(4 * k + n, 4 * n) for k in range(count)], dtype=np.int64)
    sin = np.array([-q15_sine(k, n) for k in range(count)], dtype=np.int64)
    return _eighth(cos), _eighth(sin)


def _eighth(v: np.ndarray) -> np.ndarray:
    return np.sign(v) * ((np.abs(v) + 4) >> 3)


def order(m: int) -> np.ndarray:
    """Return the position of frequency k of m after a decimation in frequency.

    The radix is 4 while at least four points remain, then 2.
    """
    if m == 1:
        return np.zeros(1, dtype=np.int64)
    radix = 4 if m >= 4 else 2
    inner = order(m // radix)
    k = np.arange(m)
    return k % radix * (m // radix) + inner[k // radix]


def log2_fraction() -> np.ndarray:
    """Return round(256 log2(1 + (i + 1/2) / 256)) for the 256 steps of a mantissa, at most 255."""
    values = [math.floor(256 * math.log2(1 + (i + 0.5) / 256) + 0.5) for i in range(256)]
    return np.minimum(255, np.array(values, dtype=np.int64))
