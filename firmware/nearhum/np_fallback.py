"""Fallback for ulab on stock firmware: the functions the float path uses, with ulab's semantics, in plain Python.

One-dimensional arrays of float or int16. Slices are views on the same memory; an operation makes a new array of the
promoted type; int16 with int16 stays int16 and wraps, as in ulab. Slow: a board without ulab is better off on the fixed
path, and `bench` says so; this keeps the float path the same everywhere.
"""

from array import array
from math import cos, pi, sin

float = "d"
int16 = "h"


class ndarray:
    """A strip of numbers over an array or buffer: start and length, dtype 'd' (float) or 'h' (int16)."""

    def __init__(self, base, dtype, start, n):
        self._base = base
        self.dtype = dtype
        self._start = start
        self.size = n

    def __len__(self):
        return self.size

    def __iter__(self):
        for i in range(self._start, self._start + self.size):
            yield self._base[i]

    def _place(self, i):
        if not -self.size <= i < self.size:
            raise IndexError("index is out of bounds")
        return self._start + (i if i >= 0 else i + self.size)

    def _bounds(self, cut):
        # step 1 only: no other is used
        low = self._held(cut.start, 0)
        high = self._held(cut.stop, self.size)
        return low, high if high > low else low

    def _held(self, i, default):
        if i is None:
            return default
        if i < 0:
            i += self.size
        return 0 if i < 0 else self.size if i > self.size else i

    def __getitem__(self, i):
        if isinstance(i, slice):
            low, high = self._bounds(i)
            return ndarray(self._base, self.dtype, self._start + low, high - low)
        return self._base[self._place(i)]

    def __setitem__(self, i, value):
        if not isinstance(i, slice):
            self._base[self._place(i)] = value
            return
        low, high = self._bounds(i)
        values = value if isinstance(value, ndarray) else (value,) * (high - low)
        if len(values) != high - low:
            raise ValueError("operands could not be broadcast together")
        at = self._start + low
        for v in values:
            self._base[at] = v
            at += 1

    def _combine(self, other, act):
        if isinstance(other, ndarray):
            if other.size != self.size:
                raise ValueError("operands could not be broadcast together")
            whole = self.dtype == int16 and other.dtype == int16
            values = [act(a, b) for a, b in zip(self, other)]
        else:
            whole = self.dtype == int16 and isinstance(other, int)
            values = [act(a, other) for a in self]
        if whole:
            values = [((v + 0x8000) & 0xFFFF) - 0x8000 for v in values]
        dtype = int16 if whole else float
        return ndarray(array(dtype, values), dtype, 0, self.size)

    def __add__(self, other):
        return self._combine(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._combine(other, lambda a, b: a - b)

    def __mul__(self, other):
        return self._combine(other, lambda a, b: a * b)


def zeros(n, dtype=float):
    """Return an array of n zeros."""
    return ndarray(array(dtype, [0] * n), dtype, 0, n)


def frombuffer(buffer, dtype=float):
    """Return an array over the memory of buffer, whose items must be of that type."""
    base = memoryview(buffer)
    return ndarray(base, dtype, 0, len(base))


def sum(x):
    """Return the sum of an array."""
    total = 0
    for v in x:
        total += v
    return total


def max(x):
    """Return the largest element of an array."""
    top = x[0]
    for v in x:
        if v > top:
            top = v
    return top


class fft:
    """The namespace np.fft."""

    @staticmethod
    def fft(x):
        """Return (re, im) of the transform of x, as the ulab build without complex numbers does; powers of two only."""
        n = len(x)
        if n & (n - 1) or not n:
            raise ValueError("input array length must be power of 2")
        bits = 0
        while 1 << bits < n:
            bits += 1
        re, im = zeros(n), zeros(n)
        a, b = re._base, im._base
        for i, v in enumerate(x):
            j, rest = 0, i
            for _ in range(bits):
                j = j << 1 | rest & 1
                rest >>= 1
            a[j] = v
        half = 1
        while half < n:
            for k in range(half):
                c, s = cos(pi * k / half), -sin(pi * k / half)
                for i in range(k, n, 2 * half):
                    j = i + half
                    tr, ti = a[j] * c - b[j] * s, a[j] * s + b[j] * c
                    a[j], b[j] = a[i] - tr, b[i] - ti
                    a[i] += tr
                    b[i] += ti
            half *= 2
        return re, im
