"""Fallback for ulab on stock firmware: the transform of the float path.

Enters: int32 samples in a buffer. Leaves: the amplitudes of their spectrum. The functions are those
of ulab.utils.
"""

import struct
from math import cos, pi, sin, sqrt

from nearhum.features.arrays.fallback import zeros


def from_int32_buffer(buffer, count=-1, out=None):
    """Return the first `count` int32 of a buffer as an array of floats.

    count: -1 means all. out: array of floats to write to and return, else a new one is made.
    """
    n = count if count > 0 else len(bytes(buffer)) // 4
    out = zeros(n) if out is None else out
    for i in range(n):
        out[i] = struct.unpack_from("<i", buffer, 4 * i)[0]
    return out


def spectrogram(x, scratchpad=None, out=None):
    """Return |X|, the amplitudes of the discrete Fourier transform of x.

    x: array of floats; its length is a power of two. scratchpad: twice as long as x; ulab works in
    it, but here lists are faster. out: array to write to and return, may be x itself. Allocates
    lists. Raises ValueError if a length is wrong.
    """
    n = len(x)
    if n & (n - 1) or not n:
        raise ValueError("input array length must be power of 2")
    out = zeros(n) if out is None else out
    if len(out) != n or scratchpad is not None and len(scratchpad) != 2 * n:
        raise ValueError("input and out arrays must have same length")
    re, im = list(x), [0.0] * n
    j = 0
    for i in range(n):
        if i < j:
            re[i], re[j] = re[j], re[i]
        bit = n >> 1
        while j & bit:  # j counts up with i, with its bits in reverse order
            j ^= bit
            bit >>= 1
        j |= bit
    half = 1
    while half < n:
        for k in range(half):
            c, s = cos(pi * k / half), -sin(pi * k / half)
            for i in range(k, n, 2 * half):
                j = i + half
                tr, ti = re[j] * c - im[j] * s, re[j] * s + im[j] * c
                re[j], im[j] = re[i] - tr, im[i] - ti
                re[i] += tr
                im[i] += ti
        half *= 2
    for i in range(n):
        out[i] = sqrt(re[i] * re[i] + im[i] * im[i])
    return out
