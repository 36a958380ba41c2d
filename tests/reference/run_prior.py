"""Start a new board from a prior, under MicroPython, and print its scores.

Enters: {"kind", "settings", "prior", "seed", "modes"} as a JSON line. prior: a state image in
base64. modes: as in run_states.py, without learning. Leaves: {"state", "threshold", "counts",
"labels", "refused", "scores": for each mode the smoothed scores}.
"""

import json
import sys
from binascii import a2b_base64

HERE = __file__.rpartition("/")[0] or "."
sys.path[:0] = [HERE + "/../device", HERE + "/../../firmware", HERE + "/.."]

from fakes import pipeline, take  # noqa: E402
from harness import scratch  # noqa: E402

asked = json.loads(sys.stdin.readline())
root = scratch()
with open(root + "prior.nhs", "wb") as f:
    f.write(a2b_base64(asked["prior"]))
hum = pipeline(asked["kind"], root=root, prior="prior.nhs", **asked["settings"])
scores = []
for n_windows, level, tone in asked["modes"]:
    scores.append([])
    for i in range(n_windows):
        take(hum, 1, asked["seed"] + i, level, tone)
        scores[-1].append(hum.temporal.score)
p = hum.detector.prototypes
out = {
    "state": hum.detector.state,
    "threshold": hum.detector.threshold,
    "counts": p.counts,
    "scores": scores,
}
print(json.dumps(dict(out, labels=hum.recogniser.labels, refused=hum.store.refused)))
