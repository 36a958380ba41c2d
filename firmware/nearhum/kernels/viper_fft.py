"""The Fourier transform of n real samples as m = n / 2 complex points, for any board.

Enters: one channel's window, int16, and its mean. Leaves: complex points for `powers` of
viper_spectrum. Each stage goes from one buffer to another. The rules of kernels/viper.py hold.

The arithmetic is fixed point with one exponent for the whole window. `load` finds the peak after
the window function. `place` scales by it to |component| <= 2^16, and puts the legs of every
butterfly side by side, so that a pass reads one stream and writes four. Each pass of radix 4
divides by 4, so |point| <= sqrt(2) 2^16 holds throughout. The passes end at spans of 8 or 4 points,
which one last stage takes without dividing (viper_last8, viper_last4).

z holds pairs of int32 as component + bias. They are never negative, so a load is right whether it
extends the sign (32-bit boards) or zeros (the 64-bit unix port). The bias cancels in differences.
Viper takes no global constants, so the biases are numbers in the kernels: 0x10000000 after `load`,
0x40000 in the passes, and 0x100000 after the last stage. Some arguments only give a register.

(x + j y)(c + j s) takes three products: (x + y) c - y (c + s) and (x + y) c + x (s - c). (x + y) c
may overflow int32. It then wraps on a 32-bit board and not on unix, but the low 32 bits of the
result are the same.
"""

from array import array

import micropython


@micropython.viper
def load(x: ptr16, v: int, z: ptr32, window: ptr16, n_window: int, n: int, reading: ptr32) -> int:
    """Write (x - mean - rest / 16) * window / 4 to z. Return the shift that `place` needs.

    x: int16 (n_window,). v: gives a register. z: int32 (n,), zeros from n_window to n. window: Q14.
    n_window: a multiple of 4. If a window's length is not, its table ends in zeros, and x is read
    up to 3 samples beyond its end. reading: mean and rest of `centre`. Without rest, up to half a
    count of mean would leak into the first bands of a quiet channel. Bounds: |x - mean| < 2^16, so
    the product is below 2^30, and |z| < 2^28.
    """
    v = 31
    v = 1 << v
    low = ((int(reading[0]) ^ v) - v) + 0x8000
    rest = (int(reading[1]) ^ v) - v
    end = int(z) + (n_window << 2)
    peak = 0
    while int(z) < end:
        v = window[0]
        v = (((x[0] ^ 0x8000) - low) * v - ((v * rest) >> 4)) >> 2
        z[0] = v + 0x10000000
        peak = ((v >> 31) ^ v) | peak
        v = window[1]
        v = (((x[1] ^ 0x8000) - low) * v - ((v * rest) >> 4)) >> 2
        z[1] = v + 0x10000000
        peak = ((v >> 31) ^ v) | peak
        v = window[2]
        v = (((x[2] ^ 0x8000) - low) * v - ((v * rest) >> 4)) >> 2
        z[2] = v + 0x10000000
        peak = ((v >> 31) ^ v) | peak
        v = window[3]
        v = (((x[3] ^ 0x8000) - low) * v - ((v * rest) >> 4)) >> 2
        z[3] = v + 0x10000000
        peak = ((v >> 31) ^ v) | peak
        x = ptr16(int(x) + 8)
        window = ptr16(int(window) + 8)
        z = ptr32(int(z) + 16)
    end += (n - n_window) << 2
    while int(z) < end:
        z[0] = 0x10000000
        z = ptr32(int(z) + 4)
    v = 0
    peak = peak >> 16
    while peak > 0:
        peak = peak >> 1
        v += 1
    return v


@micropython.viper
def place(p: ptr32, x: int, z: ptr32, q: ptr32, places: ptr16, m: int, shift: int):
    """Copy m points from z to q, scaled by 2^-shift, in the order of the first pass.

    p, x: give registers. z: as `load` left it. q: the legs of each butterfly side by side. places:
    byte offset of the first leg of each butterfly, see `places_u16`; the others are m / 4 points
    apart. shift: at most 12, so that 0x40000 << shift, which changes the bias, is at most 2^30.
    """
    add = ((1 << shift) >> 1) + (0x40000 << shift) - 0x10000000
    quarter = m << 1
    end = int(q) + (m << 3)
    while int(q) < end:
        p = ptr32(int(z) + places[0])
        places = ptr16(int(places) + 2)
        x = int(q) + 32
        while int(q) < x:
            q[0] = (int(p[0]) + add) >> shift
            q[1] = (int(p[1]) + add) >> shift
            p = ptr32(int(p) + quarter)
            q = ptr32(int(q) + 8)


@micropython.viper
def radix4(p: ptr32, x: int, q: ptr32, turns: ptr16, m: int, span: int):
    """Do one pass of a decimation-in-frequency FFT over m points, divided by 4 and rounded.

    p, q: pairs of int32, source and target. x: gives a register. turns: of `turns_u16`, nine words
    a butterfly. span: points of a sub-transform. Bounds: |point| <= 2^16.5, so the sum of four is
    at most 2^18.5, and times the twiddle 2^30.5 < 2^31.
    """
    end = int(p) + (m << 3)
    quarter = span << 1
    while int(p) < end:
        q1 = ptr32(int(q) + quarter)
        q2 = ptr32(int(q1) + quarter)
        q3 = ptr32(int(q2) + quarter)
        w = turns
        limit = int(q1)
        while int(q) < limit:
            # a, b, c, d lie in p[0] to p[7]. Leg 0: (a + c) + (b + d), which has four times the
            # bias.
            x = int(p[2])
            cr = x + int(p[6])
            x = int(p[0])
            br = x - int(p[4])  # t1 = a - c
            x = x + int(p[4])  # t0 = a + c
            q[0] = (x + cr + 2) >> 2
            ur = x - cr
            x = int(p[3])
            ci = x + int(p[7])
            x = int(p[1])
            bi = x - int(p[5])
            x = x + int(p[5])
            q[1] = (x + ci + 2) >> 2
            ui = x - ci
            q = ptr32(int(q) + 8)
            x = int(p[3])
            x = x - int(p[7])
            er = br + x
            br = br - x
            x = int(p[2])
            x = x - int(p[6])
            ei = bi - x
            bi = bi + x
            p = ptr32(int(p) + 32)
            # leg 2: t0 - t2
            x = ur
            x = x + ui
            s = (w[0] - 0x8000) * x + 8192
            x = (w[1] - 0x8000) * ui
            q2[0] = ((s - x) >> 14) + 0x40000
            x = (w[2] - 0x8000) * ur
            q2[1] = ((s + x) >> 14) + 0x40000
            q2 = ptr32(int(q2) + 8)
            # leg 1: t1 - j (b - d)
            x = er
            x = x + ei
            s = (w[3] - 0x8000) * x + 8192
            x = (w[4] - 0x8000) * ei
            q1[0] = ((s - x) >> 14) + 0x40000
            x = (w[5] - 0x8000) * er
            q1[1] = ((s + x) >> 14) + 0x40000
            q1 = ptr32(int(q1) + 8)
            # leg 3: t1 + j (b - d)
            x = br
            x = x + bi
            s = (w[6] - 0x8000) * x + 8192
            x = (w[7] - 0x8000) * bi
            q3[0] = ((s - x) >> 14) + 0x40000
            x = (w[8] - 0x8000) * br
            q3[1] = ((s + x) >> 14) + 0x40000
            q3 = ptr32(int(q3) + 8)
            w = ptr16(int(w) + 18)
        q = q3


def slots(span):
    """Return the list of which point of a sub-transform is in each slot.

    The legs of each butterfly are side by side.
    """
    if span <= 8:
        return list(range(span))
    quarter = span >> 2
    return [j + leg * quarter for j in slots(quarter) for leg in range(4)]


def places_u16(m):
    """Return the table of `place`, array('H') (m / 4,)."""
    return array("H", [j << 3 for j in slots(m >> 2)])


def turns_u16(w, m, span):
    """Return the twiddles of one pass as array('H'), nine values a butterfly.

    They are c, c + s and s - c of legs 2, 1 and 3, plus 2^15 each. w: tables.twiddles_q12 of 2m
    points. span: points of a sub-transform.
    """
    out = array("H")
    for j in slots(span >> 2):
        for leg in (2, 1, 3):
            k = 2 * leg * j * (m // span)
            c, s = w[2 * k], w[2 * k + 1]
            for value in (c, c + s, s - c):
                out.append(value + 0x8000)
    return out
