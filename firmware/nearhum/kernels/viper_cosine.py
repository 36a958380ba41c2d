"""Cosine distance between int8 embeddings for any board. Nothing is allocated.

Enters: int8 embeddings. Leaves: distances in Q15. The pipeline does not use this file. It is for
embeddings whose length has no meaning, from a network that was trained that way. Log features are
different: their zero is only where a scale starts, so an angle between them means nothing. So
recognition measures distances with viper_nearest.
"""

import micropython

from nearhum.kernels.viper import isqrt


@micropython.viper
def cosines(x: ptr8, v: int, bound):
    """Write 1 - x y / (|x| |y|), Q15, 0..65536, for each of v rows y, to out.

    A zero vector counts as perpendicular to all others. v: n_rows. bound: bind(rows, n, out), with
    int8 rows (n_rows, n) and int32 out. Bounds: n <= 128, so |x y| and |x|^2 are at most 2^21. A
    squared length is shifted up by an even number of bits into 2^28..2^30. Its root lies in
    2^14..2^15, with a relative error below 2^-14. |x y| shifted up by half the bits of both stays
    below 2^30 (Cauchy-Schwarz). In the long division a remainder below 2^30 is doubled. Parallel
    vectors give exactly 0 or 65536. Elsewhere the error is below 5.
    """
    rows = ptr8(bound[0])
    n = int(bound[1])
    out = ptr32(bound[2])
    n_rows = v
    length = 0
    for i in range(n):
        v = (x[i] ^ 128) - 128
        length += v * v
    x_bits = 0
    x_root = 0
    if length > 0:
        while length < 0x10000000:
            length = length << 2
            x_bits += 1
        x_root = int(isqrt(length >> 24, length & 0xFFFFFF))
    for j in range(n_rows):
        product = 0
        length = 0
        for i in range(n):
            v = (rows[i] ^ 128) - 128
            length += v * v
            product += v * ((x[i] ^ 128) - 128)
        rows = ptr8(int(rows) + n)
        cosine = 0
        if x_root > 0:
            if length > 0:
                bits = x_bits
                while length < 0x10000000:
                    length = length << 2
                    bits += 1
                whole = int(isqrt(length >> 24, length & 0xFFFFFF)) * x_root
                rest = product
                if product < 0:
                    rest = 0 - product
                rest = rest << bits
                if rest >= whole:
                    cosine = 0x8000
                else:
                    for _ in range(16):  # one bit more than Q15, for rounding
                        rest = rest << 1
                        cosine = cosine << 1
                        if rest >= whole:
                            rest -= whole
                            cosine += 1
                    cosine = (cosine + 1) >> 1
                if product < 0:
                    cosine = 0 - cosine
        out[j] = 0x8000 - cosine
