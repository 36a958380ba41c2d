"""The last stage of viper_fft's transform if 8 points remain.

Enters: pairs of int32 as component + 0x40000, |point| <= sqrt(2) 2^16. Leaves: component +
0x100000, in place, not divided. The eight points are neighbours. The length of a window needs
either this stage or viper_last4. The rules of kernels/viper.py hold.
"""

import micropython


@micropython.viper
def last8(p: ptr32, x: int, y: int, m: int) -> int:
    """Do two butterflies of radix 4, and radix 2 on their results, on each eight of m points.

    p: pairs of int32, changed in place. x, y: give registers. Returns the shift by which `powers`
    has to scale. Bounds: |component| <= 2^19.5. 2896 is cos 45 degrees in Q12; |re + im| <= 2^19,
    and times 2896 it is at most 2^30.5.
    """
    end = int(p) + (m << 3)
    peak = 0
    while int(p) < end:
        # Points 0 2 4 6: t0 .. t3 as in radix4, without twiddles. 0x100000 is the bias of the
        # results.
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
        yr0 = ar + br
        yi0 = ai + bi
        yr2 = ar - br + 0x100000
        yi2 = ai - bi + 0x100000
        yr1 = er + di + 0x100000
        yi1 = ei - dr + 0x100000
        yr3 = er - di + 0x100000
        yi3 = ei + dr + 0x100000
        # Points 1 3 5 7: the same, then times 1, w, w^2 = -j and w^3, with w = (1 - j) cos 45.
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
        p[0] = yr0 + y
        p[2] = yr0 - y
        y = ai + bi - 0x100000
        p[1] = yi0 + y
        p[3] = yi0 - y
        # -j (ar, ai) = (ai, -ar)
        y = ai - bi
        p[8] = yr2 + y
        p[10] = yr2 - y
        y = ar - br
        p[9] = yi2 - y
        p[11] = yi2 + y
        # t1 + t3 = (er + di, ei - dr)
        x = er + di
        y = ei - dr
        ar = ((y - x) * 2896 + 2048) >> 12
        y = ((x + y) * 2896 + 2048) >> 12
        p[4] = yr1 + y
        p[6] = yr1 - y
        y = ar
        p[5] = yi1 + y
        p[7] = yi1 - y
        # t1 - t3 = (er - di, ei + dr)
        x = er - di
        y = ei + dr
        ar = (2048 - (x + y) * 2896) >> 12
        y = ((y - x) * 2896 + 2048) >> 12
        p[12] = yr3 + y
        p[14] = yr3 - y
        y = ar
        p[13] = yi3 + y
        p[15] = yi3 - y
        # A separate loop makes the code a third smaller. An ESP32 has little room for native code.
        y = int(p) + 64
        while int(p) < y:
            x = int(p[0]) - 0x100000
            peak = ((x >> 31) ^ x) | peak
            x = int(p[1]) - 0x100000
            peak = ((x >> 31) ^ x) | peak
            p = ptr32(int(p) + 8)
    x = 0
    peak = peak >> 15
    while peak > 0:
        peak = peak >> 1
        x += 1
    return x
