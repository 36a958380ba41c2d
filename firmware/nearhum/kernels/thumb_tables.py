"""Tables of thumb_spectrum, made from those of tables.py.

Enters: the dimensions of a window. Leaves: an array of words for the assembler. Loaded at a start
and released after it, see lifetime.AT_START.
"""

from array import array
from uctypes import addressof

from nearhum.kernels import tables


def words_of(n_window, n, bands, offset, floor, log2, reading):
    """Return (words, power, kept) for thumb_spectrum. Arguments: as viper_spectrum.Spectrum.

    words: array('i') of numbers and addresses, by which `spectrum` finds everything it needs.
    power: array('i'), the powers of the bins. kept: the arrays that the addresses point to, which
    the caller must keep alive.
    """
    m = n >> 1
    sine = tables.Sine()
    w = tables.twiddles_q12(sine, n)
    window = tables.hann_q14(sine, n_window)
    z = array("i", bytes(8 * m))
    power = array("i", bytes(4 * m))
    # The twiddles of the largest pass of radix 4, 9 words a butterfly. Smaller passes skip some.
    legs = array("i", bytes(9 * m))
    for j in range(m >> 2):
        for k in range(3):
            _put(legs, 9 * j + 3 * k, w, 2 * (2, 1, 3)[k] * j)
    passes, span, n_passes = array("i"), m, 0
    while span > 8:  # The last stage takes spans of 8 or 4 points.
        for word in (span << 1, addressof(legs), 36 * (m // span - 1)):
            passes.append(word)
        span >>= 2
        n_passes += 1
    passes.append(0)
    offset += (1 - 12 + 2 * n_passes) << 9  # as in viper_spectrum
    order = tables.digit_reversal(m)
    rows = array("i", bytes(8 * m))
    for k in range(1, (m >> 1) + 1):
        rows[4 * k - 4] = order[k] << 3 | order[m - k] << 19
        _put(rows, 4 * k - 3, w, k)
    edges = array("i")
    for first, count in [(0, 1)] + bands:  # Bin 0 holds the strongest bin outside the bands.
        edges.append(addressof(power) + 4 * first)
        edges.append(count)
    words = array(
        "i",
        [
            addressof(reading), addressof(z), addressof(window), 2 * len(window), addressof(z) + 8 * m,
            addressof(passes), span == 4, addressof(rows), addressof(power), 2 * addressof(power) + 4 * m,
            addressof(rows) + 8 * m, addressof(edges), len(bands), offset + (30 << 8) + 16, addressof(log2), floor,
            addressof(power) + 4, addressof(power) + 4 * bands[0][0], addressof(power) + 4 * sum(bands[-1]),
            addressof(power) + 4 * m,
        ],
    )  # fmt: skip
    return words, power, (reading, z, window, legs, passes, rows, edges, log2)


def _put(words, at, w, k):
    # Writes c, c + s and s - c of entry k: a complex product then takes three multiplications.
    c, s = w[2 * k], w[2 * k + 1]
    words[at] = c
    words[at + 1] = c + s
    words[at + 2] = s - c
