"""Distances to what is enrolled, for boards that are no RP2040.

Rules of kernels/viper.py. Apart from viper_window.py, because a board that recognises no windows
does without it and an ESP32 has little room for native code.
"""

import micropython


@micropython.viper
def distances(x: ptr8, v: int, bound):
    """Write sum of (x - mean)^2 * weight over n dimensions, for each of v prototypes, to out.

    v: n_prototypes; its register then holds differences. bound: bind(means, weights, w_step, n,
    out). w_step: n where each prototype has its own weights, 0 where all share one row. int8 x and
    mean, weights 1..255: a term is at most 255^3 < 2^24; n <= 128 keeps the sum below 2^31. It is
    held to 2^30 - 1, the largest small integer of a 32-bit board: a larger one would be made on the
    heap when it is read.
    """
    start = int(x)
    # a row's means and weights are read as so many bytes behind x: one pointer moves, not three
    means = int(ptr8(bound[0])) - start
    weights = int(ptr8(bound[1])) - start
    w_step = int(bound[2])
    n = int(bound[3])
    out = ptr32(bound[4])
    end = start + n
    limit = int(out) + (v << 2)
    while int(out) < limit:
        x = ptr8(start)
        s = 0
        while int(x) < end:
            v = ptr8(int(x) + means)[0] ^ 128
            v = (x[0] ^ 128) - v
            s = v * ptr8(int(x) + weights)[0] * v + s
            x = ptr8(int(x) + 1)
        if s > 0x3FFFFFFF:
            s = 0x3FFFFFFF
        out[0] = s
        out = ptr32(int(out) + 4)
        means += n
        weights += w_step
