"""The array library: ulab where the firmware has it, else the built-in fallback. Nothing else asks which.

Both take their memory from arrays (`frombuffer`), so that kernels reach it too: array(FLOAT_CODE) holds floats of
FLOAT_BYTES, as wide as this MicroPython's own.
"""

try:
    from ulab import __version__ as _version
    from ulab import numpy as _numpy
    from ulab import scipy as _scipy
    from ulab import utils as _utils

    cholesky, solve_triangular = _numpy.linalg.cholesky, _scipy.linalg.solve_triangular
    from_int32_buffer = _utils.from_int32_buffer
    NAME = "ulab " + _version
except (ImportError, AttributeError):  # no ulab, or one built without these
    from nearhum import np_fallback as _numpy
    from nearhum import np_fallback_fft as _utils
    from nearhum import np_fallback_linalg as _linalg

    cholesky, solve_triangular = _linalg.cholesky, _linalg.solve_triangular
    from_int32_buffer = _utils.from_int32_buffer
    NAME = "fallback"

float = _numpy.float
uint8 = _numpy.uint8
int8 = _numpy.int8
uint16 = _numpy.uint16
int16 = _numpy.int16
zeros = _numpy.zeros
frombuffer = _numpy.frombuffer
sum = _numpy.sum
FLOAT_CODE = chr(float)
FLOAT_BYTES = 8 if FLOAT_CODE == "d" else 4


# --- |X| of x, a power of two floats, into `out`, which may be x; scratchpad: twice as many floats -----------------


def of_halves(x, scratchpad=None, out=None):
    """The spectrogram of a ulab built without complex numbers: it leaves re and im in the two halves of the scratchpad,
    and then takes them for pairs. Allocates a few small objects.
    """
    _utils.spectrogram(x, scratchpad=scratchpad, out=out)
    re, im = scratchpad[: len(x)], scratchpad[len(x) :]
    re *= re
    im *= im
    re += im
    return _numpy.sqrt(re, out=out)


def by_fft(x, scratchpad=None, out=None):
    """The spectrogram of a ulab that has none, or none with a scratchpad. Allocates: fft has no out.

    A ulab with complex numbers returns one complex array from fft, others the pair (re, im).
    """
    found = _numpy.fft.fft(x)
    re, im = found if isinstance(found, tuple) else (_numpy.real(found), _numpy.imag(found))
    out[:] = _numpy.sqrt(re * re + im * im)
    return out


def sound(spectrogram):
    """Return True if a spectrogram of this MicroPython gives what it should, in place."""
    x = zeros(4)
    x[1], x[2] = 1.0, 2.0
    try:
        spectrogram(x, scratchpad=zeros(8), out=x)
    except (AttributeError, TypeError):  # it, or what it takes, is not in this build
        return False
    return all([abs(x[i] * x[i] - squared) < 0.001 for i, squared in enumerate((9, 5, 1, 5))])


for spectrogram in (getattr(_utils, "spectrogram", None), of_halves, by_fft):
    if sound(spectrogram):
        break
