"""Kernels of the fixed path for any board: machine code by MicroPython's viper emitter, nothing allocated.

Rules that make the same bits come out of a 32-bit board and of the 64-bit unix port:
- viper ints are machine words: no intermediate may leave int32. Each bound stands beside its shift; the reference
  in tests/reference repeats every step with exact integers and refuses one that leaves int32.
- loads through ptr8, ptr16 (and ptr32 on 64 bit) are unsigned: sign-extend with (v ^ s) - s, s the sign bit.
  The sign bit of 32 (1 << b with b = 31 in a variable) is made at run time: as a constant it does not fit viper.
- shifts of negative numbers are arithmetic: they round towards minus infinity; (v + half) >> s rounds to nearest.

Arguments: arrays (array, bytearray, memoryview of either) go in as pointers; counts are items, not bytes.
"""

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
def total(x: ptr16, n: int) -> int:
    """Return the sum of n int16. n <= 1024: |sum| <= 2^25."""
    s = 0
    for i in range(n):
        s += (x[i] ^ 0x8000) - 0x8000
    return s


@micropython.viper
def peak_bits(x: ptr16, n: int, mean: int) -> int:
    """Return an OR of |x - mean| (one's complement): as long in bits as the largest. |x - mean| < 2^16."""
    m = 0
    for i in range(n):
        v = ((x[i] ^ 0x8000) - 0x8000) - mean
        m |= v ^ (v >> 31)
    return m


@micropython.viper
def moments(x: ptr16, n: int, mean: int, shift: int, out: ptr32):
    """Write seven readings of y = x - mean to out: sum y^2 (high, low), sum z^2, sum z^4 (high, low), sign changes,
    largest |y|.

    z = y >> shift, rounded, |z| <= 128. A pair counts high * 2^24 + low, low < 2^24.
    Bounds: y^2 < 2^32 would leave int32, so y is halved first where |y| >= 2^15 and its square counted four times;
    n z^2 <= 2^24, z^4 <= 2^28, n <= 1024.
    """
    half = (1 << shift) >> 1
    hi = 0
    lo = 0
    z2 = 0
    z4hi = 0
    z4lo = 0
    crossings = 0
    last = 0
    peak = 0
    for i in range(n):
        y = ((x[i] ^ 0x8000) - 0x8000) - mean
        z = (y + half) >> shift
        z = z * z
        z2 += z
        z4lo += z * z
        z4hi += z4lo >> 24
        z4lo &= 0xFFFFFF
        if y != 0:
            side = 1 - (y >> 31)  # 1 above zero, 2 below: a product of 2 is a change
            if last * side == 2:
                crossings += 1
            last = side
        v = y
        if v < 0:
            v = -v
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


# --- the real FFT of n samples, as a complex one of m = n/2 points in int32 pairs -----------------------------


@micropython.viper
def load(z: ptr32, x: ptr16, window: ptr16, n_window: int, n: int, mean: int, rest: int, bits: int):
    """Write (x - mean - rest / 16) * window, scaled to |z| <= 2^14, to z; zeros from n_window to n.

    window: Q14. rest: what rounding the mean left, -8..8 in Q4; without it half a count of mean would leak into the
    first bands of a quiet channel. bits >= 1: length of the largest |x - mean|, so |x - mean| * 2^14 < 2^30.
    """
    half = (1 << bits) >> 1
    for i in range(n_window):
        w = window[i]
        z[i] = ((((x[i] ^ 0x8000) - 0x8000) - mean) * w - ((rest * w) >> 4) + half) >> bits
    for i in range(n_window, n):
        z[i] = 0


@micropython.viper
def radix4(z: ptr32, m: int, span: int, w: ptr16, step: int, shift: int) -> int:
    """One pass of a decimation-in-frequency FFT over m complex points, in place. Returns an OR of |components|.

    span: points a butterfly reaches over. w: cos, -sin of 2 pi k / (m * step / (m / span)) in Q14, see twiddles_q14;
    step: table entries a turn / span. Inputs are scaled by 2^-shift, rounded, so that |component| <= 2^14:
    then |sum of four| <= 4 sqrt(2) 2^14 = 2^16.5, times the twiddle 2^30.5 < 2^31.
    """
    b = 31
    sign = 1 << b
    half = (1 << shift) >> 1
    q2 = span >> 1  # a quarter of the span, in words
    peak = 0
    for j in range(span >> 2):
        k = j * step * 2
        c1 = (w[k] ^ 0x8000) - 0x8000
        s1 = (w[k + 1] ^ 0x8000) - 0x8000
        k = k + j * step * 2
        c2 = (w[k] ^ 0x8000) - 0x8000
        s2 = (w[k + 1] ^ 0x8000) - 0x8000
        k = k + j * step * 2
        c3 = (w[k] ^ 0x8000) - 0x8000
        s3 = (w[k + 1] ^ 0x8000) - 0x8000
        i = j << 1
        while i < m << 1:
            p = ptr32(int(z) + (i << 2))
            ar = (((int(p[0]) ^ sign) - sign) + half) >> shift
            ai = (((int(p[1]) ^ sign) - sign) + half) >> shift
            p = ptr32(int(p) + (q2 << 2))
            br = (((int(p[0]) ^ sign) - sign) + half) >> shift
            bi = (((int(p[1]) ^ sign) - sign) + half) >> shift
            p = ptr32(int(p) + (q2 << 2))
            cr = (((int(p[0]) ^ sign) - sign) + half) >> shift
            ci = (((int(p[1]) ^ sign) - sign) + half) >> shift
            p = ptr32(int(p) + (q2 << 2))
            dr = (((int(p[0]) ^ sign) - sign) + half) >> shift
            di = (((int(p[1]) ^ sign) - sign) + half) >> shift
            # t0 = a + c, t1 = a - c, t2 = b + d, t3 = -j (b - d)
            tr = ar - cr
            ti = ai - ci
            ar += cr
            ai += ci
            cr = bi - di
            ci = dr - br
            br += dr
            bi += di
            # leg 3: (t1 - t3) w^3
            dr = tr - cr
            di = ti - ci
            v = (dr * c3 - di * s3 + 8192) >> 14
            p[0] = v
            peak |= v ^ (v >> 31)
            v = (dr * s3 + di * c3 + 8192) >> 14
            p[1] = v
            peak |= v ^ (v >> 31)
            # leg 2: (t0 - t2) w^2
            p = ptr32(int(p) - (q2 << 2))
            dr = ar - br
            di = ai - bi
            v = (dr * c2 - di * s2 + 8192) >> 14
            p[0] = v
            peak |= v ^ (v >> 31)
            v = (dr * s2 + di * c2 + 8192) >> 14
            p[1] = v
            peak |= v ^ (v >> 31)
            # leg 1: (t1 + t3) w
            p = ptr32(int(p) - (q2 << 2))
            dr = tr + cr
            di = ti + ci
            v = (dr * c1 - di * s1 + 8192) >> 14
            p[0] = v
            peak |= v ^ (v >> 31)
            v = (dr * s1 + di * c1 + 8192) >> 14
            p[1] = v
            peak |= v ^ (v >> 31)
            # leg 0: t0 + t2
            p = ptr32(int(p) - (q2 << 2))
            v = ar + br
            p[0] = v
            peak |= v ^ (v >> 31)
            v = ai + bi
            p[1] = v
            peak |= v ^ (v >> 31)
            i += span << 1
    return peak


@micropython.viper
def radix2(z: ptr32, m: int) -> int:
    """The last pass where two points remain: sums and differences of neighbours. |input| < 2^17. Returns as radix4."""
    b = 31
    sign = 1 << b
    peak = 0
    i = 0
    while i < m << 1:
        p = ptr32(int(z) + (i << 2))
        ar = (int(p[0]) ^ sign) - sign
        ai = (int(p[1]) ^ sign) - sign
        br = (int(p[2]) ^ sign) - sign
        bi = (int(p[3]) ^ sign) - sign
        v = ar + br
        p[0] = v
        peak |= v ^ (v >> 31)
        v = ai + bi
        p[1] = v
        peak |= v ^ (v >> 31)
        v = ar - br
        p[2] = v
        peak |= v ^ (v >> 31)
        v = ai - bi
        p[3] = v
        peak |= v ^ (v >> 31)
        i += 4
    return peak


@micropython.viper
def powers(z: ptr32, m: int, order: ptr16, w: ptr16, shift: int, out: ptr32):
    """Split the m-point transform into bins 1..m-1 of the real one and write |X / 2|^2 of each to out[1..m-1].

    order: where bin k lies in z (digit_reversal). w: twiddles of the n = 2m point turn, Q14.
    Inputs are scaled by 2^-shift to |component| <= 2^14. With Z = z[k], Y = conj z[m-k]: 2X = (Z + Y) - j w^k (Z - Y);
    |2X| <= 2 |Z| + 2 |Y| <= 2^16.5, so X/2 = 2X >> 2 has |X/2| <= 2^14.5 and its square < 2^29 + rounding.
    out[0] = out[m] = 0: the mean was removed, and no band reaches the Nyquist bin.
    """
    b = 31
    sign = 1 << b
    half = (1 << shift) >> 1
    out[0] = 0
    for k in range(1, (m >> 1) + 1):
        p = ptr32(int(z) + (order[k] << 3))
        zr = (((int(p[0]) ^ sign) - sign) + half) >> shift
        zi = (((int(p[1]) ^ sign) - sign) + half) >> shift
        p = ptr32(int(z) + (order[m - k] << 3))
        yr = (((int(p[0]) ^ sign) - sign) + half) >> shift
        yi = -((((int(p[1]) ^ sign) - sign) + half) >> shift)
        c = (w[2 * k] ^ 0x8000) - 0x8000
        s = (w[2 * k + 1] ^ 0x8000) - 0x8000
        # o = -j (Z - Y), then o w^k; the mirrored bin m-k has E conjugate and -(o w^k) conjugate
        tr = zi - yi
        ti = yr - zr
        r = (tr * c - ti * s + 8192) >> 14
        i = (tr * s + ti * c + 8192) >> 14
        tr = zr + yr
        ti = zi + yi
        zr = (tr + r + 2) >> 2
        zi = (ti + i + 2) >> 2
        out[k] = zr * zr + zi * zi
        zr = (tr - r + 2) >> 2
        zi = (ti - i + 2) >> 2
        out[m - k] = zr * zr + zi * zi


# --- logarithms and bands --------------------------------------------------------------------------------------


@micropython.viper
def log2_q8(v: int, table: ptr8) -> int:
    """Return round(256 log2 v) for 1 <= v < 2^31, 0 for v <= 1. table: log2_fraction; error below 1.3 of 256."""
    if v <= 1:
        return 0
    n = 30 << 8
    if v < 0x8000:
        v = v << 16
        n -= 4096
    if v < 0x800000:
        v = v << 8
        n -= 2048
    if v < 0x8000000:
        v = v << 4
        n -= 1024
    if v < 0x20000000:
        v = v << 2
        n -= 512
    if (v >> 30) == 0:
        v = v << 1
        n -= 256
    return n + table[(v >> 22) & 255]


@micropython.viper
def bands_into(power: ptr32, bands: ptr16, n_bands: int, table: ptr8, offset: int, floor: int, out: ptr8):
    """Write n_bands int8 of 8 log2(sum of power over the band) to out, from -128 to 127.

    bands: (first bin, number of bins) a band. A sum counts high * 2^24 + low: low + power < 2^24 + 2^29 + 2^17, and
    high <= 512 * 2^5. offset: added to the logarithm, Q8. floor: steps below the strongest band to which weaker ones
    are raised.
    """
    top = -128
    for b in range(n_bands):
        p = ptr32(int(power) + (bands[0] << 2))
        n = bands[1]
        hi = 0
        v = 0
        for i in range(n):
            v += int(p[i])
            hi += v >> 24
            v &= 0xFFFFFF
        bands = ptr16(int(bands) + 4)
        n = (30 << 8) + offset + 16
        if hi < 64:
            v |= hi << 24
        else:
            v = (hi << 7) | (v >> 17)
            n += 17 << 8
        if v > 0:
            if v < 0x8000:
                v = v << 16
                n -= 4096
            if v < 0x800000:
                v = v << 8
                n -= 2048
            if v < 0x8000000:
                v = v << 4
                n -= 1024
            if v < 0x20000000:
                v = v << 2
                n -= 512
            if (v >> 30) == 0:
                v = v << 1
                n -= 256
            n = (n + table[(v >> 22) & 255]) >> 5
            if n < -128:
                n = -128
            if n > 127:
                n = 127
        else:
            n = -128
        out[b] = n
        if n > top:
            top = n
    top -= floor
    for b in range(n_bands):
        n = (out[b] ^ 128) - 128
        if n < top:
            out[b] = top


# --- head --------------------------------------------------------------------------------------------------------


@micropython.viper
def dense(x: ptr8, weights: ptr8, bias: ptr32, rescale: ptr16, n_in: int, n_out: int, low: int, out: ptr8):
    """One int8 layer: out = clamp((((w x + bias) >> pre) * factor) >> post), rounded at both shifts.

    rescale: (pre, factor, post) a row; the loader of a head has proven |w x + bias| < 2^31 and >> pre below 2^15,
    factor < 2^15. low: 0 for ReLU, else -128.
    """
    b = 31
    sign = 1 << b
    for r in range(n_out):
        v = (int(bias[r]) ^ sign) - sign
        for i in range(n_in):
            v += ((x[i] ^ 128) - 128) * ((weights[i] ^ 128) - 128)
        s = rescale[0]
        v = ((v + ((1 << s) >> 1)) >> s) * rescale[1]
        s = rescale[2]
        v = (v + ((1 << s) >> 1)) >> s
        if v < low:
            v = low
        if v > 127:
            v = 127
        out[r] = v
        weights = ptr8(int(weights) + n_in)
        rescale = ptr16(int(rescale) + 6)


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
    255 * smallest + variance / 2 < 2^30. Long division of that by the variance: twice the remainder stays below 2^28.
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
def distances(x: ptr8, means: ptr8, weights: ptr8, w_step: int, n: int, n_prototypes: int, out: ptr32):
    """Write sum of (x - mean)^2 * weight over n dimensions, for each prototype, to out.

    w_step: n where each prototype has its own weights, 0 where all share one row.
    int8 x and mean, weights 1..255: a term is at most 255^3 < 2^24; n <= 128 keeps the sum below 2^31. It is held to
    2^30 - 1, the largest small integer of a 32-bit board: a larger one would be made on the heap when it is read.
    """
    for j in range(n_prototypes):
        v = 0
        for i in range(n):
            d = ((x[i] ^ 128) - 128) - ((means[i] ^ 128) - 128)
            v += d * d * weights[i]
        if v > 0x3FFFFFFF:
            v = 0x3FFFFFFF
        out[j] = v
        means = ptr8(int(means) + n)
        weights = ptr8(int(weights) + w_step)


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
def scores(distance: ptr32, term: ptr32, n: int, n_prototypes: int, table: ptr8, out: ptr32):
    """Write round(256 log2(distance + n / 4 * term)) of each prototype to out; term may be all zeros.

    The mean of n terms plus a quarter of the largest, times n: a fault in one band must not drown in the others.
    Halved on the way: distance / 2 < 2^30, n * term < 128 * 255^3 < 2^31, an eighth of it below 2^28.
    """
    for j in range(n_prototypes):
        v = (int(distance[j]) >> 1) + ((n * int(term[j])) >> 3)
        s = 256
        if v > 1:
            s = 31 << 8
            if v < 0x8000:
                v = v << 16
                s -= 4096
            if v < 0x800000:
                v = v << 8
                s -= 2048
            if v < 0x8000000:
                v = v << 4
                s -= 1024
            if v < 0x20000000:
                v = v << 2
                s -= 512
            if (v >> 30) == 0:
                v = v << 1
                s -= 256
            s += table[(v >> 22) & 255]
        out[j] = s
