"""From a window to log bands for any board: a real FFT of n samples, as a complex one of m = n / 2 points, in viper.

Block floating point: every stage, the load included, returns by how many bits the next one has to scale its input
down, so that components stay within 2^15, rounded to nearest; `exponent` counts them. Passes of radix 4 run down to
spans of 8 or 4 points, which one last stage takes without rounding in between.

z holds pairs of int32 as component + BIAS: never negative, so that a load is right whether it extends the sign (32-bit
boards) or zeros (the 64-bit unix port). Differences lose the bias by themselves. Viper keeps the first two locals in
registers, and arguments are the first locals: hence the `v`, an argument that only gives a register.
"""

from array import array

import micropython

from nearhum.kernels import tables
from nearhum.kernels.viper import bands_into

_BIAS = 1 << 28  # above every |component|, and divisible by 2^shift; four of them fit int32

# Viper takes no global constants: _BIAS stands in the kernels as 0x10000000.


@micropython.viper
def load(z: ptr32, v: int, x: ptr16, window: ptr16, n_window: int, n: int, reading: ptr32) -> int:
    """Write (x - mean - rest / 16) * window to z, and zeros from n_window to n. Returns the shift of the first pass.

    window: Q14. reading: mean, rest, bits of `centre`. rest: what rounding the mean left, -8..8 in Q4; without it
    half a count of mean would leak into the first bands of a quiet channel. |x - mean| < 2^bits, bits <= 16: the
    product is below 2^30, and above 14 bits of x it is shifted down to |z| < 2^28. The shift comes from the peak after
    the window, so that no precision goes with a peak that the window takes away.
    """
    bits = int(reading[2]) - 14
    if bits < 0:
        bits = 0
    half = (1 << bits) >> 1
    v = 31
    v = 1 << v
    low = ((int(reading[0]) ^ v) - v) + 0x8000
    rest = (int(reading[1]) ^ v) - v
    end = int(z) + (n_window << 2)
    peak = 0
    while int(z) < end:
        v = window[0]
        v = (((x[0] ^ 0x8000) - low) * v - ((rest * v) >> 4) + half) >> bits
        peak |= v ^ (v >> 31)
        z[0] = v + 0x10000000
        z = ptr32(int(z) + 4)
        x = ptr16(int(x) + 2)
        window = ptr16(int(window) + 2)
    end += (n - n_window) << 2
    while int(z) < end:
        z[0] = 0x10000000
        z = ptr32(int(z) + 4)
    v = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        v += 1
    return v


@micropython.viper
def radix4(p: ptr32, v: int, m: int, span: int, w: ptr16, step: int, shift: int) -> int:
    """One pass of a decimation-in-frequency FFT over m complex points from p on, in place. Returns the next shift.

    span: points a butterfly reaches over. w: cos, -sin of 2 pi k / (m * step / (m / span)) in Q13, less -2^15
    (unsigned), see tables.twiddles_q13; step: table entries a turn / span. Inputs are scaled by 2^-shift, rounded, so
    that |component| <= 2^15: then |sum of four| <= 4 sqrt(2) 2^15 = 2^17.5, times the twiddle 2^30.5 < 2^31.
    """
    half = (1 << shift) >> 1
    four = (0x10000000 >> shift) << 2  # what is left of the bias in a sum of four
    q = span << 1  # a quarter of the span, in bytes
    z = int(p)
    end = z + (m << 3)
    peak = 0
    j = 0
    while j < span >> 2:
        p = ptr32(int(w) + ((j * step) << 2))
        v = int(p)
        c1 = ptr16(v)[0] - 0x8000
        s1 = ptr16(v)[1] - 0x8000
        v += (j * step) << 2
        c2 = ptr16(v)[0] - 0x8000
        s2 = ptr16(v)[1] - 0x8000
        v += (j * step) << 2
        c3 = ptr16(v)[0] - 0x8000
        s3 = ptr16(v)[1] - 0x8000
        p = ptr32(z + (j << 3))
        while int(p) < end:
            v = (int(p[0]) + half) >> shift
            ai = (int(p[1]) + half) >> shift
            p = ptr32(int(p) + q + q)
            dr = (int(p[0]) + half) >> shift
            tr = v - dr  # t1 = a - c
            ar = v + dr  # t0 = a + c
            v = (int(p[1]) + half) >> shift
            ti = ai - v
            ai = ai + v
            p = ptr32(int(p) - q)
            v = (int(p[0]) + half) >> shift
            bi = (int(p[1]) + half) >> shift
            p = ptr32(int(p) + q + q)
            dr = (int(p[0]) + half) >> shift
            br = v + dr  # t2 = b + d
            dr = v - dr  # t3 = -j (b - d) = (bi - di, dr - br)
            v = (int(p[1]) + half) >> shift
            di = bi - v
            bi = bi + v
            # leg 3: (t1 - t3) w^3
            v = tr - di
            tr = tr + di
            di = ti + dr
            ti = ti - dr
            dr = v
            v = (dr * c3 - di * s3 + 4096) >> 13
            peak |= v ^ (v >> 31)
            p[0] = v + 0x10000000
            v = (dr * s3 + di * c3 + 4096) >> 13
            peak |= v ^ (v >> 31)
            p[1] = v + 0x10000000
            # leg 2: (t0 - t2) w^2
            p = ptr32(int(p) - q)
            dr = ar - br
            di = ai - bi
            v = (dr * c2 - di * s2 + 4096) >> 13
            peak |= v ^ (v >> 31)
            p[0] = v + 0x10000000
            v = (dr * s2 + di * c2 + 4096) >> 13
            peak |= v ^ (v >> 31)
            p[1] = v + 0x10000000
            # leg 1: (t1 + t3) w
            p = ptr32(int(p) - q)
            v = (tr * c1 - ti * s1 + 4096) >> 13
            peak |= v ^ (v >> 31)
            p[0] = v + 0x10000000
            v = (tr * s1 + ti * c1 + 4096) >> 13
            peak |= v ^ (v >> 31)
            p[1] = v + 0x10000000
            # leg 0: t0 + t2
            p = ptr32(int(p) - q)
            v = ar + br - four
            peak |= v ^ (v >> 31)
            p[0] = v + 0x10000000
            v = ai + bi - four
            peak |= v ^ (v >> 31)
            p[1] = v + 0x10000000
            p = ptr32(int(p) + (span << 3))
        j += 1
    v = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        v += 1
    return v


@micropython.viper
def last8(p: ptr32, v: int, m: int, shift: int) -> int:
    """The last passes over neighbours where 8 points remain: radix 4, and radix 2 on its results. Returns as radix4.

    |sum of four| <= 2^17.5, of eight <= 2^18.5. 5793: cos 45 degrees in Q13; 2^18 * 5793 < 2^31.
    """
    half = (1 << shift) >> 1
    four = (0x10000000 >> shift) << 2
    end = int(p) + (m << 3)
    peak = 0
    while int(p) < end:
        # points 0 2 4 6: t0 .. t3 as in radix4, no twiddles
        v = (int(p[0]) + half) >> shift
        ai = (int(p[8]) + half) >> shift
        ar = v + ai
        er = v - ai
        v = (int(p[1]) + half) >> shift
        bi = (int(p[9]) + half) >> shift
        ai = v + bi
        ei = v - bi
        v = (int(p[4]) + half) >> shift
        dr = (int(p[12]) + half) >> shift
        br = v + dr
        dr = v - dr
        v = (int(p[5]) + half) >> shift
        di = (int(p[13]) + half) >> shift
        bi = v + di
        di = v - di
        yr0 = ar + br - four
        yi0 = ai + bi - four
        yr2 = ar - br
        yi2 = ai - bi
        yr1 = er + di
        yi1 = ei - dr
        yr3 = er - di
        yi3 = ei + dr
        # points 1 3 5 7: the same, then times 1, w, w^2 = -j, w^3, w = (1 - j) cos 45
        v = (int(p[2]) + half) >> shift
        ai = (int(p[10]) + half) >> shift
        ar = v + ai
        er = v - ai
        v = (int(p[3]) + half) >> shift
        bi = (int(p[11]) + half) >> shift
        ai = v + bi
        ei = v - bi
        v = (int(p[6]) + half) >> shift
        dr = (int(p[14]) + half) >> shift
        br = v + dr
        dr = v - dr
        v = (int(p[7]) + half) >> shift
        di = (int(p[15]) + half) >> shift
        bi = v + di
        di = v - di
        # sums and differences of the two
        v = ar + br - four
        ar = ar - br
        br = yr0 - v
        v = yr0 + v
        peak |= v ^ (v >> 31)
        p[0] = v + 0x10000000
        v = br
        peak |= v ^ (v >> 31)
        p[2] = v + 0x10000000
        v = ai + bi - four
        ai = ai - bi
        bi = yi0 - v
        v = yi0 + v
        peak |= v ^ (v >> 31)
        p[1] = v + 0x10000000
        v = bi
        peak |= v ^ (v >> 31)
        p[3] = v + 0x10000000
        # -j (ar, ai) = (ai, -ar)
        v = yr2 + ai
        peak |= v ^ (v >> 31)
        p[8] = v + 0x10000000
        v = yr2 - ai
        peak |= v ^ (v >> 31)
        p[10] = v + 0x10000000
        v = yi2 - ar
        peak |= v ^ (v >> 31)
        p[9] = v + 0x10000000
        v = yi2 + ar
        peak |= v ^ (v >> 31)
        p[11] = v + 0x10000000
        # t1 + t3 = (er + di, ei - dr), t1 - t3 = (er - di, ei + dr)
        ar = er + di
        v = ei - dr
        br = ((ar + v) * 5793 + 4096) >> 13
        bi = ((v - ar) * 5793 + 4096) >> 13
        ar = er - di
        v = ei + dr
        dr = ((v - ar) * 5793 + 4096) >> 13
        di = (4096 - (v + ar) * 5793) >> 13
        v = yr1 + br
        peak |= v ^ (v >> 31)
        p[4] = v + 0x10000000
        v = yr1 - br
        peak |= v ^ (v >> 31)
        p[6] = v + 0x10000000
        v = yi1 + bi
        peak |= v ^ (v >> 31)
        p[5] = v + 0x10000000
        v = yi1 - bi
        peak |= v ^ (v >> 31)
        p[7] = v + 0x10000000
        v = yr3 + dr
        peak |= v ^ (v >> 31)
        p[12] = v + 0x10000000
        v = yr3 - dr
        peak |= v ^ (v >> 31)
        p[14] = v + 0x10000000
        v = yi3 + di
        peak |= v ^ (v >> 31)
        p[13] = v + 0x10000000
        v = yi3 - di
        peak |= v ^ (v >> 31)
        p[15] = v + 0x10000000
        p = ptr32(int(p) + 64)
    v = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        v += 1
    return v


@micropython.viper
def last4(p: ptr32, v: int, m: int, shift: int) -> int:
    """The last pass over neighbours where 4 points remain: radix 4 without twiddles. Returns as radix4."""
    half = (1 << shift) >> 1
    four = (0x10000000 >> shift) << 2
    end = int(p) + (m << 3)
    peak = 0
    while int(p) < end:
        v = (int(p[0]) + half) >> shift
        ai = (int(p[4]) + half) >> shift
        ar = v + ai
        tr = v - ai
        v = (int(p[1]) + half) >> shift
        bi = (int(p[5]) + half) >> shift
        ai = v + bi
        ti = v - bi
        v = (int(p[2]) + half) >> shift
        dr = (int(p[6]) + half) >> shift
        br = v + dr
        dr = v - dr
        v = (int(p[3]) + half) >> shift
        di = (int(p[7]) + half) >> shift
        bi = v + di
        di = v - di
        v = ar + br - four
        peak |= v ^ (v >> 31)
        p[0] = v + 0x10000000
        v = ai + bi - four
        peak |= v ^ (v >> 31)
        p[1] = v + 0x10000000
        v = tr + di
        peak |= v ^ (v >> 31)
        p[2] = v + 0x10000000
        v = ti - dr
        peak |= v ^ (v >> 31)
        p[3] = v + 0x10000000
        v = ar - br
        peak |= v ^ (v >> 31)
        p[4] = v + 0x10000000
        v = ai - bi
        peak |= v ^ (v >> 31)
        p[5] = v + 0x10000000
        v = tr - di
        peak |= v ^ (v >> 31)
        p[6] = v + 0x10000000
        v = ti + dr
        peak |= v ^ (v >> 31)
        p[7] = v + 0x10000000
        p = ptr32(int(p) + 32)
    v = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        v += 1
    return v


@micropython.viper
def powers(t: ptr16, v: int, z: ptr32, m: int, shift: int, out: ptr32):
    """Split the m-point transform into bins 1..m-1 of the real one and write |X / 2|^2 of each to out[1..m-1].

    t: rows (where bin k lies in z, where bin m-k, cos, sin of 2 pi k / 2m in Q13) for k = 1..m/2, see `rows_u16`.
    Inputs are scaled by 2^-shift to |component| <= 2^15. With Z = z[k], Y = conj z[m-k]: 2X = (Z + Y) - j w^k (Z - Y);
    |Z + Y|^2 + |Z - Y|^2 = 2 |Z|^2 + 2 |Y|^2 <= 2^33, so |2X| <= 2^17, X/2 = 2X >> 2 <= 2^15 and its square 2^30 +
    rounding < 2^31. out[0] gets the strongest of them: the mean was removed, and no band begins there.
    """
    half = (1 << shift) >> 1
    two = (0x10000000 >> shift) << 1
    top = 0
    up = ptr32(int(out) + 4)
    down = ptr32(int(out) + ((m - 1) << 2))
    while int(up) <= int(down):
        p = ptr32(int(z) + (t[0] << 3))
        zr = (int(p[0]) + half) >> shift
        zi = (int(p[1]) + half) >> shift
        p = ptr32(int(z) + (t[1] << 3))
        v = (int(p[0]) + half) >> shift
        ti = v - zr  # -j (Z - Y) = (tr, ti)
        zr = v + zr - two + 2  # Z + Y, and the half of what is shifted out
        v = (int(p[1]) + half) >> shift
        tr = zi + v - two
        zi = zi - v + 2
        # (r, v) = (tr, ti)(c - j s); the mirrored bin m-k has Z + Y conjugate and -(r, v) conjugate
        r = (tr * t[2] + ti * t[3] + 4096) >> 13
        v = (ti * t[2] - tr * t[3] + 4096) >> 13
        ti = (zi + v) >> 2
        tr = (zi - v) >> 2
        v = (zr + r) >> 2
        v = v * v + ti * ti
        up[0] = v
        if v > top:
            top = v
        v = (zr - r) >> 2
        v = v * v + tr * tr
        down[0] = v
        if v > top:
            top = v
        t = ptr16(int(t) + 8)
        up = ptr32(int(up) + 4)
        down = ptr32(int(down) - 4)
    out[0] = top


def rows_u16(w, m):
    """Return the table of `powers`, array('H'); w: twiddles of the n = 2m point turn."""
    order = tables.digit_reversal(m)
    rows = array("H")
    for k in range(1, (m >> 1) + 1):
        for value in (order[k], order[m - k], w[2 * k], -w[2 * k + 1]):
            rows.append(value)
    return rows


class Spectrum:
    """The transform of one window length into log bands. Allocates its tables once."""

    def __init__(self, n_window, n, bands, offset, floor, log2, reading):
        """n_window <= n, a power of two, 64..1024. bands: (first bin, number of bins) each.

        offset: of 8 log2(power), Q8. floor: steps under the strongest band. log2: table of kernels.log2_q8.
        reading: array('i') that `centre` fills.
        """
        sine = tables.Sine()
        w = tables.twiddles_q13(sine, n)
        self._m = n >> 1
        self._n_window, self._n = n_window, n
        self._rows = rows_u16(w, self._m)
        self._window = tables.hann_q14(sine, n_window)
        self._twiddles = array("H", [v + 0x8000 for v in w])
        self._z = array("i", bytes(4 * n))
        self.power = array("i", bytes(2 * n))
        edges = array("H", [0, 1])  # the strongest bin, for the floor
        for first, count in bands:
            edges.append(first)
            edges.append(count)
        self._bands = self.power, edges, len(bands), log2
        self._offset, self._floor = offset, floor
        self._reading = reading

    def extract_into(self, x, out):
        """Write n_bands int8 of the window x, centred by `centre`, to out. Allocates nothing."""
        z, m, w = self._z, self._m, self._twiddles
        shift = load(z, 0, x, self._window, self._n_window, self._n, self._reading)
        exponent = max(self._reading[2], 14) - 28
        span, step = m, 1
        while span > 8:
            exponent += shift
            shift = radix4(z, 0, m, span, w, step + step, shift)
            span >>= 2
            step <<= 2
        exponent += shift
        shift = last8(z, 0, m, shift) if span == 8 else last4(z, 0, m, shift)
        power, edges, n_bands, log2 = self._bands
        powers(self._rows, 0, z, m, shift, power)
        # the kernel's power is |X / 2|^2 / 4^exponent
        bands_into(power, edges, n_bands, log2, self._offset + ((exponent + shift + 1) << 9), self._floor, out)
