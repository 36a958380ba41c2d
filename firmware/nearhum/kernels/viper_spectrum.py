"""From a window to log bands for any board: transform, power of each bin, bands.

Enters: one channel's window, int16, and its mean from `centre`. Leaves: int8 levels of its bands.
The rules of kernels/viper.py hold.
"""

from array import array

import micropython

from nearhum import kernels
from nearhum.kernels.viper_bands import bands_into, raise_to, strongest
from nearhum.kernels.viper_fft import load, place, places_u16, radix4, turns_u16


@micropython.viper
def powers(t: ptr16, v: int, z: ptr32, m: int, shift: int, out: ptr32):
    """Split the complex m-point transform into bins of the real one, and write their powers.

    t: the table of `rows_u16`. v: gives a register. z: pairs of int32, scaled by 2^-shift to
    |component| <= 2^15. out: int32 (m,); out[k] = |X / 2|^2 of bin k, and out[0] = 0.
    With Z = z[k] and Y = conj z[m-k], 2X = (Z + Y) - j w^k (Z - Y). Bounds: |Z + Y|^2 + |Z - Y|^2 =
    2 |Z|^2 + 2 |Y|^2 <= 2^33, so |2X| <= 2^17. X/2 = 2X >> 2 <= 2^15, and its square plus rounding
    is below 2^31.
    """
    half = (1 << shift) >> 1
    two = (0x100000 >> shift) << 1
    out[0] = 0
    up = ptr32(int(out) + 4)
    down = ptr32(int(out) + ((m - 1) << 2))
    while int(up) <= int(down):
        p = ptr32(int(z) + t[0])
        zr = (int(p[0]) + half) >> shift
        zi = (int(p[1]) + half) >> shift
        p = ptr32(int(z) + t[1])
        v = (int(p[0]) + half) >> shift
        ti = v - zr  # -j (Z - Y) = (tr, ti)
        zr = v + zr - two + 2  # Z + Y, and half of 1 << 2 for rounding
        v = (int(p[1]) + half) >> shift
        tr = zi + v - two
        zi = zi - v + 2
        # (r, v) = (tr, ti)(c - j s). The mirrored bin m-k has the conjugates of Z + Y and -(r, v).
        r = (tr * t[2] + ti * t[3] + 2048) >> 12
        v = (ti * t[2] - tr * t[3] + 2048) >> 12
        ti = (zi + v) >> 2
        tr = (zi - v) >> 2
        v = (zr + r) >> 2
        up[0] = v * v + ti * ti
        v = (zr - r) >> 2
        down[0] = v * v + tr * tr
        t = ptr16(int(t) + 8)
        up = ptr32(int(up) + 4)
        down = ptr32(int(down) - 4)


def rows_u16(at, w, m):
    """Return the table of `powers` as array('H'), four values for each k = 1..m/2.

    The values are the byte offsets of bins k and m-k in z, and cos and sin of 2 pi k / 2m in Q12.
    at: tables.digit_reversal(m). w: tables.twiddles_q12 of 2m points.
    """
    rows = array("H")
    for k in range(1, (m >> 1) + 1):
        for value in (at[k] << 3, at[m - k] << 3, w[2 * k], -w[2 * k + 1]):
            rows.append(value)
    return rows


class Spectrum:
    """The transform of one window length into log bands. Allocates its tables once."""

    def __init__(self, n_window, n, bands, offset, floor, log2, reading):
        """Make the tables.

        n_window: samples of a window, at most n. n: points of the transform, a power of two from 64
        to 1024. bands: list of (first bin, number of bins). offset: added to log2(power), Q8.
        floor: steps below the strongest bin or band, to which weaker bands are raised. log2:
        tables.log2_table. reading: array('i') that `centre` fills before each window.
        """
        from nearhum.kernels import tables  # released after the start, see lifetime.AT_START

        sine = tables.Sine()
        w = tables.twiddles_q12(sine, n)
        window = tables.hann_q14(sine, n_window)
        m = n >> 1
        passes, span = [], m
        while span > 8:
            passes.append((turns_u16(w, m, span), span))
            span >>= 2
        # Each pass goes from one buffer to the other. The powers use the buffer in which the last
        # stage does not work.
        z, y = array("i", bytes(4 * n)), array("i", bytes(4 * n))
        self.power = power = memoryview(y if len(passes) & 1 else z)[:m]
        edges = array("H")
        for first, count in bands:
            edges.append(first)
            edges.append(count)
        # The power is |X / 2|^2 / 4^exponent. The exponent starts with the window's 14 bits less 2.
        offset += (1 - 12 + 2 * len(passes)) << 9
        # The floor also depends on bins below and above the bands. (There is no gap between bands.)
        # The strongest of these bins is put into bin 0.
        self._outside = power[1 : bands[0][0]], power[sum(bands[-1]) :], array("H", [0, 1])
        self._some_outside = len(power) - 1 > sum([count for _, count in bands])
        last = kernels.last_stage(n)
        # One tuple, because looking up all these attributes would take longer than a kernel.
        self._bound = (
            window, len(window), n, reading, z, y, places_u16(m), m, passes, last,
            rows_u16(tables.digit_reversal(m), w, m), power, edges, len(bands), log2, offset, floor,
        )  # fmt: skip

    @micropython.native
    def extract_into(self, x, out):
        """Write the int8 levels of the bands of window x to out. Allocates nothing.

        x: int16 (n_window,), whose mean `centre` has put into `reading`. out: (n_bands,).
        """
        (
            window, n_loaded, n, reading, z, y, places, m, passes, last, rows, power, edges,
            n_bands, log2, offset, floor,
        ) = self._bound  # fmt: skip
        shift = load(x, 0, z, window, n_loaded, n, reading)
        place(z, 0, z, y, places, m, shift)
        for turns, span in passes:
            radix4(y, 0, z, turns, m, span)
            y, z = z, y
        scale = last(y, 0, 0, m)
        powers(rows, 0, y, m, scale, power)
        offset += (shift + scale) << 9
        top = -128
        if self._some_outside:
            below, above, edge = self._outside
            power[0] = strongest(above, strongest(below, 0, len(below)), len(above))
            top = bands_into(power, 0, edge, out, 1, log2, offset, top)
        top = bands_into(power, 0, edges, out, n_bands, log2, offset, top)
        raise_to(out, top - floor, n_bands)
