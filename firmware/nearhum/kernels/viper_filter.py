"""Filters for any board: a cascade of biquads, and the envelope of its output.

Enters: one channel's window, int16. Leaves: the decimated envelope, int16. Nothing is allocated.
The rules of kernels/viper.py hold.

A section is a biquad in transposed direct form II (Oppenheim & Schafer 6.3.3). It has a double zero
at z = 1 (high-pass) or z = -1 (low-pass), so its numerator b (1 +- 2/z + 1/z^2) takes one
multiplication. Its poles are stored by their difference from a double pole at z = 1, or at z = -1
for corners above a quarter of the rate: 1 -+ (2 - d1)/z + (1 - d2)/z^2. For low corners d1 and d2
are small, but they are scaled so that they keep 13 bits. The state has 11 bits more than the
samples, and the feedback is not rounded to samples. So low corners lose little precision: the noise
below a full-scale sine is at -89 dB for corners down to rate / 500, and at -78 dB at rate / 1000.
The gain is within 0.1 dB of the design (tests/host/test_filter_oracle.py).

z holds samples as int32 + BIAS: 15 bits of signal and two bits of headroom. No cascade of
`band_pass` needs more, because the sum of its |impulse response| is below 4. With the bias a load
is right whether it extends the sign or zeros.
"""

from array import array

import micropython

# Viper takes no global constants, so BIAS is written as 0x20000 in the kernels.
# Words of a section: high-pass, b, shift of b, poles near z = -1, d1, d2, shift of d1 and d2.
WORDS = 7


def band_pass(low, high, rate):
    """Return the sections of a Butterworth band-pass as array('H').

    low, high, rate: integers in the same unit, rate / 1000 <= low < high <= 0.45 rate. The slopes
    are 24 dB an octave below low, where shaft and gears are often 40 dB stronger, and 12 dB above
    high, where there is only noise. Everything is computed in integers, so that the result does not
    depend on the float width.
    """
    return (
        section(True, low, rate, 0, 4)
        + section(True, low, rate, 1, 4)
        + section(False, high, rate, 0, 2)
    )


def section(high_pass, corner, rate, k, order):
    """Return section k of a Butterworth filter as array('H') (WORDS,).

    high_pass: True or False. corner, rate: integers in the same unit. order: of the whole filter.
    Bilinear transform as in the Audio EQ Cookbook (Bristow-Johnson): w = 2 pi corner / rate,
    1 / 2Q = cos(pi (2k + 1) / 2 order), alpha = sin w / 2Q. With h = sin(w/2) and g = cos(w/2),
    1 - cos w = 2 h^2.
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
    """Return (value * 2^bits rounded, bits), with as many bits as keep it at or below 2^13.

    bits: the smallest number of bits.
    """
    while True:
        finer = value_q60 + (1 << 58 - bits) >> 59 - bits
        if finer > 1 << 13:
            return value_q60 + (1 << 59 - bits) >> 60 - bits, bits
        bits += 1


@micropython.viper
def widen(x: ptr16, v: int, n: int, mean: int, z: ptr32) -> int:
    """Write (x - mean) * 2^(15 - bits) + BIAS to z, so that the samples fill 15 bits. Return bits.

    x: int16 (n,). v: gives a register. mean: counts. z: int32 (n,). bits: the bit length of the
    largest |x - mean| (one's complement), which is below 2^16. Bounds: shifted up by 16 - bits a
    value stays below 2^16. Then it is halved and rounded.
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

    z: int32 (n,) + BIAS. v: gives a register. sections: of `band_pass`.

    Bounds: the output y, Q11, is held to -2^28..2^28 - 1, and so a sample to 2^17. It saturates and
    never wraps. b, d1, d2 <= 2^13, so products are at most 2^30, and their rounding halves are
    below 2^19. b < 1, so |p| <= 2^28. In units of y, d1 <= 2 and d2 < 1, so |2y - d1 y| <= 2^29
    and |y - d2 y| <= 2^28. So |s2| <= 2^29, |s1| <= 3 * 2^29, and |p + s1| < 2^31. The operands are
    in the order for which viper needs the fewest loads and stores.
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
    """Rectify, low-pass and decimate: write n sums of |z|, weighted by a triangle, to out.

    z: int32 + BIAS, overwritten. v: the first sample; n + 1 blocks of `factor` samples are read
    from there. factor: of the decimation, at most 64. out: int16 (n,), sum * 2^-e, which fills 15
    bits. Returns e.

    The triangle is 2 factor - 1 samples wide. It is a boxcar of `factor` applied twice, which is
    the low-pass of a second-order CIC (Hogenauer 1981). Its zeros lie at the frequencies that
    decimation folds onto 0 Hz, and the slow part is what counts in an envelope. Bounds: |z| <=
    2^17, so a sum is at most factor^2 2^17 <= 2^29, and (factor + 1) s < 2^30.
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
        # t = sum of (factor - i) |z_i|. So t - s is the triangle's falling side, and
        # (factor + 1) s - t is the rising side of the next triangle.
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
    """Add `by` to v int8 levels, held to -128..127. A level of -128 means silence and stays.

    v: how many; its register then holds a level. Bound: |by| < 2^10.
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
