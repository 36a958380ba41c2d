"""Filters for any board: a cascade of biquads, and the envelope of what it lets through, in viper.

Nothing allocated.

A section is a transposed direct form II (Oppenheim & Schafer 6.3.3) whose zeros lie at z = 1
(high-pass) or z = -1 (low-pass), twofold: its numerator is b (1 +- 2/z + 1/z^2), one
multiplication. Its poles are held as what they differ from a double pole at z = 1, or at z = -1 for
corners above a quarter of the rate: 1 -+ (2 - d1)/z + (1 - d2)/z^2. d1 and d2 are small where the
corner is low, and carry 13 bits there too; and the state carries 11 bits more than the samples,
which go back unrounded. So a low corner costs little: noise under a full-scale sine is at -89 dB
for corners down to rate / 500 and at -78 dB at rate / 1000, gain within 0.1 dB of the design
(tests/host/test_filter_oracle.py).

z holds samples as int32 + BIAS: 15 bits of signal, two bits of headroom (no cascade of `band_pass`
takes more: the sum of |impulse response| stays below 4), and a bias so that a load is right whether
it extends the sign or zeros.
"""

from array import array

import micropython

# Viper takes no global constants: BIAS stands in the kernels as 0x20000.
WORDS = 7  # a section: high-pass, b, shift of b, poles near z = -1, d1, d2, shift of both


def band_pass(low, high, rate):
    """Return the sections of a band-pass, array('H'): Butterworth, 24 dB an octave below low,
    12 above high.

    Below the band lie shaft and gears, often 40 dB stronger; above it noise. Integers of one unit;
    rate / 1000 <= low < high <= 0.45 rate. Made with integers alone, so that no float width changes
    a bit.
    """
    return (
        section(True, low, rate, 0, 4)
        + section(True, low, rate, 1, 4)
        + section(False, high, rate, 0, 2)
    )


def section(high_pass, corner, rate, k, order):
    """Return section k of a Butterworth filter of that order, array('H') of WORDS.

    Bilinear transform as in the Audio EQ Cookbook (Bristow-Johnson): w = 2 pi corner / rate, 1 / 2Q
    = cos(pi (2k + 1) / 2 order), alpha = sin w / 2Q. With h = sin(w/2), g = cos(w/2): 1 - cos w = 2
    h^2.
    """
    from nearhum.kernels.tables import sine_q60

    h = sine_q60(corner, 2 * rate)
    g = sine_q60(rate - 2 * corner, 4 * rate)
    alpha = 2 * (h * g >> 60) * sine_q60(order - 2 * k - 1, 4 * order) >> 60
    whole = (1 << 60) + alpha
    mirrored = 4 * corner > rate
    b, b_bits = _mantissa((g * g if high_pass else h * h) // whole, 13)
    near = g if mirrored else h
    d1, d_bits = _mantissa(((2 * (near * near >> 60) + alpha << 1) << 60) // whole, 12)
    d2 = ((2 * alpha << 60) // whole + (1 << 59 - d_bits)) >> 60 - d_bits
    return array("H", [high_pass, b, b_bits - 11, mirrored, d1, d2, d_bits - 11])


def _mantissa(value_q60, bits):
    """Return (value * 2^bits rounded, bits), with the most bits, not fewer than given, at which
    it is at most 2^13.
    """
    while True:
        finer = value_q60 + (1 << 58 - bits) >> 59 - bits
        if finer > 1 << 13:
            return value_q60 + (1 << 59 - bits) >> 60 - bits, bits
        bits += 1


@micropython.viper
def widen(x: ptr16, v: int, n: int, mean: int, z: ptr32) -> int:
    """Write n int16 less their mean, brought to 15 bits, to z: (x - mean) * 2^(15 - bits) + BIAS.

    Returns bits.

    v: gives a register. bits: the length of the largest |x - mean| (one's complement) < 2^16.
    Shifted by 16 - bits it stays below 2^16, then it is halved and rounded.
    """
    mean += 0x8000
    start = int(x)
    end = start + (n << 1)
    peak = 0
    while int(x) < end:
        v = (x[0] ^ 0x8000) - mean
        v = v ^ (v >> 31)
        peak |= v
        x = ptr16(int(x) + 2)
    bits = 0
    while peak > 0:
        peak = peak >> 1
        bits += 1
    up = 16 - bits
    x = ptr16(start)
    while int(x) < end:
        v = (((x[0] ^ 0x8000) - mean) << up) + 1
        z[0] = (v >> 1) + 0x20000
        x = ptr16(int(x) + 2)
        z = ptr32(int(z) + 4)
    return bits


@micropython.viper
def biquads(z: ptr32, v: int, n: int, sections: ptr16, n_sections: int):
    """Filter n samples in place through n_sections, one after the other, each from rest.

    v: holds what is computed.

    The output y, Q11, is held to -2^28..2^28 - 1, so a sample of it to 2^17: it saturates and never
    wraps. b, d1, d2 <= 2^13: products at most 2^30, their rounding halves below 2^19. b < 1: |p| <=
    2^28. In units of y d1 <= 2 and d2 < 1: |2y - d1 y| <= 2^29, |y - d2 y| <= 2^28. So |s2| <=
    2^29, |s1| <= 2^29 + 2^29 + 2^29, and |p + s1| < 2^31. Operands stand in the order that costs
    viper the fewest loads and stores.
    """
    start = int(z)
    end = start + (n << 2)
    while n_sections > 0:
        m = 2 - (sections[0] << 2)  # numerator: 1 + m/z + 1/z^2
        b = sections[1]
        b_shift = sections[2]
        b_half = (1 << b_shift) >> 1
        k = 2 - (sections[3] << 2)  # poles near z = k / 2
        d1 = sections[4]
        if k > 0:
            d1 = 0 - d1
        d2 = sections[5]
        d_shift = sections[6]
        d_half = (1 << d_shift) >> 1
        s1 = 0
        s2 = 0
        z = ptr32(start)
        while int(z) < end:
            v = ((int(z[0]) - 0x20000) * b + b_half) >> b_shift
            p = v
            t = v * m + s2
            v = v + s1
            if (v >> 28) != (v >> 31):
                v = (v >> 31) ^ 0xFFFFFFF
            s2 = p - v
            s1 = v * k + t
            v = (v + 1024) >> 11
            z[0] = v + 0x20000
            s1 = ((v * d1 + d_half) >> d_shift) + s1
            s2 = ((v * d2 + d_half) >> d_shift) + s2
            z = ptr32(int(z) + 4)
        sections = ptr16(int(sections) + 14)
        n_sections -= 1


@micropython.viper
def rectify_into(z: ptr32, v: int, factor: int, out: ptr16, n: int) -> int:
    """Rectify, low-pass and decimate: write n int16 of sum of |z| times a triangle 2 factor - 1
    samples wide to out.

    The triangle is a boxcar of `factor` twice, the low-pass of a second-order CIC (Hogenauer 1981):
    its zeros lie where decimation folds onto the slowest, which is what counts in an envelope. v:
    the first sample; n + 1 blocks of `factor` from there are read, and z is used up. Returns e: out
    = sum * 2^-e fills 15 bits. |z| <= 2^17, factor <= 64: a sum is at most factor^2 2^17 <= 2^29,
    and (factor + 1) s < 2^30.
    """
    first = int(z)
    o = first
    z = ptr32(first + (v << 2))
    held = 0
    peak = 0
    k = 0
    while k <= n:
        s = 0
        t = 0
        end = int(z) + (factor << 2)
        while int(z) < end:
            v = int(z[0]) - 0x20000
            if v < 0:
                v = 0 - v
            v = v + s
            s = v
            v = v + t
            t = v
            z = ptr32(int(z) + 4)
        # t = sum of (factor - i) |z_i|: t - s is the falling side, (factor + 1) s - t the rising
        # one of the next sum
        if k > 0:
            v = held + t - s
            ptr32(o)[0] = v
            o += 4
            peak |= v
        held = (factor + 1) * s - t
        k += 1
    e = -15
    while peak > 0:
        peak = peak >> 1
        e += 1
    down = 0
    up = 0 - e
    if e > 0:
        down = e
        up = 0
    half = (1 << down) >> 1
    z = ptr32(first)
    while int(z) < o:
        v = ((int(z[0]) << up) + half) >> down
        if v > 0x7FFF:
            v = 0x7FFF
        out[0] = v
        z = ptr32(int(z) + 4)
        out = ptr16(int(out) + 2)
    return e


@micropython.viper
def lift(levels: ptr8, v: int, by: int):
    """Add `by` to v int8 levels, held to -128..127; the silent, -128, stay silent. |by| < 2^10.

    v: how many; its register then holds a level.
    """
    end = int(levels) + v
    while int(levels) < end:
        v = (levels[0] ^ 128) - 128
        if v > -128:
            v += by
            if v < -128:
                v = -128
            if v > 127:
                v = 127
            levels[0] = v
        levels = ptr8(int(levels) + 1)
