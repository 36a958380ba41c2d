"""Run a real recording through the pipeline on any target, and print running CRCs of every stage.

This is no test by itself: tests/bits.py brings the recording. Settings are written out here, so
that a new default does not change the results. The pipeline learns, is shown two labels, watches,
and learns again.
"""

from array import array
from binascii import crc32

from fakes import head, layer, pipeline
from harness import Lcg, as_bytes

HOP = 12
SETTINGS = {
    "path": "fixed", "rate_hz": 50, "n_channels": 6, "n_window": 128, "n_hop": HOP,
    "mean": "scaled", "n_range": 8, "statistics": "rms,peak,crest,kurtosis,zero_crossings",
    "n_bands": 6, "spacing": "log", "f_low_hz": 0.4, "f_high_hz": 12, "n_envelope_bands": 0,
    "head": "head.nhh", "spread_floor": 2, "smooth": 96, "alarms_per_day": 1, "alarm_m": 2,
    "alarm_n": 3, "release": 90, "fade": 256, "reject": 512, "spread": "diagonal",
    "drift_budget": 0,
}  # fmt: skip
N_IN, N_OUT = 6 * (1 + 5 + 6), 16
LEARN = {0: 128, 240: 4000}  # window: length of the learning period that begins there
ENROL = {150: "one", 170: "other"}  # window: label of the three from there
REPORT = (120, 240, 1000, 4300, 11000)  # windows after which the CRCs are told


def made_head():
    """Return a head of one dense layer with weights from -127 to 127, and biases."""
    random = Lcg(11)
    weights = []
    for _ in range(N_OUT):
        weights.append(as_bytes([random.within(127) for _ in range(N_IN)]))
    bias = [random.within(9000) for _ in range(N_OUT)]
    return head(N_IN, layer(weights, bias, [(3, 9000, 19)] * N_OUT))


def main(root, path, n_windows):
    """Take the first n_windows of a recording at path: frames of 6 channels, int16. root: a
    folder for the files.
    """
    name = root + SETTINGS["head"]
    with open(name, "wb") as f:
        f.write(made_head())
    hum = pipeline("motion", root, **dict(SETTINGS, head=name))
    block = array("h", bytes(2 * HOP * SETTINGS["n_channels"]))
    crcs = {"features": 0, "embedding": 0, "score": 0, "threshold": 0, "label": 0}
    taken = alarms = 0
    with open(path, "rb") as f:
        while taken < n_windows and f.readinto(block) == 2 * len(block):
            hum.window.push(block, 0, HOP)
            if hum.window.missing:
                continue
            if taken in LEARN:
                hum.learned.start(LEARN[taken])
            if taken in ENROL:
                hum.learned.enrol_label, hum.learned.enrol_left = ENROL[taken], 3
            hum.take_window()
            numbers = array("h", [hum.temporal.score, hum.detector.threshold])
            for what, found in (
                ("features", hum.features.vector),
                ("embedding", hum.embedding),
                ("score", numbers[:1]),
                ("threshold", numbers[1:]),
                ("label", bytes([hum.label_id])),
            ):
                crcs[what] = crc32(bytes(found), crcs[what])
            alarms += hum.turn == 1
            hum.keep_window()
            hum.window.advance()
            taken += 1
            if taken in REPORT:
                for what in sorted(crcs):
                    print("selftest %05d_%s %08x" % (taken, what, crcs[what]))
                print("selftest %05d_state %08x" % (taken, crc32(hum.learned.pack())))
                print("selftest %05d_alarms %08x" % (taken, alarms))
    hum.close()
