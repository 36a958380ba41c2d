"""The float path's part in machine code: what comes before ulab's transform and after it.

Nothing is allocated.

Rules of kernels/viper.py. Floats are looked at as words, little endian: sign, exponent, mantissa
(IEEE 754).
"""

import micropython


@micropython.viper
def weigh_window(z: ptr32, x: ptr16, window: ptr16, n_window: int, n: int, reading: ptr32):
    """Write (x - mean - rest / 16) * window, int32 in Q14, to z, and zeros from n_window to n.

    window: Q14. reading: mean, rest of `viper_window.centre`. |x - mean| < 2^16 and |rest| <= 8:
    the product is below 2^30 + 2^13.
    """
    v = 31
    v = 1 << v
    low = ((int(reading[0]) ^ v) - v) + 0x8000
    rest = (int(reading[1]) ^ v) - v
    end = int(z) + (n_window << 2)
    while int(z) < end:
        v = window[0]
        z[0] = ((x[0] ^ 0x8000) - low) * v - ((rest * v) >> 4)
        z = ptr32(int(z) + 4)
        x = ptr16(int(x) + 2)
        window = ptr16(int(window) + 2)
    end += (n - n_window) << 2
    while int(z) < end:
        z[0] = 0
        z = ptr32(int(z) + 4)


@micropython.viper
def fold(p: ptr32, m: int, wide: int) -> int:
    """Turn the float amplitudes of bins 1..m-1 into int32 powers in their place, p[0] into the
    strongest of them.

    wide: 1 for doubles, of which the upper word is looked at, 0 for single floats. An amplitude is
    taken with 15 bits of mantissa: v <= 2^15, v^2 <= 2^30, shifted down by twice the exponents
    between it and the strongest; beyond 30 bits, 90 dB under it, nothing is left. v^2 + half < 2^30
    + 2^29. Returns e: power = |amplitude|^2 * 4^-e.
    """
    bits = 23 - wide - wide - wide  # of the mantissa in the word
    step = 4 << wide
    start = int(p) + step + (wide << 2)
    end = start + (m - 1) * step
    top = 0
    at = start
    while at < end:
        v = int(ptr32(at)[0])
        if v > top:
            top = v
        at += step
    e = top >> bits
    if e == 0:
        e = 64  # silence: every bin is 64 octaves below, and becomes 0
    lead = 1 << bits
    half = 1 << (bits - 15)
    low = bits - 14
    out = ptr32(int(p) + 4)
    strongest = 0
    at = start
    while at < end:
        v = int(ptr32(at)[0])
        s = (e - (v >> bits)) << 1
        if s > 30:
            v = 0
        else:
            v = ((v & (lead - 1)) + lead + half) >> low
            v = (v * v + ((1 << s) >> 1)) >> s
        if v > strongest:
            strongest = v
        out[0] = v
        out = ptr32(int(out) + 4)
        at += step
    p[0] = strongest
    return e - (1 << (30 - bits)) - 13
