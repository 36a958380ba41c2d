"""Test the firmware's thresholds against the oracle, for many scores and for few."""

import json
import subprocess

import numpy as np
import pytest
from nearhum_host.evaluation.benchmarks.runner import firmware, interpreter
from reference import learning

_FIRMWARE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from nearhum.detection.calibration import Calibration
for line in sys.stdin:
    rare, scores = json.loads(line)
    c = Calibration(*rare)
    for score in scores:
        c.add(score)
    print(c.threshold())
"""

# blocks a false alarm, windows a block, first ones that do not count, windows that one holds an
# alarm, whether features are averaged; scores
CASES = [
    ((23, 43, 5, 1, False), 1000),
    ((23, 43, 5, 1, False), 5000),
    ((45, 22, 3, 1, True), 1000),
    ((2, 7, 3, 30, False), 400),
    ((200, 1, 0, 5, False), 1600),
    ((20000, 43, 5, 1, False), 180),
    ((153000, 23, 3, 1, True), 16),
    ((153000, 7, 3, 1, False), 4),
    ((1000, 43, 5, 1, False), 8),
    ((1000, 43, 5, 1, False), 1),
]


@pytest.fixture(scope="module")
def drawn() -> list[tuple[tuple, list[int]]]:
    draw = np.random.default_rng(16)
    out = []
    for rare, n in CASES:
        for kind in range(4):
            noise = draw.exponential(200, n) if kind == 0 else draw.normal(0, 250, n)
            if kind == 2:  # slow
                noise = np.cumsum(noise) / 20
            if kind == 3:  # far out of the histogram, above and below
                noise *= 20
            out.append((rare, np.clip(np.rint(noise), -8191, 8191).astype(int).tolist()))
    return out


def test_the_firmware_sets_the_oracles_threshold(drawn) -> None:
    lines = "\n".join(json.dumps(case) for case in drawn)
    done = subprocess.run(
        [interpreter(), "-c", _FIRMWARE, firmware()],
        input=lines, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = [int(line) for line in done.stdout.split()]
    assert found == [learning.threshold(scores, *rare) for rare, scores in drawn]


def test_one_window_in_a_hundred_is_in_alarm_at_most() -> None:
    # alarms may come as often as they like, but they last: the time in alarm sets the threshold
    draw = np.random.default_rng(17)
    for law in (draw.normal, draw.exponential):
        later = np.sort(200 * np.asarray(law(size=200000)))
        shares = []
        for _ in range(15):
            scores = np.rint(200 * np.asarray(law(size=1000))).astype(int).tolist()
            limits = [learning.threshold(scores, 2, 1, 0, held) for held in (1, 10)]
            shares.append(1 - np.searchsorted(later, limits) / len(later))
        often, held = np.median(shares, axis=0)
        assert 0.006 < often < 0.015
        assert held < 0.002  # each holds its alarm for ten windows


def test_less_than_an_independent_score_widens_the_margin() -> None:
    scores = [100, 140, 120, 90, 110, 130, 100, 120]
    whole, half, eighth = (learning.threshold(scores, 1000, tied) for tied in (8, 16, 64))
    assert whole < half < eighth
    assert eighth - whole > 6 * 224
    assert learning.threshold(scores, 1000, 8, mean=True) < whole
