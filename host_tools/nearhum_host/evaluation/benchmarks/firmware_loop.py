"""Run the loop of main.py over recordings to their end, under MicroPython.

Arguments: the folder with the package nearhum, then for each board the folder that stands for its
    file system (ends in "/"). The file `windows` beside a board's log gets what was computed for
    every window: two u16 n_features and n_out, then for each window a byte (1: it was embedded),
    its features and its embedding, int8. Prints the console's answers to cues, and the
    interpreter's version last.
"""

import sys

sys.path.insert(0, sys.argv[1])

from nearhum import pipeline  # noqa: E402


def followed(hum, path):
    """Write features and embedding of every window to path. Returns the open file."""
    file = open(path, "wb")  # noqa: SIM115
    embed, keep, seen = hum.head.embed_into, hum.keep_window, [b""]
    n_features, n_out = hum.plan.n_features, hum.head.n_out
    file.write(bytes([n_features & 255, n_features >> 8, n_out & 255, n_out >> 8]))
    nothing = bytes(1 + n_features + n_out)

    def embed_into(vector):
        seen[0] = bytes(vector)[:n_features]
        return embed(vector)

    def keep_window():
        if hum.embedding is None or not seen[0]:
            file.write(nothing)
        else:
            file.write(b"\x01" + seen[0] + bytes(hum.embedding)[:n_out])
        keep()

    hum.head.embed_into, hum.keep_window = embed_into, keep_window
    return file


for root in sys.argv[2:]:
    hum = pipeline.Pipeline(root=root)
    file = followed(hum, root + "windows")
    while hum.step():
        pass
    hum.close()
    file.close()
from nearhum.features.arrays import np  # noqa: E402

release = ".".join([str(n) for n in sys.implementation.version[:3]])
print("MicroPython", release + ",", sys.version.split("; ")[-1].split()[1] + ",", np.NAME)
