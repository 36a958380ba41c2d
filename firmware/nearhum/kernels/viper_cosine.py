"""Cosine distance between int8 embeddings for any board, in viper. Nothing allocated.

For embeddings whose length says nothing, as a network trained for it makes them. Log features are
not such: their zero is where a scale starts, so an angle between two of them means nothing. Hence
recognition measures as viper_nearest does, and nothing of the pipeline loads this file.
"""

import micropython

from nearhum.kernels.viper import isqrt


@micropython.viper
def cosines(x: ptr8, v: int, bound):
    """Write 1 - x y / (|x| |y|), Q15, 0..65536, for each of v rows y, to out.

    A zero vector is at right angles to all.

    v: n_rows. bound: bind(rows, n, out); n <= 128: |x y|, |x|^2 <= 2^21. A squared length is
    shifted up by an even number of bits into 2^28..2^30; its root r lies in 2^14..2^15, off by less
    than 2^-14 of itself, and |x y| shifted up by half the bits of both stays below 2^30
    (Cauchy-Schwarz). Long division: a remainder below 2^30, doubled. Parallel vectors are at
    exactly 0 or 65536; elsewhere the error is below 5.
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
                    for _ in range(16):  # one bit more, to round
                        rest = rest << 1
                        cosine = cosine << 1
                        if rest >= whole:
                            rest -= whole
                            cosine += 1
                    cosine = (cosine + 1) >> 1
                if product < 0:
                    cosine = 0 - cosine
        out[j] = 0x8000 - cosine
