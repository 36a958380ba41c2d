"""Test gaps in the samples: a healthy machine raises no alarm."""

import nearhum_host as nh
import numpy as np


def machine(seed: int) -> nh.Recording:
    """A tone and noise, 1 kHz, three axes: 40 s to learn, then 40 s with a gap every four."""
    draw = np.random.default_rng(seed)
    t = np.arange(80_000)[:, None] / 1000
    samples = np.sin(2 * np.pi * 25 * t + np.arange(3)) * 2000 + draw.normal(0, 300, (len(t), 3))
    counts = np.rint(samples).astype(np.int16)
    recording = nh.Recording(1000, 3)
    recording.add(counts[:40_000], "learn 78")
    for at in range(40_000, 80_000, 4000):
        recording.add(counts[at : at + 4000])
    return recording


def test_gaps_alarm_nobody() -> None:
    settings = {"kind": "vibration", "rate_hz": 1000, "n_channels": 3}
    ran = [nh.run(machine(seed), settings) for seed in range(6, 12)]
    assert sum(len(one.scores) for one in ran) > 800
    # with the score of the slow mean lowered by half of its octaves they were 48
    assert sum(int(one.alarm.sum()) for one in ran) <= 4
