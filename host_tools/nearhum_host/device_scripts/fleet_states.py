"""Read the learned states of many boards with the firmware. Runs under MicroPython.

Enters: state images, and a pipeline with the settings that they were learned with; its `unpack`
reads them. Leaves: the boards as exact integers that can be added, and the distance of each board
from the others. fleet_merge.py imports it.

Boards are sorted by the bytes of their states, so that the result does not depend on the order of
the files.
"""

import struct
from array import array

from nearhum.detection.prototypes import Prototypes
from nearhum.errors import FormatError
from nearhum.files import read_file
from nearhum.recognition.labels import MAX_LABELS
from nearhum.storage.prior import raw
from nearhum.wire import WATCH

SHARE = 20  # A mode with less than 1 / SHARE of a board's windows does not describe the board.
LEAST = 64  # Q8 octaves: the least median deviation, so that equal boards do not seem different.
N_COMPARED = 64  # In a large fleet, a board is compared with so many others, to bound the time.
TRIMMED = 4  # One board in TRIMMED is left out: the ones that are furthest from the others.


def _take(part, d):
    p = d.prototypes
    part.modes = [[p.labels[j]] + unpacked(p.pack(j), p.n_dims) for j in range(p.n)]
    part.variance = list(p.variance)
    part.scores = d.calibration()
    part.threshold = d.threshold
    part.whitening = bytes(d.covariance._image) if d.covariance else b""


class Part:
    """What one view of a board has learned."""

    def __init__(self, detector):
        _take(self, detector)


class Board:
    """What one board has learned.

    rows: [[label or None, count, sums, sums of squares]], normal and then labels.
    """

    def __init__(self, hum, name, body):
        hum.learned.unpack(body)
        d, self.name, self.body = hum.detector, name, body
        if d.state != WATCH:
            raise FormatError(
                name + " is of a board that had not finished learning",
                "`nearhum learn stop`, then back up",
            )
        n = d.prototypes.n_dims
        _take(self, d)
        self.views = [Part(view.detector) for view in d.views]
        ranges = hum.learned.ranges
        self.ranges = list(zip(ranges.centre_q4, ranges.step_q4)) if ranges else []
        self.labels, self.examples, self.background = _labels(hum.recogniser, n)


def _labels(r, n):
    # ([[name, count, sums, squares]], [(name, example)], [background])
    if not hasattr(r, "prototypes"):  # For words an example is an utterance and has no sums.
        t = r.templates
        named = [(r.labels[j], t.all[i]) for i, j in enumerate(t.owner) if j < len(r.labels)]
        return [], named, [t.all[i] for i, j in enumerate(t.owner) if j >= len(r.labels)]
    p = r.prototypes
    named = [
        (r.labels[r._owner[i] - 1], bytes(r._row[i]))
        for i in range(MAX_LABELS, MAX_LABELS + r.n_examples)
    ]
    return [[p.labels[j]] + unpacked(p.pack(j), n) for j in range(p.n)], named, []


def unpacked(packed, n):
    """Return [count, sums, sums of squares] of packed prototypes, as exact integers."""
    halves = struct.unpack_from("<%di" % (2 * n), packed, 4 + 4 * n)
    squares = [(halves[2 * i] << 24) + halves[2 * i + 1] for i in range(n)]
    return [
        struct.unpack_from("<I", packed, 0)[0],
        list(struct.unpack_from("<%di" % n, packed, 4)),
        squares,
    ]


def read(hum, files):
    """Return the boards of these images, [(name, path)], in the order of their bytes.

    Raises FormatError.

    Images that say the same were made by one board: it counts once.
    """
    boards = []
    for name, path in files:
        boards.append(Board(hum, name, bytes(hum.store.opened(read_file(path), name)[1])))
    boards = ordered(boards, lambda board: board.body)
    for i in range(1, len(boards)):
        if boards[i].body == boards[i - 1].body:
            names = sorted((boards[i - 1].name, boards[i].name))
            raise FormatError(
                "%s and %s hold the same state" % tuple(names), "give each board once"
            )
    return boards


def ordered(values, key=lambda v: v):
    """Return the values in order: MicroPython's own sort takes quadratic time for what is in
    order already.
    """
    if len(values) < 9:
        return sorted(values, key=key)
    half = len(values) // 2
    a, b, out = ordered(values[:half], key), ordered(values[half:], key), []
    i = j = 0
    while i < len(a) and j < len(b):
        if key(b[j]) < key(a[i]):
            out.append(b[j])
            j += 1
        else:
            out.append(a[i])
            i += 1
    return out + a[i:] + b[j:]


def median(values):
    """Return the lower median, which is one of the values."""
    return ordered(values)[(len(values) - 1) // 2]


def spread_of(boards):
    """Return the median board's variance of each dimension, Q12."""
    return array(
        "i", [median([b.variance[i] for b in boards]) for i in range(len(boards[0].variance))]
    )


def ruler(n_rows, variance, floor, log2):
    """Return empty Prototypes that measure by this spread alone: their rows are points, see
    `place`.
    """
    p = Prototypes(n_rows, len(variance), floor, log2)
    p.extra = variance
    return p


def place(p, j, mean):
    """Set prototype j, an existing or the next one, to an int8 mean."""
    if j == p.n:
        p.add(None)
    p.put(j, raw(1, mean, [m * m for m in mean]))


def mean(count, sums):
    """Return the means, rounded to nearest."""
    return [(2 * s + count) // (2 * count) for s in sums]


def as_i8(values):
    return bytes([v & 255 for v in values])


def apart(boards, floor, log2):
    """Return how far each board stands from the others, in median deviations, Q8: the largest of

    how far its modes, and each label, are from the nearest ones of the median board, beyond what
    boards usually are; how much its spread, in the median dimension, differs from the median
    board's; how much its threshold does. Each is measured in octaves, and by how boards differ in
    it: by its median absolute deviation, LEAST at least.
    """
    others = (
        boards
        if len(boards) <= N_COMPARED
        else [boards[i * len(boards) // N_COMPARED] for i in range(N_COMPARED)]
    )
    variance = spread_of(boards)
    kinds = [None]
    for b in boards:
        kinds += [row[0] for row in b.labels if row[0] not in kinds]
    measures = [
        _distances(boards, others, kind, ruler(len(others) * 16, variance, floor, log2))
        for kind in kinds
    ]
    floor_q12 = floor * floor << 12
    steps = [log2(max(w, floor_q12)) for w in variance]
    measures.append(
        [median([log2(max(v, floor_q12)) - at for v, at in zip(b.variance, steps)]) for b in boards]
    )
    measures.append([b.threshold for b in boards])
    out = [0] * len(boards)
    for k, values in enumerate(measures):
        known = [v for v in values if v is not None]
        if not known:
            continue
        centre = median(known)
        deviation = max(LEAST, median([abs(v - centre) for v in known]))
        for i, v in enumerate(values):
            if v is not None:
                d = v - centre if k < len(kinds) else abs(v - centre)
                out[i] = max(out[i], (d << 8) // deviation)
    return out


def _distances(boards, others, kind, p):
    # the distance of each board's strangest row of a kind (normal: None, or a label) to the median
    # board's nearest one; None where it has none, or where there are too few to say
    owners, at = [], []
    for b in others:
        rows = rows_of(b, kind)
        if rows:
            owners.append(b)
            at.append(p.n)
            for row in rows:
                place(p, p.n, mean(row[1], row[2]))
    at.append(p.n)
    out = []
    for b in boards:
        farthest = None
        for row in rows_of(b, kind) if len(owners) > 2 else ():
            p.score_one(as_i8(mean(row[1], row[2])))
            scores = list(p.scores[: p.n])
            nearest = median(
                [min(scores[at[k] : at[k + 1]]) for k in range(len(owners)) if owners[k] is not b]
            )
            farthest = nearest if farthest is None else max(farthest, nearest)
        out.append(farthest)
    return out


def rows_of(board, kind):
    """Return a board's modes of at least 1 / SHARE (kind None), or its row of a label."""
    if kind is not None:
        return [row for row in board.labels if row[0] == kind]
    total = sum([row[1] for row in board.modes])
    return [row for row in board.modes if row[1] * SHARE >= total]
