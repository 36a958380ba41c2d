"""Pre-computed spectra, level-free bands, and packets of a radio, in exact integers.

Written from the docstrings of firmware/nearhum/features/spectra.py, level.py and packets.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .exact import Ints, i32, int8
from .logarithm import log2_q8, normalised

BIAS = -128
FLOOR_STEPS = 133


def band_levels(spectra: Ints, cut: Sequence[tuple[int, int]]) -> Ints:
    """Return the band levels of amplitudes, (windows, bins): int8 values as int64 (windows, bands).

    cut: (first bin, number of bins) of each band.
    """
    power = i32(spectra * spectra)
    i32((1 << 24) - 1 + power)  # The low word of the sum, before the carry.
    out = []
    for first, n in cut:
        total = power[:, first : first + n].sum(axis=1)
        beyond = total >> 30 > 0
        log = np.where(
            beyond,
            normalised(np.where(beyond, total >> 17, 1)) + 17 * 256,
            normalised(total * ~beyond),
        )
        out.append(np.where(total == 0, BIAS, int8(i32(log + 32 * BIAS + 16) >> 5)))
    levels = np.stack(out, axis=1)
    return np.maximum(levels, levels.max(axis=1, keepdims=True) - FLOOR_STEPS)


def level_free(levels: Ints) -> Ints:
    """Return each row minus its mean. The mean is rounded to nearest, halves up."""
    n = levels.shape[1]
    return int8(levels - (levels.sum(axis=1, keepdims=True) + n // 2) // n)


def channels(packets: Ints, n_channels: int) -> Ints:
    """Return the channels of consecutive packets, int16 values as int64 (packets, n_channels).

    packets: (packets, subcarriers), int16.
    """
    real, imaginary = int8((packets & 255 ^ 128) - 128), int8((packets >> 8 & 255 ^ 128) - 128)
    power = i32(real * real + imaginary * imaginary)
    log = 8 * log2_q8(power)
    n = packets.shape[1]
    edges = [c * n // n_channels for c in range(n_channels + 1)]
    total = i32(log.sum(axis=1))
    mean = (total + n // 2) // n
    groups = [
        (log[:, a:b].sum(axis=1) + (b - a) // 2) // (b - a) - mean
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    levels = np.stack(groups, axis=1)
    assert np.abs(levels).max(initial=0) < 1 << 15
    before = np.concatenate([levels[:1], levels[:1], levels])
    return np.median(np.stack([before[:-2], before[1:-1], before[2:]]), axis=0).astype(np.int64)
