# ruff: noqa: SIM115 (MicroPython has no parentheses around several contexts)
"""Run windows from a file through the firmware's pipeline, under MicroPython.

Arguments: the folder of the package nearhum, and the folder that stands for the board's file system
(ends in "/").

Enters, in that folder: nearhum.json (settings), task.json {"n_windows", "learn", "n_powers"}, and
windows.bin (int16, a window's channels one after the other).

Leaves there: result.bin with one record for each window (n_features int8, n_out int8, i16 smoothed
score, u8 state, u8 label), powers.bin (power spectra, int32, of the last channel of the last
n_powers windows), state.bin and about.json.
"""

import json
import struct
import sys
from array import array

sys.path.insert(0, sys.argv[1])
root = sys.argv[2]

from nearhum.kernels import tables  # noqa: E402
from nearhum.pipeline import Pipeline  # noqa: E402
from nearhum.wire import NO_SCORE  # noqa: E402

with open(root + "task.json") as f:
    task = json.load(f)
hum = Pipeline(root)
if task["learn"]:
    hum.learned.start(task["learn"])
window = hum.window
# The windows are more extreme than those of a healthy sensor, but must be learned here, because the
# test compares arithmetic.
window.defect = lambda clip: 0
n_bytes = 2 * window.n_channels * window.n_window
nothing = bytes(hum.head.n_out)
windows = open(root + "windows.bin", "rb")
result = open(root + "result.bin", "wb")
powers = open(root + "powers.bin", "wb")
for i in range(task["n_windows"]):
    samples = array("h", windows.read(n_bytes))
    window.restart()
    for c in range(window.n_channels):
        window.rows[c][:] = samples[c * window.n_window : (c + 1) * window.n_window]
    hum.take_window()
    known = hum.embedding is not None
    score = hum.temporal.score if known else NO_SCORE
    if score != NO_SCORE:
        score = max(-32767, min(32767, score))
    result.write(bytes(hum.features.vector))
    result.write(bytes(hum.embedding) if known else nothing)
    result.write(struct.pack("<hBB", score, hum.detector.state, hum.label_id))
    if i >= task["n_windows"] - task["n_powers"]:
        powers.write(bytes(hum.features.transform.spectrum.power))
    hum.keep_window()
for file in (windows, result, powers):
    file.close()
with open(root + "state.bin", "wb") as f:
    f.write(hum.learned.pack())
sine = tables.Sine()
about = {
    "threshold": hum.detector.threshold,
    "bands": hum.plan.bands,
    "n_features": hum.plan.n_features,
    "n_out": hum.head.n_out,
    "config": hum.config,
    "tables": {},
}
for n in (64, 128, 200, 256, 512, 1000, 1024):
    about["tables"][str(n)] = {"hann": list(tables.hann_q14(sine, n))}
    if not n & (n - 1):
        about["tables"][str(n)]["twiddles"] = list(tables.twiddles_q12(sine, n))
        about["tables"][str(n)]["order"] = list(tables.digit_reversal(n // 2))
about["log2"] = list(tables.log2_table())
if hum.plan.envelope:
    about["envelope_bands"] = hum.plan.envelope.bands
with open(root + "about.json", "w") as f:
    json.dump(about, f)
