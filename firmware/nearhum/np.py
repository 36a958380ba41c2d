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
    _utils.from_int32_buffer  # np_spectrum takes it
    NAME = "ulab " + _version
except (ImportError, AttributeError):  # no ulab, or one built without these
    from nearhum import np_fallback as _numpy
    from nearhum import np_fallback_linalg as _linalg

    cholesky, solve_triangular = _linalg.cholesky, _linalg.solve_triangular
    _utils = None
    NAME = "fallback"

numpy, utils = _numpy, _utils  # of ulab; of the fallback the one and None, see np_spectrum
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
