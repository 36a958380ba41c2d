"""Run heads over feature vectors, and the recogniser over the embeddings. Runs under MicroPython.

Arguments: the folder with the package nearhum, and a folder that ends in "/".

Enters, from that folder: vectors.bin, n_features int8 for each vector; tasks.json: {"n_features",
"spread_floor", "reject", "heads": [file or ""], "rounds": [[head, enrolled, asked], ...]}.
enrolled: [[vector, label], ...], asked: [vector, ...]. Vectors are numbered from 0, labels are
texts.

Leaves, in that folder: embedded.N.bin for each head, int8; answers.json, with the labels that a
board would give in each round, "" for unknown.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
root = sys.argv[2]

from nearhum.detection.prototypes import Prototypes  # noqa: E402
from nearhum.embedding.identity import load  # noqa: E402
from nearhum.features.transform_fixed import Log2  # noqa: E402
from nearhum.files import parsed, read_file  # noqa: E402
from nearhum.recognition.labels import MAX_LABELS  # noqa: E402
from nearhum.recognition.windows import Recogniser  # noqa: E402

tasks = parsed(read_file(root + "tasks.json"))
with open(root + "vectors.bin", "rb") as f:
    vectors = f.read()
n = tasks["n_features"]
embedded = []
for i in range(len(tasks["heads"])):
    head = load(root + tasks["heads"][i] if tasks["heads"][i] else "", n)
    vector, rows = bytearray(n), []
    for at in range(0, len(vectors), n):
        vector[:] = vectors[at : at + n]
        rows.append(bytes(head.embed_into(vector)))
    embedded.append(rows)
    with open(root + "embedded.%d.bin" % i, "wb") as f:
        f.write(b"".join(rows))

answers, log2 = [], Log2()
for at, enrolled, asked in tasks["rounds"]:
    rows, floor = embedded[at], tasks["spread_floor"]
    recogniser = Recogniser(
        Prototypes(MAX_LABELS, len(rows[0]), floor, log2), floor, tasks["reject"], log2
    )
    names = {0: ""}
    for i, label in enrolled:
        names[recogniser.enrol(label, rows[i])[0]] = label
    answers.append([names[recogniser.predict_one(rows[i])] for i in asked])
with open(root + "answers.json", "w") as f:
    json.dump(answers, f)
