"""Kernels of the fixed path for any board: machine code by MicroPython's viper emitter, nothing allocated.

Rules that make the same bits come out of a 32-bit board and of the 64-bit unix port:
- viper ints are machine words: no intermediate may leave int32. Each bound stands beside its shift; the reference
  in tests/reference repeats every step with exact integers and refuses one that leaves int32.
- loads through ptr8, ptr16 (and ptr32 on 64 bit) are unsigned: sign-extend with (v ^ s) - s, s the sign bit.
  The sign bit of 32 (1 << b with b = 31 in a variable) is made at run time: as a constant it does not fit viper.
- shifts of negative numbers are arithmetic: they round towards minus infinity; (v + half) >> s rounds to nearest.

Arguments: arrays (array, bytearray, memoryview of either) go in as pointers; counts are items, not bytes.
"""

from array import array

import micropython


@micropython.viper
def deinterleave(block: ptr16, start: int, n_frames: int, n_channels: int, window: ptr16, stride: int, at: int):
    """Copy n_frames interleaved int16 frames, from frame `start`, into rows of `stride` samples from column `at`."""
    for c in range(n_channels):
        i = start * n_channels + c
        o = c * stride + at
        for _ in range(n_frames):
            window[o] = block[i]
            i += n_channels
            o += 1


@micropython.viper
def slide(window: ptr16, n_channels: int, stride: int, n_keep: int, by: int):
    """Move the last n_keep samples of each row to its start; by: how far. Overlap is safe (ascending copy)."""
    for c in range(n_channels):
        o = c * stride
        for _ in range(n_keep):
            window[o] = window[o + by]
            o += 1


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
def moments(x: ptr16, v: int, mean: int, out: ptr32):
    """Write seven readings of y = x - mean to out: sum y^2 (high, low), sum z^2, sum z^4 (high, low), sign changes,
    largest |y|.

    v: n; its register then holds deviations. z = y >> shift, rounded, |z| <= 128: the shift is what y has beyond 7
    bits. A pair counts high * 2^24 + low, low < 2^24. Bounds: y^2 < 2^32 would leave int32, so y is halved first where
    |y| >= 2^15 and its square counted four times; n z^2 <= 2^24, z^4 <= 2^28, n <= 1024.
    """
    start = int(x)
    end = start + (v << 1)
    mean += 0x8000
    peak = 0
    while int(x) < end:
        v = (x[0] ^ 0x8000) - mean
        peak |= v ^ (v >> 31)
        x = ptr16(int(x) + 2)
    shift = 0
    peak = peak >> 7
    while peak > 0:
        peak = peak >> 1
        shift += 1
    half = (1 << shift) >> 1
    x = ptr16(start)
    hi = 0
    lo = 0
    z2 = 0
    z4hi = 0
    z4lo = 0
    crossings = 0
    last = 0
    while int(x) < end:
        y = (x[0] ^ 0x8000) - mean
        x = ptr16(int(x) + 2)
        v = (y + half) >> shift
        v = v * v
        z2 += v
        v = v * v + z4lo
        z4hi += v >> 24
        z4lo = v & 0xFFFFFF
        if y != 0:
            v = 1 - (y >> 31)  # 1 above zero, 2 below: a product of 2 is a change
            if last * v == 2:
                crossings += 1
            last = v
            if v == 2:
                v = -y
            else:
                v = y
            if v > peak:
                peak = v
            if v >= 0x8000:
                y = y >> 1
                y = y * y
                hi += y >> 22
                lo += (y & 0x3FFFFF) << 2
            else:
                y = y * y
                lo += y & 0xFFFFFF
                hi += y >> 24
            hi += lo >> 24
            lo &= 0xFFFFFF
    out[0] = hi
    out[1] = lo
    out[2] = z2
    out[3] = z4hi
    out[4] = z4lo
    out[5] = crossings
    out[6] = peak


# --- logarithms --------------------------------------------------------------------------------------


@micropython.viper
def log2_q8(v: int, table: ptr8) -> int:
    """Return round(256 log2 v) for 1 <= v < 2^31, 0 for v <= 1. table: tables.log2_table; error below 1.3 of 256."""
    if v <= 1:
        return 0
    n = 30 << 8
    if v < 0x8000:
        v = v << 16
        n -= 4096
    if v < 0x800000:
        v = v << 8
        n -= 2048
    s = table[256 + (v >> 23)]
    v = v << s
    return n - (s << 8) + table[(v >> 22) & 255]


@micropython.viper
def isqrt(high: int, low: int) -> int:
    """Return floor(sqrt(high * 2^24 + low)), 0 <= high < 2^23, 0 <= low < 2^24.

    Digit by digit, two bits of the radicand a step (Warren, Hacker's Delight 11-1): 24 steps, the root stays below
    2^23.5; the remainder is at most twice the root, four times that plus two bits more < 2^27.
    """
    root = 0
    rest = 0
    for _ in range(2):
        k = 22
        while k >= 0:
            rest = (rest << 2) | ((high >> k) & 3)
            root = root << 1
            if rest > root << 1:
                rest -= (root << 1) + 1
                root += 1
            k -= 2
        high = low
    return root


# --- head --------------------------------------------------------------------------------------------------------


def bind(*arguments):
    """Return the later arguments of a kernel as the one object it takes them in."""
    return arguments


def layer(weights, bias, rescale, n_in, n_out, low):
    """Return the one argument in which `dense` takes a layer.

    weights: n_out rows of n_in int8. bias: array('i'). rescale: array('H'), (pre, factor, post) a row. low: 0 for ReLU,
    else -128.
    Weights and inputs become unsigned by adding 128: (w + 128)(x + 128) = w x + 128 (x + 128) + 128 w. The last term
    goes to the bias here.
    """
    lifted = bytearray([w ^ 128 for w in weights])
    start = array("i")
    for r in range(n_out):
        row = lifted[r * n_in : (r + 1) * n_in]
        start.append(bias[r] - 128 * (sum(row) - 128 * n_in))
    return lifted, start, rescale, n_in, n_out, low, bytearray(n_in)


@micropython.viper
def dense(x: ptr8, out: ptr8, bound):
    """One int8 layer: out = clamp((((w x + bias) >> pre) * factor) >> post), rounded at both shifts.

    x: n_in int8, n_in <= 1024. out: n_out int8. bound: `layer`. The loader of a head has proven |w x + bias| < 2^30
    and ((w x + bias) >> pre) * factor < 2^30; what the lift adds stays below 1024 * 255^2 * 2 < 2^27.
    """
    start = ptr32(bound[1])
    rescale = ptr16(bound[2])
    n_in = int(bound[3])
    row = int(out)
    end = row + int(bound[4])
    low = int(bound[5])
    lifted = ptr8(bound[6])
    y = int(lifted)
    total = 0
    last = int(x) + n_in
    while int(x) < last:
        v = x[0] ^ 128
        lifted[0] = v
        total += v
        x = ptr8(int(x) + 1)
        lifted = ptr8(int(lifted) + 1)
    total = total << 7
    out = ptr8(bound[0])  # its register holds the weights from here
    last = y + n_in
    fours = y + (n_in & 0xFFC)
    b = 31
    sign = 1 << b
    while row < end:
        v = ((int(start[0]) ^ sign) - sign) - total
        x = ptr8(y)
        while int(x) < fours:
            v = out[0] * x[0] + out[1] * x[1] + out[2] * x[2] + out[3] * x[3] + v
            out = ptr8(int(out) + 4)
            x = ptr8(int(x) + 4)
        while int(x) < last:
            v += out[0] * x[0]
            out = ptr8(int(out) + 1)
            x = ptr8(int(x) + 1)
        s = rescale[0]
        v = ((v + ((1 << s) >> 1)) >> s) * rescale[1]
        s = rescale[2]
        v = (v + ((1 << s) >> 1)) >> s
        if v < low:
            v = low
        if v > 127:
            v = 127
        ptr8(row)[0] = v
        row += 1
        start = ptr32(int(start) + 4)
        rescale = ptr16(int(rescale) + 6)


@micropython.viper
def pool_max(x: ptr8, n_positions: int, n_channels: int, out: ptr8):
    """Write the largest of each channel's int8 over all positions to out. x: a row of n_channels a position."""
    end = n_positions * n_channels
    for c in range(n_channels):
        top = -128
        i = c
        while i < end:
            v = (x[i] ^ 128) - 128
            if v > top:
                top = v
            i += n_channels
        out[c] = top


# --- learning: sums, their mean and spread, and distances -------------------------------------------------------


@micropython.viper
def learn(x: ptr8, n: int, sums: ptr32, squares: ptr32):
    """Add one int8 embedding to the raw sums: sum of x (int32), sum of x^2 as (high, low), high * 2^24 + low.

    Exact for 2^24 embeddings: |sum x| <= 2^31, sum x^2 <= 2^38, high <= 2^14.
    """
    for i in range(n):
        v = (x[i] ^ 128) - 128
        sums[i] = int(sums[i]) + v
        v = v * v + int(squares[1])
        squares[0] = int(squares[0]) + (v >> 24)
        squares[1] = v & 0xFFFFFF
        squares = ptr32(int(squares) + 8)


@micropython.viper
def derive(sums: ptr32, squares: ptr32, n: int, count: int, mean: ptr8, variance: ptr32):
    """Write mean (int8, rounded) and variance (Q12, of the exact mean) of n raw sums over count embeddings.

    1 <= count < 2^24. Quotients by shift and subtract: a remainder below count, doubled, stays below 2^25.
    With S1/count = q + f, f in Q20 and S2/count = a + g: variance = a - q^2 + g - 2 q f - f^2.
    |q| <= 128: 2 q f <= 2^28; f^2 of f in Q14 <= 2^28; a, q^2 <= 2^14: in Q12 2^26.
    """
    b = 31
    sign = 1 << b
    for i in range(n):
        v = (int(sums[i]) ^ sign) - sign
        # q = floor(v / count): v + 128 count >= 0 and < 2^32 would leave int32, so divide |v| and mend the sign
        r = v
        if v < 0:
            r = -v
        # long division of r < 2^31 by count, 31 bits
        q = 0
        e = 0
        k = 31
        while k > 0:
            k -= 1
            e = (e << 1) | ((r >> k) & 1)
            q = q << 1
            if e >= count:
                e -= count
                q += 1
        if v < 0:
            q = -q
            if e > 0:
                q -= 1
                e = count - e
        f = 0
        for _ in range(20):
            e = e << 1
            f = f << 1
            if e >= count:
                e -= count
                f += 1
        # S2 / count, high word first (38 bits)
        a = 0
        e = 0
        r = int(squares[0])
        k = 14
        while k >= 0:
            e = (e << 1) | ((r >> k) & 1)
            a = a << 1
            if e >= count:
                e -= count
                a += 1
            k -= 1
        r = int(squares[1])
        k = 23
        while k >= 0:
            e = (e << 1) | ((r >> k) & 1)
            a = a << 1
            if e >= count:
                e -= count
                a += 1
            k -= 1
        g = 0
        for _ in range(20):
            e = e << 1
            g = g << 1
            if e >= count:
                e -= count
                g += 1
        v = f >> 6
        v = ((a - q * q) << 12) + ((g - 2 * q * f - ((v * v) >> 8)) >> 8)
        if v < 0:
            v = 0
        variance[i] = v
        v = q + ((f >> 19) & 1)
        if v > 127:
            v = 127
        mean[i] = v
        squares = ptr32(int(squares) + 8)


@micropython.viper
def weigh(variance: ptr32, n: int, floor: int, weights: ptr8) -> int:
    """Write weights = 255 smallest / variance, rounded, 1..255, and return the smallest variance (Q12), floor at least.

    floor: Q12, 1 <= floor <= 2^24. A variance is at most 2^26; smallest and variance are halved together until
    255 * smallest + variance / 2 < 2^30. Long division of that by the variance: the remainder, doubled, stays below
    2^28.
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
        r = r * 255 + (v >> 1)
        q = 0
        e = 0
        k = 30
        while k > 0:
            k -= 1
            e = (e << 1) | ((r >> k) & 1)
            q = q << 1
            if e >= v:
                e -= v
                q += 1
        if q < 1:
            q = 1
        if q > 255:
            q = 255
        weights[i] = q
    return low


@micropython.viper
def distances(x: ptr8, v: int, bound):
    """Write sum of (x - mean)^2 * weight over n dimensions, for each of v prototypes, to out.

    v: n_prototypes; its register then holds differences.

    bound: bind(means, weights, w_step, n, out). w_step: n where each prototype has its own weights, 0 where all share
    one row. int8 x and mean, weights 1..255: a term is at most 255^3 < 2^24; n <= 128 keeps the sum below 2^31. It is
    held to 2^30 - 1, the largest small integer of a 32-bit board: a larger one would be made on the heap when it is
    read.
    """
    means = ptr8(bound[0])
    weights = int(ptr8(bound[1]))
    w_step = int(bound[2])
    n = int(bound[3])
    out = ptr32(bound[4])
    start = int(x)
    end = start + n
    fours = start + (n & 0xFFC)
    limit = int(out) + (v << 2)
    while int(out) < limit:
        x = ptr8(start)
        w = ptr8(weights)
        s = 0
        while int(x) < fours:
            v = (x[0] ^ 128) - (means[0] ^ 128)
            s += v * v * w[0]
            v = (x[1] ^ 128) - (means[1] ^ 128)
            s += v * v * w[1]
            v = (x[2] ^ 128) - (means[2] ^ 128)
            s += v * v * w[2]
            v = (x[3] ^ 128) - (means[3] ^ 128)
            s += v * v * w[3]
            x = ptr8(int(x) + 4)
            means = ptr8(int(means) + 4)
            w = ptr8(int(w) + 4)
        while int(x) < end:
            v = (x[0] ^ 128) - (means[0] ^ 128)
            s += v * v * w[0]
            x = ptr8(int(x) + 1)
            means = ptr8(int(means) + 1)
            w = ptr8(int(w) + 1)
        if s > 0x3FFFFFFF:
            s = 0x3FFFFFFF
        out[0] = s
        out = ptr32(int(out) + 4)
        weights += w_step


@micropython.viper
def strangest(x: ptr8, mean: ptr8, weights: ptr8, n: int, out: ptr32):
    """Write the largest (x - mean)^2 * weight to out[0] and its dimension to out[1]."""
    top = 0
    at = 0
    for i in range(n):
        d = ((x[i] ^ 128) - 128) - ((mean[i] ^ 128) - 128)
        d = d * d * weights[i]
        if d > top:
            top = d
            at = i
    out[0] = top
    out[1] = at


@micropython.viper
def score(x: ptr8, v: int, bound) -> int:
    """Write how strange x is to each of v prototypes, octaves in Q8, and return the one to which it is least so.

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
    nearest = 0
    last = v
    for j in range(last):
        x = ptr8(start)
        s = 0
        top = 0
        while int(x) < end:
            v = (x[0] ^ 128) - (means[0] ^ 128)
            v = v * v * weights[0]
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
            nearest = j
    return nearest
