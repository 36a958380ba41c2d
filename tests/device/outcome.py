"""Run a synthetic signal through the pipeline on any target, and print hashes of all results.

The settings are written out here, so that a new default does not change the results. The signal is
a triangle of changing height, with noise from a linear congruential generator. It consists of
integers, which are the same on every machine.
"""

import hashlib
import json
import struct
from binascii import hexlify

from fakes import noise, pipeline
from harness import Lcg

LEARN, ENROL, WATCH = 48, 3, 40  # windows: normal, of each of two labels, and watched

_COMMON = {
    "path": "fixed", "n_range": 8, "spread_floor": 2, "smooth": 96, "alarms_per_day": 1,
    "alarm_m": 2, "alarm_n": 3, "release": 90, "fade": 256, "reject": 512, "head": "",
    "n_envelope_bands": 0, "spread": "diagonal", "drift_budget": 0,
}  # fmt: skip
SETTINGS = {
    "telemetry": {
        "rate_hz": 1, "n_channels": 3, "n_window": 16, "n_hop": 16, "mean": "ranged",
        "statistics": "", "n_bands": 0,
    },
    "vibration": {
        "rate_hz": 4000, "n_channels": 2, "n_window": 512, "n_hop": 512, "mean": "off",
        "n_bands": 12, "spacing": "log", "f_low_hz": 0, "f_high_hz": 0,
        "statistics": "rms,peak,crest,kurtosis,zero_crossings",
    },
    "motion": {
        "rate_hz": 50, "n_channels": 6, "n_window": 200, "n_hop": 200, "mean": "scaled",
        "n_bands": 6, "spacing": "linear", "f_low_hz": 0.4, "f_high_hz": 12, "statistics": "rms",
    },
    "audio": {
        "rate_hz": 16000, "n_channels": 1, "n_window": 256, "n_hop": 256, "mean": "off",
        "n_bands": 20, "spacing": "mel", "f_low_hz": 100, "f_high_hz": 0, "statistics": "",
    },
    "envelope": {
        "kind": "vibration", "rate_hz": 12000, "n_channels": 2, "n_window": 512, "n_hop": 512,
        "mean": "off", "n_bands": 4, "spacing": "log", "f_low_hz": 0, "f_high_hz": 0,
        "statistics": "rms", "n_envelope_bands": 8, "envelope_low_hz": 1500,
        "envelope_high_hz": 4000, "envelope_top_hz": 500,
    },
}  # fmt: skip


def outcome(kind):
    """Return {name: hash or number} of one of SETTINGS: features, scores, labels, state,
    threshold, alarms.
    """
    given = dict(_COMMON)
    given.update(SETTINGS[kind])
    hum = pipeline(given.pop("kind", kind), **given)
    random = Lcg(2024)
    features, scores, labels = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    alarms = 0

    def take(level, height, period):
        n_channels = hum.window.n_channels
        hum.window.restart()
        block = noise(random, hum.window.n_window * n_channels, level, height, period * n_channels)
        hum.window.push(block, 0, hum.window.n_window)
        hum.take_window()
        features.update(bytes(hum.features.vector))
        scores.update(struct.pack("<h", hum.temporal.score))
        labels.update(bytes([hum.label_id]))
        started = hum.turn == 1
        hum.keep_window()
        return started

    hum.learned.start(LEARN + (given["n_range"] if hum.features.ranges else 0))
    while hum.detector.learn_left:
        take(300, 4000 + 10 * random.below(20), 16)
    for label, period in (("slow", 40), ("fast", 5)):
        hum.learned.enrol_label, hum.learned.enrol_left = label, ENROL
        for _ in range(ENROL):
            take(300, 5000, period)
    for i in range(WATCH):
        alarms += take(300 if i % 5 else 8000, 4000 if i < 12 else 5000, (16, 40, 5)[i // 14])
    return {
        "features": hexlify(features.digest()).decode(),
        "scores": hexlify(scores.digest()).decode(),
        "labels": hexlify(labels.digest()).decode(),
        "state": hexlify(hashlib.sha256(hum.learned.pack()).digest()).decode(),
        "state_bytes": len(hum.learned.pack()),
        "threshold": hum.detector.threshold,
        "alarms": alarms,
    }


def canonical(kinds):
    """Return the bytes over which a golden file's own hash is taken: sorted, so that no dict's
    order counts.
    """
    lines = [
        "%s %s %s\n" % (kind, name, kinds[kind][name])
        for kind in sorted(kinds)
        for name in sorted(kinds[kind])
    ]
    return "".join(lines).encode()


def load(path):
    """Return {kind: outcome} of a golden file.

    Raises ValueError where it is not one, with what to do.
    """
    with open(path) as f:
        golden = json.load(f)
    if golden.get("magic") != "nearhum golden" or golden.get("version") != 1:
        raise ValueError(
            "%s is no golden file of version 1: python tests/vectors/make.py makes it" % path
        )
    if hexlify(hashlib.sha256(canonical(golden["kinds"])).digest()).decode() != golden["sha256"]:
        raise ValueError(
            "%s is damaged or was edited by hand: python tests/vectors/make.py makes it" % path
        )
    return golden["kinds"]
