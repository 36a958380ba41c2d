"""The kernels that every window needs, for boards that cannot run thumb.py: the same bits.

Enters: windows and embeddings. Leaves: means, scores and sums. The rules of kernels/viper.py hold.
"""

import micropython


def bind(*arguments):
    """Return the remaining arguments of a kernel as the one object in which it takes them."""
    return arguments


@micropython.viper
def centre(x: ptr16, v: int, reading: ptr32) -> int:
    """Return the mean of v samples in Q4, rounded to nearest.

    x: int16 (v,). v: n, at most 1024, so |sum| <= 2^25; its register then holds samples. reading:
    int32 (2,), gets the mean rounded to counts, and rest = mean in Q4 - 16 * rounded mean (-8..7).
    """
    n = v
    end = int(x) + ((n >> 2) << 3)
    s = 0
    while int(x) < end:
        v = (x[0] ^ 0x8000) + (x[1] ^ 0x8000)
        v += (x[2] ^ 0x8000) + (x[3] ^ 0x8000)
        s += v
        x = ptr16(int(x) + 8)
    end += (n & 3) << 1
    while int(x) < end:
        s += x[0] ^ 0x8000
        x = ptr16(int(x) + 2)
    v = (((s - (n << 15)) << 4) + (n >> 1)) // n
    s = (v + 8) >> 4
    reading[0] = s
    reading[1] = v - (s << 4)
    return v


@micropython.viper
def score(x: ptr8, v: int, bound) -> int:
    """Write the score of x against each of v prototypes, octaves in Q8. Return the smallest.

    x: int8 (n,). v: n_prototypes, at least 1; its register then holds values. bound: bind(means,
    weights, n, table, scales, out), with means int8 and weights uint8 (v, n), tables.log2_table,
    and scales and out int32 (v,).

    The score is round(256 log2(distance + n / 4 * largest term)) - scale. Distance is the sum of n
    terms (x - mean)^2 * weight. The largest term is added so that a fault in one band does not
    vanish among the others. Bounds as in viper_nearest. The sum is computed halved: distance / 2 <
    2^30, and n * term < 128 * 255^3 < 2^31, an eighth of which is below 2^28. |scales| < 2^29.
    """
    means = ptr8(bound[0])
    weights = ptr8(bound[1])
    n = int(bound[2])
    table = ptr8(bound[3])
    scales = ptr32(bound[4])
    out = ptr32(bound[5])
    b = 31
    sign = 1 << b
    start = int(x)
    end = start + n
    best = 0x3FFFFFFF
    last = v
    for j in range(last):
        x = ptr8(start)
        s = 0
        top = 0
        while int(x) < end:
            v = means[0] ^ 128
            v = (x[0] ^ 128) - v
            v = v * weights[0] * v
            s += v
            if v > top:
                top = v
            x = ptr8(int(x) + 1)
            means = ptr8(int(means) + 1)
            weights = ptr8(int(weights) + 1)
        if s > 0x3FFFFFFF:
            s = 0x3FFFFFFF
        v = (s >> 1) + ((n * top) >> 3)
        s = 256
        if v > 1:
            s = 31 << 8
            if v < 0x8000:
                v = v << 16
                s -= 4096
            if v < 0x800000:
                v = v << 8
                s -= 2048
            top = table[256 + (v >> 23)]
            v = v << top
            s += table[(v >> 22) & 255] - (top << 8)
        s -= (int(scales[j]) ^ sign) - sign
        out[j] = s
        if s < best:
            best = s
    return best


@micropython.viper
def learn(x: ptr8, v: int, sums: ptr32, squares: ptr32):
    """Add one embedding to the raw sums of a prototype.

    x: int8 (v,). v: n_dims; its register then holds values. sums: int32 (v,), sums of x. squares:
    int32 (v, 2), sums of x^2 as (high, low) = high * 2^24 + low. Exact for 2^24 embeddings:
    |sum x| <= 2^31, sum x^2 <= 2^38, high <= 2^14.
    """
    end = int(x) + v
    while int(x) < end:
        v = (x[0] ^ 128) - 128
        sums[0] = int(sums[0]) + v
        v = v * v + int(squares[1])
        squares[1] = v & 0xFFFFFF
        v = v >> 24
        if v > 0:
            squares[0] = int(squares[0]) + v
        x = ptr8(int(x) + 1)
        sums = ptr32(int(sums) + 4)
        squares = ptr32(int(squares) + 8)
