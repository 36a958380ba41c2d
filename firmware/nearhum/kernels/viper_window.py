"""What thumb.py has in assembler, for boards that are no RP2040: what every window meets. Rules of kernels/viper.py."""

import micropython


def bind(*arguments):
    """Return the later arguments of a kernel as the one object it takes them in."""
    return arguments


@micropython.viper
def centre(x: ptr16, v: int, reading: ptr32) -> int:
    """Find the mean of v int16. Returns it in Q4.

    v: n; its register then holds samples. n <= 1024: |sum| <= 2^25. reading: gets the rounded mean, and rest = mean in
    Q4 - 16 mean (-8..7).
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
def learn(x: ptr8, v: int, sums: ptr32, squares: ptr32):
    """Add one int8 embedding to the raw sums: sum of x (int32), sum of x^2 as (high, low), high * 2^24 + low.

    x: v = n values; v's register then holds them. Exact for 2^24 embeddings: |sum x| <= 2^31, sum x^2 <= 2^38, high
    <= 2^14.
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
