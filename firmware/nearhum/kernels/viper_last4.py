"""The last stage of viper_fft's transform if 4 points remain.

Enters: pairs of int32 as component + 0x40000, |point| <= sqrt(2) 2^16. Leaves: component +
0x100000, in place, not divided. The four points are neighbours. The length of a window needs either
this stage or viper_last8. The rules of kernels/viper.py hold.
"""

import micropython


@micropython.viper
def last4(p: ptr32, x: int, y: int, m: int) -> int:
    """Do a butterfly of radix 4, without twiddles, on each four of m points, in place.

    p: pairs of int32. x, y: give registers. Returns the shift by which `powers` has to scale.
    """
    end = int(p) + (m << 3)
    peak = 0
    while int(p) < end:
        x = int(p[0])
        y = int(p[4])
        ar = x + y
        br = x - y
        x = int(p[1])
        y = int(p[5])
        ai = x + y
        bi = x - y
        x = int(p[2])
        y = int(p[6])
        cr = x + y
        dr = x - y
        x = int(p[3])
        y = int(p[7])
        ci = x + y
        di = x - y
        x = ar + cr - 0x100000
        peak = ((x >> 31) ^ x) | peak
        p[0] = x + 0x100000
        x = ai + ci - 0x100000
        peak = ((x >> 31) ^ x) | peak
        p[1] = x + 0x100000
        x = br + di
        peak = ((x >> 31) ^ x) | peak
        p[2] = x + 0x100000
        x = bi - dr
        peak = ((x >> 31) ^ x) | peak
        p[3] = x + 0x100000
        x = ar - cr
        peak = ((x >> 31) ^ x) | peak
        p[4] = x + 0x100000
        x = ai - ci
        peak = ((x >> 31) ^ x) | peak
        p[5] = x + 0x100000
        x = br - di
        peak = ((x >> 31) ^ x) | peak
        p[6] = x + 0x100000
        x = bi + dr
        peak = ((x >> 31) ^ x) | peak
        p[7] = x + 0x100000
        p = ptr32(int(p) + 32)
    x = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        x += 1
    return x
