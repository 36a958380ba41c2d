"""Nearness: distances of an embedding to prototypes, and the score, for any board. Rules of kernels/viper.py."""

import micropython


def bind(*arguments):
    """Return the later arguments of a kernel as the one object it takes them in."""
    return arguments


@micropython.viper
def distances(x: ptr8, v: int, bound):
    """Write sum of (x - mean)^2 * weight over n dimensions, for each of v prototypes, to out.

    v: n_prototypes; its register then holds differences. bound: bind(means, weights, w_step, n, out). w_step: n where
    each prototype has its own weights, 0 where all share one row. int8 x and mean, weights 1..255: a term is at most
    255^3 < 2^24; n <= 128 keeps the sum below 2^31. It is held to 2^30 - 1, the largest small integer of a 32-bit
    board: a larger one would be made on the heap when it is read.
    """
    means = ptr8(bound[0])
    weights = int(ptr8(bound[1]))
    w_step = int(bound[2])
    n = int(bound[3])
    out = ptr32(bound[4])
    start = int(x)
    end = start + n
    eights = start + (n & 0xFF8)
    limit = int(out) + (v << 2)
    while int(out) < limit:
        x = ptr8(start)
        w = ptr8(weights)
        s = 0
        while int(x) < eights:
            v = means[0] ^ 128
            v = (x[0] ^ 128) - v
            s = v * w[0] * v + s
            v = means[1] ^ 128
            v = (x[1] ^ 128) - v
            s = v * w[1] * v + s
            v = means[2] ^ 128
            v = (x[2] ^ 128) - v
            s = v * w[2] * v + s
            v = means[3] ^ 128
            v = (x[3] ^ 128) - v
            s = v * w[3] * v + s
            v = means[4] ^ 128
            v = (x[4] ^ 128) - v
            s = v * w[4] * v + s
            v = means[5] ^ 128
            v = (x[5] ^ 128) - v
            s = v * w[5] * v + s
            v = means[6] ^ 128
            v = (x[6] ^ 128) - v
            s = v * w[6] * v + s
            v = means[7] ^ 128
            v = (x[7] ^ 128) - v
            s = v * w[7] * v + s
            x = ptr8(int(x) + 8)
            means = ptr8(int(means) + 8)
            w = ptr8(int(w) + 8)
        while int(x) < end:
            v = means[0] ^ 128
            v = (x[0] ^ 128) - v
            s = v * w[0] * v + s
            x = ptr8(int(x) + 1)
            means = ptr8(int(means) + 1)
            w = ptr8(int(w) + 1)
        if s > 0x3FFFFFFF:
            s = 0x3FFFFFFF
        out[0] = s
        out = ptr32(int(out) + 4)
        weights += w_step


@micropython.viper
def score(x: ptr8, v: int, bound) -> int:
    """Write how strange x is to each of v prototypes, octaves in Q8, and return the least.

    v: n_prototypes, 1 at least; its register then holds what is computed. bound: bind(means, weights, n, table,
    scales, out). round(256 log2(distance + n / 4 * largest term)) - scale; the sum of n terms plus a quarter of the
    largest, times n: a fault in one band must not drown in the others. Bounds as in `distances`. Halved on the way:
    distance / 2 < 2^30, n * term < 128 * 255^3 < 2^31, an eighth of it below 2^28. scales: below 2^29 either way.
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
def smallest(values: ptr32, first: int, n: int) -> int:
    """Return where the smallest of n values below 2^30 lies from index `first` on; -1 where n is 0."""
    b = 31
    sign = 1 << b
    best = 0x3FFFFFFF
    at = -1
    for i in range(first, first + n):
        v = (int(values[i]) ^ sign) - sign
        if v < best:
            best = v
            at = i
    return at
