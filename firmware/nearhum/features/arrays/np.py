"""The array library: ulab if the firmware has it, else the built-in fallback.

This is the one place that chooses. NAME tells the choice. The transform is in spectrum.py, because
only boards on the float path load it.

Both libraries work in the memory of array.array (`frombuffer`), so that kernels reach it too.
array(FLOAT_CODE) holds floats of FLOAT_BYTES, the width of this MicroPython's own floats.
"""

try:
    from ulab import __version__ as _version
    from ulab import numpy, scipy, utils

    cholesky, solve_triangular = numpy.linalg.cholesky, scipy.linalg.solve_triangular
    utils.from_int32_buffer  # noqa: B018  spectrum.py needs it
    NAME = "ulab " + _version
except (ImportError, AttributeError):  # There is no ulab, or it was built without these.
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
