"""Moments of a window, for any board.

Enters: one channel's window, int16, and its mean. Leaves: integers from which transform_fixed
computes the statistics. The rules of kernels/viper.py hold. Loaded only if `statistics` is set.
"""

import micropython


@micropython.viper
def moments(x: ptr16, v: int, mean: int, out: ptr32):
    """Write seven moments of y = x - mean to out.

    x: int16 (v,). v: n, at most 1024; its register then holds deviations. mean: counts. out: int32
    (7,): sum y^2 (high, low), sum z^2, sum z^4 (high, low), number of sign changes, largest |y|. A
    pair is high * 2^24 + low, with low < 2^24. z is y shifted down to 7 bits and rounded, |z| <=
    128. Bounds: y^2 < 2^32 would overflow int32, so if |y| >= 2^15, y is halved and its square
    counts four times. n z^2 <= 2^24, and z^4 <= 2^28.
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
            v = 1 - (y >> 31)  # 1 above zero, 2 below it: a product of 2 is a change of sign
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
