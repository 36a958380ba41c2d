"""Learn a whitening from embeddings under MicroPython, and embed others with the resulting head.

Arguments: the folder of the package nearhum, a folder (ends in "/"), the number of dimensions, the
floor of spreads. Enters, in that folder: learn.bin and other.bin (rows of int8). Leaves there:
head.bin (the head file), out.bin (other.bin embedded by it) and sums.json.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
root, n = sys.argv[2], int(sys.argv[3])

from nearhum.embedding.head import Network  # noqa: E402
from nearhum.embedding.whitening import Whitening  # noqa: E402

whitening = Whitening(n)
with open(root + "learn.bin", "rb") as f:
    row = f.read(n)
    while row:
        whitening.learn_one(row)
        row = f.read(n)
head = whitening.head(int(sys.argv[4]))
dense = Network(head, n)
with open(root + "head.bin", "wb") as f:
    f.write(head)
with open(root + "other.bin", "rb") as f, open(root + "out.bin", "wb") as out:  # noqa: SIM117
    row = f.read(n)
    while row:
        out.write(dense.embed_into(row))
        row = f.read(n)
with open(root + "sums.json", "w") as f:
    json.dump(
        {"count": whitening.count, "sums": list(whitening.sums), "outer": list(whitening.outer)}, f
    )
