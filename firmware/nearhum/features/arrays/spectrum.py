"""The array library's way from samples to the amplitudes of a spectrum: that of ulab which is
right in this build, else the built-in fallback's.

|X| of x, a power of two floats, goes into `out`, which may be x; scratchpad: twice as many floats.
"""

from nearhum.features.arrays.np import numpy, utils, zeros

if not utils:
    from nearhum.features.arrays import fallback_fft as utils

from_int32_buffer = utils.from_int32_buffer


def of_halves(x, scratchpad=None, out=None):
    """The spectrogram of a ulab built without complex numbers: it leaves re and im in the two
    halves of the scratchpad, and then takes them for pairs. Allocates a few small objects.
    """
    utils.spectrogram(x, scratchpad=scratchpad, out=out)
    re, im = scratchpad[: len(x)], scratchpad[len(x) :]
    re *= re
    im *= im
    re += im
    return numpy.sqrt(re, out=out)


def by_fft(x, scratchpad=None, out=None):
    """The spectrogram of a ulab that has none, or none with a scratchpad.

    Allocates: fft has no out.

    A ulab with complex numbers returns one complex array from fft, others the pair (re, im).
    """
    found = numpy.fft.fft(x)
    re, im = found if isinstance(found, tuple) else (numpy.real(found), numpy.imag(found))
    out[:] = numpy.sqrt(re * re + im * im)
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


for spectrogram in (getattr(utils, "spectrogram", None), of_halves, by_fft):
    if sound(spectrogram):
        break
