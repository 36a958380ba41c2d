"""Prior: a board may start from what others have learned, and blends it with what it sees.

Enters: a state image (a `nearhum backup`, say) whose path the setting `prior` names. Leaves:
prototypes that count as `prior_weight` windows in all. Imported only where there is such a setting.

A board without a state of its own, or after `reset factory`, takes the whole of it: ranges, normal
prototypes, threshold, labels; it watches at once. `learn` begins with its ranges and normal
prototypes instead of with none, and adds what it sees: sums add, so a period of n windows has a
share of n / (n + prior_weight) in every mode it meets. (The posterior mean of a normal mean with a
conjugate prior: Gelman, Bayesian Data Analysis, 2013, 2.5; prior_weight is its number of prior
observations.) Labels are taken as they are: their few examples need no weight.
"""

import struct

from nearhum.errors import FormatError
from nearhum.files import placed, read_file
from nearhum.wire import WATCH


def take(learned, root, config):
    """Put the prior that the settings name in the place of all that was learned.

    learned: learned.Learned. root: of paths. Raises FormatError; then nothing has changed.
    """
    p = learned.detector.prototypes
    image = read_file(placed(root, config["prior"]))
    if image is None:
        raise FormatError(
            "no prior at " + config["prior"], "`nearhum deploy --prior FILE` puts it there"
        )
    before, body = learned.pack(), learned.store.opened(image, "the prior")[1]
    learned.unpack(body)
    if learned.detector.state != WATCH:
        learned.unpack(before)
        raise FormatError(
            "the prior is of a board that had not finished learning",
            "take one of a board that watches",
        )
    total, weight = sum(p.counts), config["prior_weight"]
    if total > weight:
        for j in range(p.n):
            p.put(j, scaled(p.pack(j), p.n_dims, weight, total))


def begin(learned, root, config):
    """Take the prior, and journal it; or note why it was refused."""
    try:
        take(learned, root, config)
    except FormatError as e:
        learned.store.refused.append("%s: %s" % (e.message, e.hint))
    else:
        learned.changed("prior", n=sum(learned.detector.prototypes.counts))


def normal(learned, root, config):
    """Take the prior's ranges alone.

    Returns its normal prototypes: [(label, packed sums)]. Raises FormatError.
    """
    p = learned.detector.prototypes
    before, enrolling = learned.pack(), learned.enrol_left
    take(learned, root, config)
    out = [(p.labels[j], p.pack(j)) for j in range(p.n)]
    ranges = learned.ranges.pack() if learned.ranges else b""
    learned.unpack(before)
    if ranges:
        learned.ranges.unpack(memoryview(ranges))
    learned.enrol_left = enrolling
    return out


def scaled(packed, n, weight, total):
    """Return the raw sums of a prototype with its count times weight / total, at least 1; all
    rounded to nearest.

    packed: what Prototypes.pack gives, n dimensions. A sum of squares stays large enough for its
    sum: no spread becomes negative.
    """
    count = struct.unpack_from("<I", packed, 0)[0]
    halves = struct.unpack_from("<%di" % (2 * n), packed, 4 + 4 * n)
    squares = [(halves[2 * i] << 24) + halves[2 * i + 1] for i in range(n)]
    small = max(1, _nearest(count * weight, total))
    return raw(small, *fewer(count, struct.unpack_from("<%di" % n, packed, 4), squares, small))


def fewer(count, sums, squares, small):
    """Return (sums, sums of squares) of a prototype whose count becomes `small`, rounded to
    nearest.
    """
    sums = [_nearest(s * small, count) for s in sums]
    squares = [max(_nearest(q * small, count), -(-s * s // small)) for s, q in zip(sums, squares)]
    return sums, squares


def raw(count, sums, squares):
    """Return raw sums as Prototypes.pack does. Within its bounds: a count of 2^24 - 1 at most."""
    out = struct.pack("<I%di" % len(sums), count, *sums)
    for square in squares:
        out += struct.pack("<ii", square >> 24, square & 0xFFFFFF)
    return out


def _nearest(a, b):
    return (2 * a + b) // (2 * b)
