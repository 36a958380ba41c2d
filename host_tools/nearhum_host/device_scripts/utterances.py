"""Find the utterances in a recording with the firmware. Runs under MicroPython.

Arguments: the folder with the package nearhum, and the folder that serves as the board's file
system (ends in "/").

Enters, from that folder: nearhum.json with a replay as its source. The cue of each segment is its
number.

Leaves, in that folder: utterances.bin, for each utterance u16 segment, u8 frames, and its
normalised cepstra, int8; about.json with n_bands.
"""

import json
import struct
import sys

sys.path.insert(0, sys.argv[1])
root = sys.argv[2]

from nearhum.features.extract import Features, Plan  # noqa: E402
from nearhum.kernels.viper_words import N_CEPSTRA  # noqa: E402
from nearhum.recognition.utterance import Utterances  # noqa: E402
from nearhum.storage import deployed  # noqa: E402
from replayed import windows  # noqa: E402

config = deployed.load_config(root)
plan = Plan(config)
features = Features(plan, config["path"])
frame = memoryview(features.vector)[plan.n_before_bands : plan.n_before_bands + len(plan.bands)]
utterances = Utterances(len(plan.bands))
with open(root + "utterances.bin", "wb") as out:
    for segment, rows in windows(config, utterances.restart):
        features.extract_into(rows)
        if utterances.hear_one(frame):
            n_frames = utterances.n_frames
            out.write(struct.pack("<HB", segment, n_frames))
            out.write(bytes(memoryview(utterances.cepstra)[: n_frames * N_CEPSTRA]))
with open(root + "about.json", "w") as f:
    json.dump({"n_bands": len(plan.bands)}, f)
