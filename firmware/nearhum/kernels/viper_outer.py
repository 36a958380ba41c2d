"""Sums for a covariance, exact in integers: what `learn` of kernels/viper.py is for a variance.

Rules as there.
"""

import micropython


@micropython.viper
def learn_outer(x: ptr8, n: int, sums: ptr32, outer: ptr32):
    """Add one int8 embedding to the raw sums: of x (int32), and of the upper triangle of x x^T,
    row by row.

    outer: n (n + 1) / 2 pairs (high, low), high * 2^24 + low, 0 <= low < 2^24. |product| <= 2^14:
    product + low stays below 2^24 + 2^14 and not below -2^14, the carry is -1, 0 or 1. Exact for
    2^24 embeddings: |sum| <= 2^38, |high| <= 2^14; |sum of x| <= 2^31. A high word is loaded
    without its sign on 64 bits, and stored with the same 32 bits.
    """
    for i in range(n):
        a = (x[i] ^ 128) - 128
        sums[i] = int(sums[i]) + a
        for j in range(i, n):
            v = a * ((x[j] ^ 128) - 128) + int(outer[1])
            outer[0] = int(outer[0]) + (v >> 24)
            outer[1] = v & 0xFFFFFF
            outer = ptr32(int(outer) + 8)
