"""Tables of the fixed path, made with integers only, so that they do not depend on the float width.

Enters: lengths. Leaves: arrays for the kernels. Leaf. The tables are built at a start and live as
long as the pipeline. This code is released after the start.
"""

from array import array


def sine_q60(num, den):
    """Return sin(2 pi num / den) in Q60 for 0 <= num / den <= 1/4.

    It is the Taylor series in integers, with an error below 1e-15.
    """
    turn = 7244019458077122842  # 2 pi in Q60
    x = turn * num // den
    term, total, k = x, x, 1
    while abs(term) > 1:
        term = -((term * x >> 60) * x >> 60) // ((k + 1) * (k + 2))
        total += term
        k += 2
    return min(total, 1 << 60)


def _quarter_sine():
    """Return sin(i / 1024 turn) in Q15 for i = 0..256."""
    return array("i", [sine_q60(i, 1024) + (1 << 44) >> 45 for i in range(257)])


class Sine:
    """Sine by table and linear interpolation, in Q15. The error is below one in the last place."""

    def __init__(self):
        self.quarter = _quarter_sine()

    def q15(self, num, den):
        """Return round(32768 sin(2 pi num / den)); num >= 0 and den > 0 are integers."""
        at = (num % den) * (1024 << 14) // den  # 1/1024 turns in Q14
        i, part = at >> 14, at & 16383
        low, high = self._at(i), self._at(i + 1)
        return low + ((high - low) * part + 8192 >> 14)

    def _at(self, i):
        i &= 1023
        sign = -1 if i >= 512 else 1
        i &= 511
        return sign * self.quarter[i if i <= 256 else 512 - i]


def hann_q14(sine, n):
    """Return the periodic Hann window sin^2(pi i / n) as array('H') of n values 0..16384 (Q14).

    Zeros are added until the length is a multiple of four, because kernels read four at once.
    """
    out = array("H", bytes((2 * n + 7) & ~7))
    for i in range(n):
        s = sine.q15(i, 2 * n)
        out[i] = s * s + (1 << 15) >> 16
    return out


def twiddles_q12(sine, n):
    """Return cos and -sin of 2 pi k / n for k = 0..3n/4, interleaved, as array('h') in Q12.

    Halves are rounded away from zero.
    """
    count = 3 * n // 4 + 1
    out = array("h", bytes(4 * count))
    for k in range(count):
        for i, v in ((2 * k, sine.q15(k * 4 + n, 4 * n)), (2 * k + 1, -sine.q15(k, n))):
            out[i] = v + 4 >> 3 if v >= 0 else -(4 - v >> 3)
    return out


def digit_reversal(m):
    """Return array('H') (m,): the position at which the transform leaves each frequency k.

    Passes are of radix 4 while at least 4 points remain. If 2 remain, the last one is of radix 2.
    """
    out = array("H", bytes(2 * m))
    for k in range(m):
        position, rest, span = 0, k, m
        while span > 1:
            radix = 4 if span >= 4 else 2
            span //= radix
            position += rest % radix * span
            rest //= radix
        out[k] = position
    return out


def log2_table():
    """Return the table of log2_q8 as 512 bytes.

    The first 256 are the fraction of log2 by the 8 bits after the highest one:
    round(256 log2(1 + (i + 1/2) / 256)), at most 255. They are computed by repeated squaring: each
    squaring of a number in 1..2 gives one more bit of its logarithm. The other 256 are the leading
    zeros of a byte i: 7 - floor(log2 i), or 8 for i = 0.
    """
    out = bytearray(512)
    for i in range(256):
        x = (2 * (256 + i) + 1) << 21  # Q30, 1..2
        bits = 0
        for _ in range(10):
            x = x * x >> 30
            bits <<= 1
            if x >> 31:
                bits |= 1
                x >>= 1
        out[i] = min(bits + 2 >> 2, 255)
        out[256 + i] = 8
        while i >> 8 - out[256 + i]:
            out[256 + i] -= 1
    return bytes(out)
