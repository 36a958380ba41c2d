"""Prior: a board may start from what others have learned, and blends it with what it sees.

Enters: a state image (such as a `nearhum backup`) whose path the setting `prior` names. Leaves:
prototypes that count as `prior_weight` windows in all. Imported only if `prior` is set.

A board without a state of its own, or after `reset factory`, takes everything from the prior:
ranges, normal prototypes, threshold and labels. It watches at once. `learn` begins with the prior's
ranges and normal prototypes, and adds what it sees. Sums add, so n learned windows have a share of
n / (n + prior_weight) in the mean. (This is the posterior mean of a normal mean with a conjugate
prior: Gelman, Bayesian Data Analysis, 2013, 2.5. prior_weight is its number of prior observations.)
Labels are taken as they are, because their few examples need no weight.
"""

import struct

from nearhum.errors import FormatError
from nearhum.files import placed, read_file
from nearhum.wire import WATCH


def take(learned, root, config):
    """Replace everything that was learned by the prior.

    learned: learned.Learned. root: prefix of paths. config: complete settings. Raises FormatError
    if there is no valid prior. Then nothing has changed.
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
            "use the state of a board that watches",
        )
    total, weight = sum(p.counts), config["prior_weight"]
    if total > weight:
        for j in range(p.n):
            p.put(j, scaled(p.pack(j), p.n_dims, weight, total))


def begin(learned, root, config):
    """Take the prior and journal it, or note why it was refused. Arguments: as of `take`."""
    try:
        take(learned, root, config)
    except FormatError as e:
        learned.store.refused.append("%s: %s" % (e.message, e.hint))
    else:
        learned.changed("prior", n=sum(learned.detector.prototypes.counts))


def normal(learned, root, config):
    """Take only the prior's ranges, and return its normal prototypes.

    Arguments: as of `take`. Returns [(label, packed sums)], weighted. Raises FormatError.
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
    """Return the packed sums of a prototype whose count is scaled by weight / total.

    packed: bytes of Prototypes.pack, with n dimensions. The count becomes at least 1. All numbers
    are rounded to nearest. A sum of squares is kept so large that no variance becomes negative.
    """
    count = struct.unpack_from("<I", packed, 0)[0]
    halves = struct.unpack_from("<%di" % (2 * n), packed, 4 + 4 * n)
    squares = [(halves[2 * i] << 24) + halves[2 * i + 1] for i in range(n)]
    small = max(1, _nearest(count * weight, total))
    return raw(small, *fewer(count, struct.unpack_from("<%di" % n, packed, 4), squares, small))


def fewer(count, sums, squares, small):
    """Return (sums, sums of squares) of a prototype, scaled by small / count.

    count, small: the count before and after. The numbers are rounded to nearest.
    """
    sums = [_nearest(s * small, count) for s in sums]
    squares = [max(_nearest(q * small, count), -(-s * s // small)) for s, q in zip(sums, squares)]
    return sums, squares


def raw(count, sums, squares):
    """Return sums packed as by Prototypes.pack. count: at most 2^24 - 1, as there."""
    out = struct.pack("<I%di" % len(sums), count, *sums)
    for square in squares:
        out += struct.pack("<ii", square >> 24, square & 0xFFFFFF)
    return out


def _nearest(a, b):
    return (2 * a + b) // (2 * b)
