"""The cosine distance of the fixed path in exact integers, by the docstring of viper_cosine.py."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .exact import i32

ONE = 1 << 15


def cosine_distance(x: Sequence[int], y: Sequence[int]) -> int:
    """Return 1 - x y / (|x| |y|) of two int8 vectors, in Q15. It is 1 if one of them is 0."""
    if not any(x) or not any(y):
        return ONE
    product = sum(int(i32(a * b)) for a, b in zip(x, y, strict=True))
    (x_root, x_bits), (y_root, y_bits) = _length(x), _length(y)
    whole = int(i32(x_root * y_root))
    i32(2 * whole)  # The division doubles a remainder, which is below whole.
    part = int(i32(abs(product) << (x_bits + y_bits)))
    cosine = ONE if part >= whole else ((part << 16) // whole + 1) >> 1
    return ONE - (cosine if product > 0 else -cosine)


def _length(x: Sequence[int]) -> tuple[int, int]:
    """Return (root of the squared length, shifted up into 2^28..2^30; half of the shift)."""
    square = sum(v * v for v in x)
    bits = (30 - square.bit_length()) // 2
    return math.isqrt(int(i32(square << (2 * bits)))), bits
