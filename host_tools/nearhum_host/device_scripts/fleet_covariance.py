"""Compute the full covariance of a fleet, for the setting `spread = "full"`.

Runs under MicroPython; fleet_merge.py imports it. Enters: boards and their merged modes. Leaves: a
whitening as a head file.

A board keeps the whitening W of its covariance C and not the sums. W C W^T = 1 in units of its
spread, and W is triangular, so C = W^-1 W^-T. The fleet's covariance is the mean of the boards'
covariances, weighted by windows, plus the covariance of the boards' means around the means of their
modes. The firmware computes the whitening from it, as on a board.
"""

import struct

from nearhum.detection.covariance import UNIT_STEPS
from nearhum.embedding.whitening import Whitening
from nearhum.wire import HEAD_MAGIC, unseal

COUNT = 1 << 16  # Embeddings that the synthetic sums represent.


def recovered(image, n):
    """Return the covariance of a whitening, n * n floats in double steps, [] if image is empty."""
    if not image:
        return []
    body = unseal(HEAD_MAGIC, image, "whitening")[2]
    factors = struct.unpack_from("<%dH" % (3 * n), body, 8 + 4 * n)
    weights = struct.unpack_from("<%db" % (n * n), body, 8 + 10 * n)
    rows = []
    for i in range(n):
        gain = factors[3 * i + 1] / (1 << factors[3 * i + 2]) / UNIT_STEPS
        rows.append([w * gain for w in weights[i * n : (i + 1) * n]])
    inverse = [[0.0] * n for _ in range(n)]  # Forward substitution, column by column.
    for c in range(n):
        for i in range(c, n):
            left = (1.0 if i == c else 0.0) - sum([rows[i][k] * inverse[k][c] for k in range(c, i)])
            inverse[i][c] = left / rows[i][i]
    out = [0.0] * (n * n)
    for i in range(n):
        for j in range(i + 1):
            out[i * n + j] = out[j * n + i] = sum(
                [inverse[i][k] * inverse[j][k] for k in range(j + 1)]
            )
    return out


def between(members, count, sums):
    """Return the covariance of boards' means around their mode's mean, n * n floats in double
    steps, times count.

    members: [[label, count, sums, squares, board]] that were added to (count, sums).
    """
    n = len(sums)
    out = [0.0] * (n * n)
    for row in members:
        away = [(s / row[1] - total / count) / 2 for s, total in zip(row[2], sums)]
        for i in range(n):
            for j in range(n):
                out[i * n + j] += row[1] * away[i] * away[j]
    return out


def whitening(boards, modes, floor):
    """Return the whitening of a fleet as the bytes of a head file.

    modes: [(members, count, sums)]. floor: steps.
    """
    n = len(modes[0][2])
    counts = [sum([row[1] for row in b.modes]) for b in boards]
    within, total = [0.0] * (n * n), sum(counts)
    for b, count in zip(boards, counts):
        for i in range(n * n):
            within[i] += b.covariance[i] * count / total
    kept = sum([count for _, count, _ in modes])
    for mode in modes:
        for i, v in enumerate(between(*mode)):
            within[i] += v / kept
    sums = Whitening(n, UNIT_STEPS, False)
    sums.count, at = COUNT, 0
    for i in range(n):
        for j in range(i, n):
            v = int((within[i * n + j] * COUNT + 0.5) // 1)
            sums.outer[at], sums.outer[at + 1] = v >> 24, v & 0xFFFFFF
            at += 2
    return sums.head(floor / 2)
