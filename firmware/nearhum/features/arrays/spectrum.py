"""The transform of the array library: ulab's if it is correct in this build, else the fallback's.

Enters: samples as floats. Leaves: the amplitudes of their spectrum. ulab's spectrogram depends on
how ulab was built, so the candidates below are tried at import and the first correct one is taken.

Each candidate writes |X| of x to `out`, which may be x itself. x: array of floats, whose length is
a power of two. scratchpad: array of twice as many floats.
"""

from nearhum.features.arrays.np import numpy, utils, zeros

if not utils:
    from nearhum.features.arrays import fallback_fft as utils

from_int32_buffer = utils.from_int32_buffer


def of_halves(x, scratchpad=None, out=None):
    """Return |X| with a ulab that was built without complex numbers.

    Its spectrogram leaves the real and the imaginary parts in the two halves of the scratchpad, but
    then reads them as pairs. So |X| is computed here. Allocates a few small objects.
    """
    utils.spectrogram(x, scratchpad=scratchpad, out=out)
    re, im = scratchpad[: len(x)], scratchpad[len(x) :]
    re *= re
    im *= im
    re += im
    return numpy.sqrt(re, out=out)


def by_fft(x, scratchpad=None, out=None):
    """Return |X| with a ulab that has no spectrogram, or none with a scratchpad.

    Allocates the result of fft, which has no `out`.
    """
    # A ulab with complex numbers returns one complex array, others return the pair (re, im).
    found = numpy.fft.fft(x)
    re, im = found if isinstance(found, tuple) else (numpy.real(found), numpy.imag(found))
    out[:] = numpy.sqrt(re * re + im * im)
    return out


def sound(spectrogram):
    """Return True if this spectrogram gives the right result, in place, on a small example."""
    x = zeros(4)
    x[1], x[2] = 1.0, 2.0
    try:
        spectrogram(x, scratchpad=zeros(8), out=x)
    except (AttributeError, TypeError):  # This build lacks the function or one of its arguments.
        return False
    return all([abs(x[i] * x[i] - squared) < 0.001 for i, squared in enumerate((9, 5, 1, 5))])


for spectrogram in (getattr(utils, "spectrogram", None), of_halves, by_fft):
    if sound(spectrogram):
        break
