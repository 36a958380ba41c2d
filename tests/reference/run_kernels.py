"""Call kernels under MicroPython.

Argument: the folder of the firmware. Enters: a JSON line [name, argument, ...] for each call.
Leaves: a JSON line with its result, until the input ends.
"""

import json
import sys
from array import array

sys.path.insert(0, sys.argv[1])

from nearhum import kernels
from nearhum.embedding import head
from nearhum.features import bands  # noqa: E402
from nearhum.features.packets import Packets  # noqa: E402
from nearhum.features.transform_fixed import Log2  # noqa: E402
from nearhum.kernels import viper_filter  # noqa: E402
from nearhum.kernels.viper_cosine import cosines  # noqa: E402

BIAS = 0x20000


def band_pass(low, high, rate):
    return list(viper_filter.band_pass(low, high, rate))


def section(high_pass, corner, rate, k, order):
    return list(viper_filter.section(high_pass, corner, rate, k, order))


def widen(values):
    x, reading, z = array("h", values), array("i", [0] * 2), array("i", bytes(4 * len(values)))
    kernels.centre(x, len(x), reading)
    bits = viper_filter.widen(x, 0, len(x), reading[0], z)
    return [bits] + [v - BIAS for v in z]


def biquads(values, words):
    z = array("i", [v + BIAS for v in values])
    viper_filter.biquads(z, 0, len(z), array("H", words), len(words) // viper_filter.WORDS)
    return [v - BIAS for v in z]


def rectify(values, factor, start):
    n = (len(values) - start) // factor - 1
    out = array("h", bytes(2 * n))
    e = viper_filter.rectify_into(array("i", [v + BIAS for v in values]), start, factor, out, n)
    return [e] + list(out)


def isqrt(value):
    return kernels.isqrt(value >> 24, value & 0xFFFFFF)


def cosine(x, rows):
    out = array("i", bytes(4 * len(rows)))
    flat = bytearray([v & 255 for row in rows for v in row])
    cosines(bytearray([v & 255 for v in x]), len(rows), kernels.bind(flat, len(x), out))
    return list(out)


def network(image_hex, vectors):
    n = len(vectors[0])
    made = head.Network(
        bytes([int(image_hex[i : i + 2], 16) for i in range(0, len(image_hex), 2)]), n
    )
    out = []
    for vector in vectors:
        out.append([(v ^ 128) - 128 for v in made.embed_into(bytearray([v & 255 for v in vector]))])
    return out


def cut(*arguments):
    return bands.cut("n", *arguments)


def packets(rows, n_channels, n_first):
    """Reduce packets in two blocks. The first one has n_first packets."""
    made = Packets(len(rows[0]), n_channels, Log2())
    out = []
    for some in (rows[:n_first], rows[n_first:]):
        block = array("h", [v for row in some for v in row])
        made.reduce(block, len(some))
        for i in range(len(some)):
            out.append(list(block[i * n_channels : (i + 1) * n_channels]))
    return out


CALLS = {
    f.__name__: f
    for f in (band_pass, section, widen, biquads, rectify, isqrt, cosine, network, cut, packets)
}

for line in sys.stdin:
    call = json.loads(line)
    print(json.dumps(CALLS[call[0]](*call[1:])))
