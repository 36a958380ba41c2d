"""Exact integer sums for a covariance, as `learn` of viper_window makes them for a variance.

Enters: int8 embeddings. Leaves: sums, for whitening. The rules of kernels/viper.py hold.
"""

import micropython


@micropython.viper
def learn_outer(x: ptr8, n: int, sums: ptr32, outer: ptr32):
    """Add one embedding to the sums of x and of x x^T.

    x: int8 (n,). sums: int32 (n,). outer: the upper triangle of x x^T by rows, n (n + 1) / 2 pairs
    of int32 (high, low) = high * 2^24 + low, 0 <= low < 2^24. Bounds: |product| <= 2^14, so
    product + low is from -2^14 to 2^24 + 2^14, and the carry is -1, 0 or 1. Exact for 2^24
    embeddings: |sum| <= 2^38, |high| <= 2^14, |sum of x| <= 2^31. On 64 bits a high word is loaded
    without its sign, but the 32 bits that are stored are right.
    """
    for i in range(n):
        a = (x[i] ^ 128) - 128
        sums[i] = int(sums[i]) + a
        for j in range(i, n):
            v = a * ((x[j] ^ 128) - 128) + int(outer[1])
            outer[0] = int(outer[0]) + (v >> 24)
            outer[1] = v & 0xFFFFFF
            outer = ptr32(int(outer) + 8)
