"""Utterances and words in exact integers: finding them, cepstra, their changes, and alignment.

Written from the docstrings of firmware/nearhum/recognition/utterance.py, words.py and
kernels/viper_words.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .exact import Ints, i32, small

QUIETEST, BEGIN, KEEP, SHARE = -80, 27, 21, 13
RISE, FALL, RISE_INSIDE, SETTLE = 8, 16, 2, 10
HANG, BEFORE, BEHIND, SHORTEST, LONGEST = 12, 6, 3, 6, 96
N_CEPSTRA, MAX_FRAMES, BAND = 10, 64, 8


def hear(frames: Ints) -> list[tuple[int, int]]:
    """Return (first, end) of the utterances in frames, int8 (n, n_bands).

    An utterance that is still going on at the last frame is not returned.
    """
    x = np.maximum(frames.astype(np.int64), QUIETEST)
    background = x[0] * 16 if len(x) else None
    out, levels = [], []
    begun = last = peak = 0
    inside = False
    for t, row in enumerate(x):
        excess = row - (background >> 4)
        level = max(0, int((excess[:-2] + excess[1:-1] + excess[2:]).max()) >> 2)
        levels.append(level)
        off = row * 16 - background
        if t < SETTLE:
            background = background + (off >> 2)
            continue
        background = background + np.clip(off, -FALL, RISE_INSIDE if inside else RISE)
        if not inside:
            if level > BEGIN:
                inside, begun, last, peak = True, t, t, level
            continue
        peak = max(peak, level)
        if level > KEEP and level * 32 > peak * SHARE:
            last = t
        if t - last < HANG:
            if t - begun < LONGEST:
                continue
            background = row * 16
        while begun < last and (levels[begun] <= KEEP or levels[begun] * 32 <= peak * SHARE):
            begun += 1
        if last + 1 - begun >= SHORTEST:
            out.append((begun - BEFORE, min(t + 1, last + 1 + BEHIND)))
        inside = False
    return out


def cosines(n_bands: int) -> Ints:
    """Return round(127 cos(pi k (b + 1/2) / n_bands)), (N_CEPSTRA, n_bands)."""
    k, b = np.arange(N_CEPSTRA)[:, None], np.arange(n_bands)[None]
    return np.rint(127 * np.cos(np.pi * k * (2 * b + 1) / (2 * n_bands))).astype(np.int64)


def cepstra(frames: Ints) -> Ints:
    """Return the normalised cepstra of an utterance, int8 (at most MAX_FRAMES, N_CEPSTRA)."""
    n = min(len(frames), MAX_FRAMES)
    if len(frames) > MAX_FRAMES:
        frames = frames[[i * (len(frames) - 1) // (n - 1) for i in range(n)]]
    c = i32(frames.astype(np.int64) @ cosines(frames.shape[1]).T) >> 4
    mean = (i32(c.sum(axis=0)) * 2 + n) // (2 * n)
    off = c - mean
    out = np.zeros_like(off)
    for k in range(N_CEPSTRA):
        d = np.abs(off[:, k])
        while d.max() >= 1 << 11:
            d = d >> 1
        root = math.isqrt(int(i32((d * d).sum()) // n) << 8)
        if root:
            out[:, k] = np.minimum((i32(d << 9) + root // 2) // root, 127) * np.sign(off[:, k])
    return out


def changes(x: Ints) -> Ints:
    """Return x followed by half of its change over four frames, (n, 2 * N_CEPSTRA)."""
    n = len(x)
    after, before = x[np.minimum(np.arange(n) + 2, n - 1)], x[np.maximum(np.arange(n) - 2, 0)]
    return np.concatenate([x, (after - before + 1) >> 1], axis=1)


def distance(a: Ints, b: Ints) -> int:
    """Return 4 times the mean L1 distance along the best alignment of two utterances.

    a, b: normalised cepstra, (n, N_CEPSTRA).
    """
    x, y = changes(a), changes(b)
    n, m = len(x), len(y)
    infinite = 1 << 29
    cost = np.full((n + 1, m + 1), infinite, dtype=np.int64)
    for i in range(n):
        centre = (2 * i * (m - 1) + n - 1) // (2 * (n - 1)) if n > 1 else 0
        for j in range(max(0, centre - BAND), min(m - 1, centre + BAND) + 1):
            here = int(np.abs(x[i] - y[j]).sum())
            if i == j == 0:
                cost[1, 1] = 2 * here
            else:
                cost[i + 1, j + 1] = min(
                    cost[i, j] + 2 * here, cost[i, j + 1] + here, cost[i + 1, j] + here
                )
    return int(small(small(cost[n, m]) * 4) // (n + m))


@dataclass
class Example:
    """One enrolled utterance."""

    label: str
    frames: Ints  # Cepstra, (n, N_CEPSTRA).


def label_distance(distances: list[int]) -> int:
    """Return the mean of the two smallest distances, or the only one."""
    two = sorted(distances)[:2]
    return sum(two) // len(two)
