"""Fallback for ulab on stock firmware: the linear algebra that whitening needs.

Enters and leaves: arrays of fallback.py. The functions are those of ulab.numpy.linalg and
ulab.scipy.linalg.
"""

from math import sqrt

from nearhum.features.arrays.fallback import float, zeros

_EPSILON = 2.3e-16 if float == ord("d") else 1.2e-7


def cholesky(a):
    """Return the lower triangular matrix L with L L^T = a, a new array (n, n).

    Raises ValueError unless a is square, symmetric and positive definite.
    """
    n = len(a)
    if a.shape != (n, n):
        raise ValueError("input must be square matrix")
    lower = zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if abs(a[i, j] - a[j, i]) > _EPSILON:
                raise ValueError("input matrix is asymmetric")
            rest = a[i, j]
            for k in range(j):
                rest -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest > 0:
                lower[i, i] = sqrt(rest)
            else:
                raise ValueError("matrix is not positive definite")
    return lower


def solve_triangular(a, b, lower=True):
    """Return x with a x = b, a new array (n,). a: lower triangular (n, n). b: (n,).

    Raises ValueError if a is singular, and NotImplementedError for an upper triangle.
    """
    if not lower:
        raise NotImplementedError("upper triangular")
    n = len(a)
    x = zeros(n)
    for i in range(n):
        if abs(a[i, i]) < _EPSILON:
            raise ValueError("input matrix is singular")
        rest = b[i]
        for j in range(i):
            rest -= a[i, j] * x[j]
        x[i] = rest / a[i, i]
    return x
