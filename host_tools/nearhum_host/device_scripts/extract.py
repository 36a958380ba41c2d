"""Run the firmware's features, and its head where one is set, over a recording.

Runs under MicroPython.

Arguments: the folder with the package nearhum, the folder that stands for the board's file system
(ends in "/"): there nearhum.json with a replay as its source, each segment's cue its number.
Written there: vectors.bin, for each window u16 segment, the features and the embedding, int8;
about.json with n_features, n_out, and n_apart: every n-th window shares no sample with the last.
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
