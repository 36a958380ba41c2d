"""Run the firmware's features over a recording, and its head if one is set.

Runs under MicroPython. Arguments: the folder with the package nearhum, and the folder that serves
as the board's file system (ends in "/").

Enters, from that folder: nearhum.json with a replay as its source. The cue of each segment is its
number.

Leaves, in that folder: vectors.bin, for each window u16 segment, the features and the embedding,
int8; about.json with n_features, n_out and n_apart: windows that are n_apart apart share no sample.
"""

import json
import struct
import sys

sys.path.insert(0, sys.argv[1])
root = sys.argv[2]

from nearhum.embedding.identity import load  # noqa: E402
from nearhum.features.extract import Features, Plan  # noqa: E402
from nearhum.storage import deployed  # noqa: E402
from replayed import windows  # noqa: E402

config = deployed.load_config(root)
plan = Plan(config)
features = Features(plan, config["path"])
head = load(config["head"], plan.n_features)
with open(root + "vectors.bin", "wb") as out:
    for segment, rows in windows(config):
        vector = features.extract_into(rows)
        out.write(struct.pack("<H", segment) + bytes(vector) + bytes(head.embed_into(vector)))
n_apart = -(-config["n_window"] // config["n_hop"])
with open(root + "about.json", "w") as f:
    json.dump({"n_features": plan.n_features, "n_out": head.n_out, "n_apart": n_apart}, f)
