"""Bring the slow channels of several boards into one scale. Runs under MicroPython.

Enters: boards whose ranged means are in steps of their own (nearhum.features.ranges). Leaves: the
same boards, in the range of the median board. fleet_merge.py imports it. With
x' = (x step + centre - centre') / step' and d = centre - centre' the sums become
    sum'     = (step sum + count d) / step'
    squares' = (step^2 squares + 2 step d sum + count d^2) / step'^2
Each is rounded to nearest once for each board, so that later additions are exact. Boards that
started from the same prior have the same range, and nothing is rounded.
"""

from fleet_states import mean, median
from nearhum.errors import FormatError


def align(boards, dims, has_head, names):
    """Bring the boards into one range, in place. Returns [(centre, step)] of the channels, Q4.

    dims: embedding dimension of each channel's mean. names: of the dimensions. Raises FormatError
    with the name of the file if a board is outside that range, or has a trained head, whose output
    cannot be converted.
    """
    common = [
        (median([b.ranges[c][0] for b in boards]), median([b.ranges[c][1] for b in boards]))
        for c in range(len(dims))
    ]
    for b in boards:
        if b.ranges == common:
            continue
        if has_head:
            raise FormatError(
                b.name + " has ranges of its own, before a trained head",
                "learn it from the others' prior",
            )
        for c, i in enumerate(dims):
            (centre, step), (to, step_to) = b.ranges[c], common[c]
            _channel(b, i, step, centre - to, step_to, names[i])
        b.ranges = common
    return common


def _channel(b, i, step, d, to, name):
    for row in b.modes + b.labels:
        count, sums, squares = row[1:]
        s, q = sums[i], squares[i]
        sums[i] = _nearest(step * s + count * d, to)
        squares[i] = max(
            _nearest(step * step * q + 2 * step * d * s + count * d * d, to * to),
            -(-sums[i] * sums[i] // count),
        )
        if not -128 <= mean(count, sums)[i] <= 127:
            raise FormatError(
                "%s: its %s lies outside the range that the other boards share" % (b.name, name),
                "leave that board out; or let it learn from a prior of the others",
            )
    b.variance[i] = b.variance[i] * step * step // (to * to)
    n = len(b.variance)
    if b.covariance:
        for j in range(n):
            b.covariance[i * n + j] = b.covariance[i * n + j] * step / to
            b.covariance[j * n + i] = b.covariance[j * n + i] * step / to
    b.examples = [(label, _moved(x, i, step, d, to)) for label, x in b.examples]


def _moved(x, i, step, d, to):
    v = (x[i] ^ 128) - 128
    v = max(-128, min(127, _nearest(v * step + d, to)))
    return x[:i] + bytes([v & 255]) + x[i + 1 :]


def _nearest(a, b):
    return (2 * a + b) // (2 * b)
