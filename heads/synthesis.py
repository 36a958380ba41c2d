"""Vibration of rotating machines, made up: what the head `rotating` is trained on.

Enters: a seed. Leaves: labelled recordings, int16 at 4 kHz, 3 axes, of machines that differ in
speed, resonances, the way from the bearing to the sensor, and noise. What marks a fault is textbook
(Randall, Vibration-based Condition Monitoring, 2nd ed. 2021, chapters 2 and 5): unbalance turns
with the shaft; misalignment twice a turn; looseness at many multiples and halves; a defect in a
bearing's race strikes it some times a turn, and what is struck rings.
"""

import numpy as np
from nearhum_host.heads.labelled import Labelled

RATE_HZ = 4000
SECONDS = 2
LABELS = ("healthy", "unbalance", "misalignment", "looseness", "bearing")
N_MACHINES, N_SESSIONS = 12, 2
N_TAKES = 2  # a label and session
SEED = 20260101


def recordings(seed: int = SEED) -> list[Labelled]:
    """Return all recordings, a group a machine, a session a mounting of it."""
    out = []
    for machine in range(N_MACHINES):
        random = np.random.default_rng([seed, machine])
        turn_hz = random.uniform(15, 60)
        resonances_hz = random.uniform(300, 1800, 4)
        damping = random.uniform(0.02, 0.08, 4)
        strikes = random.uniform(3.2, 6.8)  # a turn
        level = 10 ** random.uniform(2.0, 3.0)
        for session in range(N_SESSIONS):
            path = random.uniform(0.4, 1.0, (4, 3)) * random.choice([-1, 1], (4, 3))
            way = random.uniform(0.3, 1.0, 3)
            for label in LABELS:
                for take in range(N_TAKES):
                    frames = _frames(
                        random, label, turn_hz, resonances_hz, damping, strikes, level, path, way
                    )
                    name = f"{label} {machine} {session} {take}"
                    out.append(
                        Labelled(label, frames, f"machine {machine}", f"mounting {session}", name)
                    )
    return out


def _frames(random, label, turn_hz, resonances_hz, damping, strikes, level, path, way):
    n = RATE_HZ * SECONDS
    turns = np.cumsum(turn_hz * (1 + random.normal(0, 1e-3)) * np.ones(n)) / RATE_HZ
    severe = random.uniform(0.6, 1.6)
    orders = {1: 1.0, 2: 0.4, 3: 0.2}
    if label == "unbalance":
        orders[1] += 4 * severe
    elif label == "misalignment":
        orders.update({1: 1.4, 2: 3 * severe, 3: 0.8 * severe})
    elif label == "looseness":
        orders.update(
            {k / 2: orders.get(k / 2, 0) + 1.5 * severe / (1 + 0.15 * k) for k in range(1, 17)}
        )
    shaft = sum(a * np.sin(2 * np.pi * (k * turns + random.uniform())) for k, a in orders.items())
    struck = random.normal(0, 0.05, n)
    if label == "bearing":
        at = np.flatnonzero(np.diff(np.floor(strikes * turns + random.uniform())))
        at = np.clip(at + random.integers(-1, 2, len(at)), 0, n - 1)
        struck[at] += 3 * severe * random.uniform(0.7, 1.3, len(at))
    wave = shaft[:, None] * way
    time = np.arange(RATE_HZ // 4) / RATE_HZ
    for hz, d, to in zip(resonances_hz, damping, path, strict=True):
        ring = np.exp(-2 * np.pi * hz * d * time) * np.sin(2 * np.pi * hz * time)
        wave = wave + np.convolve(struck, ring)[:n, None] * to
    wave = level * wave / 3 + random.normal(0, 0.1 * level + 5, (n, 3))
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
