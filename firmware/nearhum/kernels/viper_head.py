"""Layers of a head, int8 with int32 accumulators, for any board.

Enters: an int8 vector. Leaves: the int8 output of a layer. The rules of kernels/viper.py hold.
"""

from array import array

import micropython


def layer(weights, bias, rescale, n_in, n_out, low):
    """Return a layer as the one argument in which `dense` takes it. Allocates.

    weights: int8 (n_out, n_in). bias: array('i') (n_out,). rescale: array('H') (n_out, 3) of pre,
    factor, post. low: 0 for ReLU, else -128. Weights and inputs are made unsigned by adding 128:
    (w + 128)(x + 128) = w x + 128 (x + 128) + 128 w. This function subtracts the last term from the
    bias, and `dense` subtracts the one before it.
    """
    lifted = bytearray([w ^ 128 for w in weights])
    start = array("i")
    for r in range(n_out):
        row = lifted[r * n_in : (r + 1) * n_in]
        start.append(bias[r] - 128 * (sum(row) - 128 * n_in))
    return lifted, start, rescale, n_in, n_out, low, bytearray(n_in)


@micropython.viper
def dense(x: ptr8, v: int, out: ptr8, bound):
    """Write out = clamp((((w x + bias) >> pre) * factor) >> post), rounded at both shifts.

    x: int8 (v,). v: n_in, at most 1024; its register then holds sums. out: int8 (n_out,). bound:
    what `layer` returned. Bounds: head.py has proven that |w x + bias| < 2^30 and
    ((w x + bias) >> pre) * factor < 2^30. Making weights and inputs unsigned adds less than
    1024 * 255^2 * 2 < 2^27.
    """
    start = ptr32(bound[1])
    rescale = ptr16(bound[2])
    n_in = v
    row = int(out)
    end = row + int(bound[4])
    low = int(bound[5])
    lifted = ptr8(bound[6])
    y = int(lifted)
    v = 0
    last = int(x) + n_in
    most = int(x) + (n_in & 0xFFC)
    while int(x) < most:
        lifted[0] = x[0] ^ 128
        v = lifted[0] + v
        lifted[1] = x[1] ^ 128
        v = lifted[1] + v
        lifted[2] = x[2] ^ 128
        v = lifted[2] + v
        lifted[3] = x[3] ^ 128
        v = lifted[3] + v
        x = ptr8(int(x) + 4)
        lifted = ptr8(int(lifted) + 4)
    while int(x) < last:
        lifted[0] = x[0] ^ 128
        v = lifted[0] + v
        x = ptr8(int(x) + 1)
        lifted = ptr8(int(lifted) + 1)
    total = v << 7
    w = ptr8(bound[0])
    last = y + n_in
    most = y + (n_in & 0xFF0)
    b = 31
    sign = 1 << b
    while row < end:
        v = ((int(start[0]) ^ sign) - sign) - total
        x = ptr8(y)
        while int(x) < most:
            v = x[0] * w[0] + v
            v = x[1] * w[1] + v
            v = x[2] * w[2] + v
            v = x[3] * w[3] + v
            v = x[4] * w[4] + v
            v = x[5] * w[5] + v
            v = x[6] * w[6] + v
            v = x[7] * w[7] + v
            v = x[8] * w[8] + v
            v = x[9] * w[9] + v
            v = x[10] * w[10] + v
            v = x[11] * w[11] + v
            v = x[12] * w[12] + v
            v = x[13] * w[13] + v
            v = x[14] * w[14] + v
            v = x[15] * w[15] + v
            w = ptr8(int(w) + 16)
            x = ptr8(int(x) + 16)
        while int(x) < last:
            v = x[0] * w[0] + v
            w = ptr8(int(w) + 1)
            x = ptr8(int(x) + 1)
        s = rescale[0]
        v = ((v + ((1 << s) >> 1)) >> s) * rescale[1]
        s = rescale[2]
        v = (v + ((1 << s) >> 1)) >> s
        if v < low:
            v = low
        if v > 127:
            v = 127
        ptr8(row)[0] = v
        row += 1
        start = ptr32(int(start) + 4)
        rescale = ptr16(int(rescale) + 6)
