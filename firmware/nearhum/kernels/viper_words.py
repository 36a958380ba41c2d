"""Utterances and words for any board: hearing, cepstra, their changes, and alignment.

Enters: frames, each a row of int8 log bands, which are kept in a ring of RING frames. Leaves:
cepstra, each a row of N_CEPSTRA int8, and distances between utterances. The rules of
kernels/viper.py hold.
"""

import micropython
from micropython import const

from nearhum.kernels.viper import isqrt

RING = const(128)  # frames: a power of two that holds the longest utterance
N_CEPSTRA = const(10)  # coefficients of a frame
MAX_FRAMES = const(64)  # of a compared utterance: longer ones are thinned out
QUIETEST = const(-80)  # steps: a softer band counts as this
COSTS = const(82)  # int32 of working space of an alignment: MAX_FRAMES + 1, and 2 _BAND + 1
_BAND = const(8)  # frames that an alignment may be off the straight line (Sakoe, Chiba, 1978)


@micropython.viper
def hear(x: ptr8, slot: int, rise: int, bound) -> int:
    """Put frame x into the ring, update the background, and return the frame's level.

    x: int8 (n_bands,). slot: its place in the ring. bound: (ring, background, n_bands), with
    background int32 (n_bands,), steps in Q4, |background| <= 16 * 128. The level is a quarter of
    the highest sum above the background of three neighbouring bands: 0..155, in units of 0.5 dB.
    rise: limit of the background's rise in 16ths of a step. It may fall by 16, so it follows the
    quieter frames. With rise -1 it moves a quarter of the way, and with -2 it starts at this frame.
    """
    ring = ptr8(bound[0])
    background = ptr32(bound[1])
    n = int(bound[2])
    b = 31
    sign = 1 << b
    ring = ptr8(int(ring) + slot * n)
    first = second = top = 0
    for i in range(n):
        v = int(x[i])
        ring[i] = v
        v = (v ^ 128) - 128
        if v < QUIETEST:
            v = QUIETEST
        g = (int(background[i]) ^ sign) - sign
        if rise < -1:
            g = v << 4
        e = v - (g >> 4)
        if i > 1:
            if first + second + e > top:
                top = first + second + e
        first = second
        second = e
        d = (v << 4) - g
        if rise < 0:
            d = d >> 2
        else:
            if d > rise:
                d = rise
            if d < -16:
                d = -16
        background[i] = g + d
    return top >> 2


@micropython.viper
def cepstra(ring: ptr8, slot: int, n: int, bound) -> int:
    """Write the cosine transforms of n frames of the ring, from `slot` on. Return their number.

    bound: (cosines, n_bands, out). cosines: int8 Q7 (N_CEPSTRA, n_bands). out: int32 (MAX_FRAMES,
    N_CEPSTRA), 16ths of the sums. More than MAX_FRAMES frames are thinned out evenly; the first and
    the last stay. Bound: with n_bands <= 32, |sum| <= 32 * 128 * 127 < 2^19.
    """
    cosines = int(ptr8(bound[0]))
    n_bands = int(bound[1])
    out = ptr32(bound[2])
    m = n
    if m > MAX_FRAMES:
        m = MAX_FRAMES
    for i in range(m):
        k = i
        if n > m:
            k = i * (n - 1) // (m - 1)
        row = ptr8(int(ring) + ((slot + k) & (RING - 1)) * n_bands)
        w = ptr8(cosines)
        for _ in range(N_CEPSTRA):
            s = 0
            for j in range(n_bands):
                s += ((row[j] ^ 128) - 128) * ((w[j] ^ 128) - 128)
            out[0] = s >> 4
            out = ptr32(int(out) + 4)
            w = ptr8(int(w) + n_bands)
    return m


@micropython.viper
def normalise(c: ptr32, n: int, out: ptr8):
    """Write n rows of cepstra as int8: each coefficient less its mean over the rows, in 32nds of
    its standard deviation.

    c: int32 (n, N_CEPSTRA), overwritten. out: int8 (n, N_CEPSTRA). Bounds: |c| < 2^15 and n <= 64,
    so sums are below 2^21. Deviations are halved until all are below 2^11, so that their squares
    add up to less than 2^28. root is 16 standard deviations, from the mean square in Q8. A constant
    coefficient gives 0.
    """
    b = 31
    sign = 1 << b
    end = int(c) + n * (4 * N_CEPSTRA)
    for _ in range(N_CEPSTRA):
        s = 0
        p = ptr32(int(c))
        while int(p) < end:
            s += (int(p[0]) ^ sign) - sign
            p = ptr32(int(p) + 4 * N_CEPSTRA)
        mean = (2 * s + n) // (2 * n)
        top = 0
        p = ptr32(int(c))
        to = ptr8(int(out))
        while int(p) < end:
            v = ((int(p[0]) ^ sign) - sign) - mean
            to[0] = v >> b  # Keeps the sign: not 0 means negative.
            if v < 0:
                v = 0 - v
            p[0] = v
            if v > top:
                top = v
            p = ptr32(int(p) + 4 * N_CEPSTRA)
            to = ptr8(int(to) + N_CEPSTRA)
        halvings = 0
        while top >> halvings >= 2048:
            halvings += 1
        s = 0
        p = ptr32(int(c))
        while int(p) < end:
            v = p[0] >> halvings
            p[0] = v
            s += v * v
            p = ptr32(int(p) + 4 * N_CEPSTRA)
        s = s // n
        root = int(isqrt(s >> 16, (s & 0xFFFF) << 8))
        p = ptr32(int(c))
        to = ptr8(int(out))
        while int(p) < end:
            v = p[0]
            if root > 0:
                v = ((v << 9) + (root >> 1)) // root
            if v > 127:
                v = 127
            if to[0] > 0:
                v = 0 - v
            to[0] = v
            p = ptr32(int(p) + 4 * N_CEPSTRA)
            to = ptr8(int(to) + N_CEPSTRA)
        c = ptr32(int(c) + 4)
        out = ptr8(int(out) + 1)


@micropython.viper
def changes(x: ptr8, n: int, out: ptr8):
    """Write n rows of 2 N_CEPSTRA bytes: the cepstra and half of their change over four frames.

    x: int8 (n, N_CEPSTRA), normalised. out: each value plus 128, 0..255. Bound: |x| <= 127, so half
    of a difference is within -127..127.
    """
    for i in range(n):
        after = i + 2
        if after > n - 1:
            after = n - 1
        before = i - 2
        if before < 0:
            before = 0
        for k in range(N_CEPSTRA):
            out[k] = x[i * N_CEPSTRA + k] ^ 128
            v = ((x[after * N_CEPSTRA + k] ^ 128) - 128) - ((x[before * N_CEPSTRA + k] ^ 128) - 128)
            out[N_CEPSTRA + k] = 128 + ((v + 1) >> 1)
        out = ptr8(int(out) + 2 * N_CEPSTRA)


try:
    from nearhum.kernels.thumb_words import l1
except (ImportError, SyntaxError):
    # Compiled only if the assembler variant is missing. Machine code that no function refers to is
    # lost at the first garbage collection.

    @micropython.viper
    def l1(a: ptr8, b: ptr8, v: int, out: ptr32):
        """Write the L1 distances of row a from v rows b, all of `changes`, to out, int32 (v,).

        v: its register then holds differences, below 2^8.
        """
        end = int(out) + (v << 2)
        while int(out) < end:
            s = 0
            to = int(b) + 20
            while int(b) < to:
                v = a[0] - b[0]
                s += (v ^ (v >> 31)) - (v >> 31)
                v = a[1] - b[1]
                s += (v ^ (v >> 31)) - (v >> 31)
                v = a[2] - b[2]
                s += (v ^ (v >> 31)) - (v >> 31)
                v = a[3] - b[3]
                s += (v ^ (v >> 31)) - (v >> 31)
                v = a[4] - b[4]
                s += (v ^ (v >> 31)) - (v >> 31)
                a = ptr8(int(a) + 5)
                b = ptr8(int(b) + 5)
            a = ptr8(int(a) - 20)
            out[0] = s
            out = ptr32(int(out) + 4)


@micropython.viper
def align(a: ptr8, b: ptr8, v: int, costs: ptr32) -> int:
    """Return 4 times the mean L1 distance of two utterances along their best alignment.

    a, b: rows of `changes`. v: rows of a << 8 | rows of b, 6 to MAX_FRAMES each. costs: int32
    (COSTS,), working space: the costs so far for each row of b, then the distances of one row of a.

    This is dynamic time warping (Sakoe, Chiba, 1978) in the symmetric form: a step in both
    utterances counts twice. So the weights of every path add up to the rows of both, and its cost
    is below 128 * 20 * 255 < 2^20. From one row to the next the straight line moves by less than
    13 rows, so successive bands of 17 overlap.
    """
    n = v >> 8
    m = v & 255
    for j in range(m + 1):
        costs[j] = 0x10000000
    costs[0] = 0
    for i in range(n):
        j = (2 * i * (m - 1) + n - 1) // (2 * n - 2)
        low = j - _BAND
        if low < 0:
            low = 0
        high = j + _BAND
        if high > m - 1:
            high = m - 1
        # An address fits an int, because on every board memory lies below 2^30.
        here = ptr32(int(costs) + ((MAX_FRAMES + 1) << 2))
        l1(int(a) + 20 * i, int(b) + 20 * low, high - low + 1, int(here))
        cost = ptr32(int(costs) + (low << 2))
        end = int(costs) + (high << 2)
        diagonal = int(cost[0])
        cost[0] = 0x10000000
        left = 0x10000000
        while int(cost) <= end:
            s = int(here[0])
            v = diagonal + s
            diagonal = int(cost[1])
            if v > left:
                v = left
            if v > diagonal:
                v = diagonal
            left = v + s
            cost[1] = left
            cost = ptr32(int(cost) + 4)
            here = ptr32(int(here) + 4)
    return (int(costs[m]) << 2) // (n + m)
