"""The array library of the float path: ulab where the firmware has it, else the built-in fallback. Nothing else asks.

Both ulab builds exist in the wild: with complex numbers fft returns one complex array, without it a pair. `fft` here
always returns the pair (re, im).
"""

try:
    from ulab import __version__ as _version
    from ulab import numpy as _numpy

    NAME = "ulab " + _version
except ImportError:
    from nearhum import np_fallback as _numpy

    NAME = "fallback"

float = _numpy.float
int16 = _numpy.int16
zeros = _numpy.zeros
frombuffer = _numpy.frombuffer
sum = _numpy.sum
max = _numpy.max


def fft(x):
    """Return (re, im), float arrays of len(x), of the discrete Fourier transform of x; len(x) is a power of two."""
    out = _numpy.fft.fft(x)
    return out if isinstance(out, tuple) else (_numpy.real(out), _numpy.imag(out))
