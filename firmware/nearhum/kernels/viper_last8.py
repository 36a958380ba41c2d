"""The last stage of the transform of viper_fft where 8 points remain: neighbours, in place, not divided.

Enters: pairs of int32 as component + 0x40000, |point| <= sqrt(2) 2^16. Leaves: component + 0x100000. A window's length
asks for this stage or for viper_last4, never for both.
"""

import micropython


@micropython.viper
def last8(p: ptr32, x: int, y: int, m: int) -> int:
    """The last stage where 8 points remain, neighbours, in place: radix 4, and radix 2 on its results.

    Returns the shift by which `powers` has to scale. |component| <= 2^19.5. 2896: cos 45 degrees in Q12; |re + im| <=
    2^19, times it 2^30.5.
    """
    end = int(p) + (m << 3)
    peak = 0
    while int(p) < end:
        # points 0 2 4 6: t0 .. t3 as in radix4, no twiddles
        x = int(p[0])
        y = int(p[8])
        ar = x + y
        er = x - y
        x = int(p[1])
        y = int(p[9])
        ai = x + y
        ei = x - y
        x = int(p[4])
        y = int(p[12])
        br = x + y
        dr = x - y
        x = int(p[5])
        y = int(p[13])
        bi = x + y
        di = x - y
        yr0 = ar + br - 0x100000
        yi0 = ai + bi - 0x100000
        yr2 = ar - br
        yi2 = ai - bi
        yr1 = er + di
        yi1 = ei - dr
        yr3 = er - di
        yi3 = ei + dr
        # points 1 3 5 7: the same, then times 1, w, w^2 = -j, w^3, w = (1 - j) cos 45
        x = int(p[2])
        y = int(p[10])
        ar = x + y
        er = x - y
        x = int(p[3])
        y = int(p[11])
        ai = x + y
        ei = x - y
        x = int(p[6])
        y = int(p[14])
        br = x + y
        dr = x - y
        x = int(p[7])
        y = int(p[15])
        bi = x + y
        di = x - y
        # sums and differences of the two
        y = ar + br - 0x100000
        x = yr0 + y
        peak = ((x >> 31) ^ x) | peak
        p[0] = x + 0x100000
        x = yr0 - y
        peak = ((x >> 31) ^ x) | peak
        p[2] = x + 0x100000
        y = ai + bi - 0x100000
        x = yi0 + y
        peak = ((x >> 31) ^ x) | peak
        p[1] = x + 0x100000
        x = yi0 - y
        peak = ((x >> 31) ^ x) | peak
        p[3] = x + 0x100000
        # -j (ar, ai) = (ai, -ar)
        y = ai - bi
        x = yr2 + y
        peak = ((x >> 31) ^ x) | peak
        p[8] = x + 0x100000
        x = yr2 - y
        peak = ((x >> 31) ^ x) | peak
        p[10] = x + 0x100000
        y = ar - br
        x = yi2 - y
        peak = ((x >> 31) ^ x) | peak
        p[9] = x + 0x100000
        x = yi2 + y
        peak = ((x >> 31) ^ x) | peak
        p[11] = x + 0x100000
        # t1 + t3 = (er + di, ei - dr)
        x = er + di
        y = ei - dr
        ar = ((y - x) * 2896 + 2048) >> 12
        y = ((x + y) * 2896 + 2048) >> 12
        x = yr1 + y
        peak = ((x >> 31) ^ x) | peak
        p[4] = x + 0x100000
        x = yr1 - y
        peak = ((x >> 31) ^ x) | peak
        p[6] = x + 0x100000
        y = ar
        x = yi1 + y
        peak = ((x >> 31) ^ x) | peak
        p[5] = x + 0x100000
        x = yi1 - y
        peak = ((x >> 31) ^ x) | peak
        p[7] = x + 0x100000
        # t1 - t3 = (er - di, ei + dr)
        x = er - di
        y = ei + dr
        ar = (2048 - (x + y) * 2896) >> 12
        y = ((y - x) * 2896 + 2048) >> 12
        x = yr3 + y
        peak = ((x >> 31) ^ x) | peak
        p[12] = x + 0x100000
        x = yr3 - y
        peak = ((x >> 31) ^ x) | peak
        p[14] = x + 0x100000
        y = ar
        x = yi3 + y
        peak = ((x >> 31) ^ x) | peak
        p[13] = x + 0x100000
        x = yi3 - y
        peak = ((x >> 31) ^ x) | peak
        p[15] = x + 0x100000
        p = ptr32(int(p) + 64)
    x = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        x += 1
    return x
