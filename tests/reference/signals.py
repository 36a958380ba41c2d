"""Test windows, extreme and ordinary ones: int64 (windows, n), the same in every run."""

from __future__ import annotations

import numpy as np

HIGH, LOW = 32767, -32768


def nasty(n: int) -> np.ndarray:
    """Return windows at the limits of int16, which overflow careless arithmetic.

    They are constants, square waves of every period, impulses, tones, chirps, ramps and steps.
    """
    t = np.arange(n)
    rows = [np.full(n, v) for v in (0, 1, -1, HIGH, LOW, 12345)]
    period = 2
    while period <= 2 * n:
        for phase in (0, period // 4, 1):
            square = np.where((t + phase) % period * 2 < period, HIGH, LOW)
            rows += [
                square,
                -1 - square,
                square // 2,
                np.where(square > 0, 1, 0),
                np.where(square > 0, 1, -1),
            ]
        period *= 2
    for at in (0, 1, n // 2, n - 1):
        for base, value in (
            (0, HIGH),
            (0, LOW),
            (0, 1),
            (HIGH, LOW),
            (LOW, HIGH),
            (HIGH, HIGH - 1),
            (LOW, 0),
        ):
            row = np.full(n, base)
            row[at] = value
            rows.append(row)
    for k in (1, 2, 3, 7, n // 4, n // 2 - 1):
        for level in (1, 100, HIGH, 3 * HIGH):
            for phase in (0, 0.3):
                rows.append(np.round(level * np.sin(2 * np.pi * k * t / n + phase)))
    rows += [np.round(HIGH * np.sin(np.pi * t * t * rate / n)) for rate in (0.05, 0.3, 1)]
    rows += [
        t * 65535 // (n - 1) + LOW,
        HIGH - t * 65535 // (n - 1),
        np.where(t < n // 2, LOW, HIGH),
    ]
    return np.clip(np.array(rows), LOW, HIGH).astype(np.int64)


def ordinary(n: int, count: int, seed: int) -> np.ndarray:
    """Return noise and tones of all levels, from one count to full scale, with and without DC."""
    random = np.random.default_rng(seed)
    t = np.arange(n)
    out = np.empty((count, n))
    for i in range(count):
        level = 2.0 ** random.uniform(0, 15)
        x = level * random.choice([0.02, 0.3, 1]) * random.standard_normal(n)
        for _ in range(random.integers(0, 4)):
            x += (
                level
                * random.random()
                * np.sin(2 * np.pi * random.uniform(0.5, n / 2) * t / n + random.uniform(0, 6))
            )
        if random.random() < 0.2:
            x = level * np.sign(x)
        out[i] = x + random.choice([0, 0, level, random.uniform(LOW, HIGH)])
    return np.clip(np.round(out), LOW, HIGH).astype(np.int64)
