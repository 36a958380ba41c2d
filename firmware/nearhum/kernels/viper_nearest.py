"""Distances to enrolled examples, for boards that cannot run thumb.py.

Enters: an int8 embedding. Leaves: squared weighted distances. The rules of kernels/viper.py hold.
It is not in viper_window.py, because a board that recognises no windows does not need it, and an
ESP32 has little room for native code.
"""

import micropython


@micropython.viper
def distances(x: ptr8, v: int, bound):
    """Write the sum of (x - mean)^2 * weight over n dimensions for each of v prototypes to out.

    x: int8 (n,). v: n_prototypes; its register then holds differences. bound: bind(means, weights,
    w_step, n, out), with means int8 (v, n), weights uint8 1..255, and out int32 (v,). w_step: n if
    each prototype has its own weights, 0 if all share one row. Bounds: a term is at most 255^3 <
    2^24, and n <= 128 keeps the sum below 2^31. The sum is held to 2^30 - 1, the largest int that a
    32-bit MicroPython keeps off the heap.
    """
    start = int(x)
    # Means and weights are read at fixed distances from x, so that only one pointer has to move.
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
