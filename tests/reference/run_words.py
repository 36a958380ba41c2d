"""Have the firmware find utterances in frames, and compare them, under MicroPython.

Argument: the folder of the firmware. Enters: a JSON line for each call. Leaves: a JSON line with
its result, until the input ends. The calls are:

    ["hear", n_bands, frames as hex]      -> [[window of its end, cepstra as hex], ...]
    ["align", cepstra as hex, cepstra as hex]     -> distance
"""

import json
import sys
from array import array
from binascii import hexlify, unhexlify

sys.path.insert(0, sys.argv[1])

from nearhum.kernels.viper_words import COSTS, N_CEPSTRA, align, changes  # noqa: E402
from nearhum.recognition.utterance import Utterances  # noqa: E402


def hear(n_bands, frames):
    raw, u, out = unhexlify(frames), Utterances(n_bands), []
    for t in range(len(raw) // n_bands):
        if u.hear_one(raw[t * n_bands : (t + 1) * n_bands]):
            out.append([t, hexlify(u.cepstra[: N_CEPSTRA * u.n_frames]).decode()])
    return out


def distance(a, b):
    rows, counts = [], []
    for text in (a, b):
        raw = unhexlify(text)
        counts.append(len(raw) // N_CEPSTRA)
        rows.append(bytearray(2 * len(raw)))
        changes(raw, counts[-1], rows[-1])
    return align(rows[0], rows[1], counts[0] << 8 | counts[1], array("i", bytes(4 * COSTS)))


for line in sys.stdin:
    call = json.loads(line)
    print(json.dumps((hear if call[0] == "hear" else distance)(*call[1:])))
