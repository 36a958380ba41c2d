"""The array library: ulab where the firmware has it, else the built-in fallback.

Nothing else asks which.

Its transform is in np_spectrum, which a board without the float path does without.

Both take their memory from arrays (`frombuffer`), so that kernels reach it too: array(FLOAT_CODE)
holds floats of FLOAT_BYTES, as wide as this MicroPython's own.
"""

try:
    from ulab import __version__ as _version
    from ulab import numpy, scipy, utils

    cholesky, solve_triangular = numpy.linalg.cholesky, scipy.linalg.solve_triangular
    utils.from_int32_buffer  # noqa: B018  np_spectrum asks for it
    NAME = "ulab " + _version
except (ImportError, AttributeError):  # no ulab, or one built without these
    from nearhum.features.arrays import fallback as numpy
    from nearhum.features.arrays import fallback_linalg as _linalg

    cholesky, solve_triangular = _linalg.cholesky, _linalg.solve_triangular
    utils = None
    NAME = "fallback"

float = numpy.float
uint8 = numpy.uint8
int8 = numpy.int8
uint16 = numpy.uint16
int16 = numpy.int16
zeros = numpy.zeros
frombuffer = numpy.frombuffer
sum = numpy.sum
FLOAT_CODE = chr(float)
FLOAT_BYTES = 8 if FLOAT_CODE == "d" else 4
