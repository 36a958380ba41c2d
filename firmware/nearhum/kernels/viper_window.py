"""What thumb.py has in assembler, for boards that are no RP2040: what every window meets.

Rules of kernels/viper.py.
"""

import micropython


def bind(*arguments):
    """Return the later arguments of a kernel as the one object it takes them in."""
    return arguments


@micropython.viper
def centre(x: ptr16, v: int, reading: ptr32) -> int:
    """Find the mean of v int16. Returns it in Q4.

    v: n; its register then holds samples. n <= 1024: |sum| <= 2^25. reading: gets the rounded mean,
    and rest = mean in Q4 - 16 mean (-8..7).
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
    """Write how strange x is to each of v prototypes, octaves in Q8, and return the least.

    v: n_prototypes, 1 at least; its register then holds what is computed. bound: bind(means,
    weights, n, table, scales, out). round(256 log2(distance + n / 4 * largest term)) - scale; the
    sum of n terms plus a quarter of the largest, times n: a fault in one band must not drown in the
    others. Bounds as in
    viper_nearest. Halved on the way: distance / 2 < 2^30, n * term < 128 * 255^3
    < 2^31, an eighth of it below 2^28. scales: below 2^29 either way.
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
    """Add one int8 embedding to the raw sums: sum of x (int32), sum of x^2 as (high, low), high
    * 2^24 + low.

    x: v = n values; v's register then holds them. Exact for 2^24 embeddings: |sum x| <= 2^31, sum
    x^2 <= 2^38, high <= 2^14.
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
