"""From sums of embeddings to their mean, variance and weights, for any board.

Enters: raw sums of a prototype. Leaves: what `score` and `distances` compare with. The rules of
kernels/viper.py hold.
"""

import micropython


@micropython.viper
def derive(sums: ptr32, v: int, squares: ptr32, count: int, mean: ptr8, variance: ptr32):
    """Write the mean and the variance of each of v dimensions, from sums over count embeddings.

    sums: int32 (v,). v: n_dims; its register then holds dividends. squares: int32 (v, 2), as (high,
    low). count: 1 to 2^24 - 1. mean: int8 (v,), rounded. variance: int32 (v,), Q12, about the exact
    mean.

    Quotients are computed six bits at a time: a remainder below count, times 64, is below 2^30.
    With S1 / count = q + f (f in Q20) and S2 / count = a + g, variance = a - q^2 + g - 2 q f - f^2.
    Bounds: |q| <= 128, so 2 q f <= 2^28. f^2, with f in Q14, is at most 2^28. a and q^2 are at most
    2^14, which is 2^26 in Q12.
    """
    b = 31
    sign = 1 << b
    end = int(sums) + (v << 2)
    while int(sums) < end:
        v = (int(sums[0]) ^ sign) - sign
        if v < 0:  # // would overflow int32 near -2^31, so divide the negative and take the floor.
            v = -v
            q = -(v // count)
            v = -q * count - v
            if v < 0:
                q -= 1
                v += count
        else:
            q = v // count
            v -= q * count
        v = v << 6
        f = v // count
        v = (v - f * count) << 6
        e = v // count
        f = (f << 6) + e
        v = (v - e * count) << 6
        e = v // count
        f = (f << 6) + e
        v = (v - e * count) << 2
        f = (f << 2) + v // count
        # S2 / count: the high word is below 2^14, and the low word follows in four pieces.
        low = int(squares[1])
        v = int(squares[0])
        a = v // count
        v = ((v - a * count) << 6) + (low >> 18)
        e = v // count
        a = (a << 6) + e
        v = ((v - e * count) << 6) + ((low >> 12) & 63)
        e = v // count
        a = (a << 6) + e
        v = ((v - e * count) << 6) + ((low >> 6) & 63)
        e = v // count
        a = (a << 6) + e
        v = ((v - e * count) << 6) + (low & 63)
        e = v // count
        a = (a << 6) + e
        v = (v - e * count) << 6
        g = v // count
        v = (v - g * count) << 6
        e = v // count
        g = (g << 6) + e
        v = (v - e * count) << 6
        e = v // count
        g = (g << 6) + e
        v = (v - e * count) << 2
        g = (g << 2) + v // count
        v = f >> 6
        v = ((a - q * q) << 12) + ((g - 2 * q * f - ((v * v) >> 8)) >> 8)
        if v < 0:
            v = 0
        variance[0] = v
        v = q + ((f >> 19) & 1)
        if v > 127:
            v = 127
        mean[0] = v
        sums = ptr32(int(sums) + 4)
        squares = ptr32(int(squares) + 8)
        mean = ptr8(int(mean) + 1)
        variance = ptr32(int(variance) + 4)


@micropython.viper
def pool(variances: ptr32, n: int, n_rows: int, shares: ptr32, out: ptr32):
    """Write the weighted mean of n_rows rows of variances to out.

    variances: int32 (n_rows, n), Q12, at most 2^26. shares: int32 (n_rows,), weights in 256ths,
    which add up to 512 at most. out: int32 (n,), Q12, held to 2^26. Bound: the sum of
    (v >> 5) * share is at most 2^30.
    """
    for i in range(n):
        s = 0
        at = i
        for j in range(n_rows):
            s += (int(variances[at]) >> 5) * int(shares[j])
            at += n
        s = s >> 3
        if s > 0x4000000:
            s = 0x4000000
        out[i] = s


@micropython.viper
def weigh(variance: ptr32, n: int, floor: int, weights: ptr8, n_rows: int) -> int:
    """Write weights = 255 smallest / variance to each of n_rows rows. Return the smallest variance.

    variance: int32 (n,), Q12, at most 2^26. floor: lower bound of a variance, Q12, 1 to 2^24.
    weights: uint8 (n_rows, n), rounded, 1..255. Bound: smallest and variance are halved together
    until 255 * smallest + variance / 2 < 2^30.
    """
    low = 0x3FFFFFFF
    for i in range(n):
        v = int(variance[i])
        if v < floor:
            v = floor
        if v < low:
            low = v
    for i in range(n):
        v = int(variance[i])
        if v < floor:
            v = floor
        r = low
        while r >= 0x200000:
            r = r >> 1
            v = v >> 1
        q = (r * 255 + (v >> 1)) // v
        if q < 1:
            q = 1
        if q > 255:
            q = 255
        at = i
        for _ in range(n_rows):
            weights[at] = q
            at += n
    return low
