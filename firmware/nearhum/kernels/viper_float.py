"""Kernels of the float path: what comes before ulab's transform and after it.

Enters: a window, int16, or the amplitudes of its bins. Leaves: int32 for ulab, or powers for
viper_bands. Nothing is allocated. The rules of kernels/viper.py hold. Floats are read as
little-endian words of sign, exponent and mantissa (IEEE 754).
"""

import micropython


@micropython.viper
def weigh_window(z: ptr32, x: ptr16, window: ptr16, n_window: int, n: int, reading: ptr32):
    """Write (x - mean - rest / 16) * window to z, and zeros from n_window to n.

    z: int32 (n,), Q14. x: int16 (n_window,). window: Q14. reading: mean and rest of
    viper_window.centre. Bounds: |x - mean| < 2^16 and |rest| <= 8, so the product is below 2^30 +
    2^13.
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
    """Replace the float amplitudes of bins 1..m-1 by int32 powers, and p[0] by the strongest one.

    p: floats, which become int32 from the same address on. wide: 1 for doubles, of which only the
    upper word is read, 0 for single floats. Returns e, with power = |amplitude|^2 * 4^-e.
    An amplitude is taken with 15 bits of mantissa. Its square is shifted down by twice the
    difference between its exponent and the largest one. Beyond 30 bits, 90 dB below the strongest
    bin, nothing is left. Bounds: v <= 2^15, v^2 <= 2^30, v^2 + half < 2^30 + 2^29.
    """
    bits = 23 - wide - wide - wide  # bits of the mantissa in the word
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
        e = 64  # Silence: every bin counts as 64 octaves weaker, and becomes 0.
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
