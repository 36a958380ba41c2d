"""Merge the learned states of many boards into one, with the firmware's own prototypes.

Runs under MicroPython. Arguments: the folder with the package nearhum, and the folder that serves
as a board's file system (ends in "/").

Enters, from that folder: nearhum.json, and fleet.json {"files": [[name, path]], "trim": bool}.
Leaves, in that folder: prior.nhs. The last line of the output is one JSON object: what was done, or
{"error", "hint"} if a file is wrong.

1. Read all states. With "trim", leave out the quarter of the boards that is furthest from the
   median board.
2. Bring slow channels into the range of the median board (fleet_ranges).
3. Take the modes, the largest first. A mode joins one within modes.JOIN_Q8, or one of its name. It
   never joins one of another name. If there is no room, it joins the nearest. Modes with less than
   one SHARE-th of the windows are dropped (Modes.finish). Distances use the spread of the median
   board.
4. Add counts, sums and sums of squares as exact integers. The fields hold 2^24 - 1 windows
   (prototypes.py). Beyond that, all modes are scaled by one factor, which keeps means and spreads.
5. Add the scores of the calibration (calibration.py). They set the threshold.
6. Add the sums of labels by name. Of their examples, keep as many as there is room for, taken from
   the boards in turn.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
root = sys.argv[2]

import fleet_ranges  # noqa: E402
from fleet_states import TRIMMED, apart, as_i8, mean, ordered, place, read, ruler, spread_of  # noqa: E402
from nearhum.detection.calibration import MOST  # noqa: E402
from nearhum.detection.modes import JOIN_Q8  # noqa: E402
from nearhum.detection.period import Period  # noqa: E402
from nearhum.detection.prototypes import MAX_COUNT  # noqa: E402
from nearhum.errors import FormatError, NearhumError  # noqa: E402
from nearhum.files import parsed, read_file, write_file  # noqa: E402
from nearhum.pipeline import Pipeline  # noqa: E402
from nearhum.recognition.labels import MAX_LABELS  # noqa: E402
from nearhum.storage.prior import fewer, raw  # noqa: E402
from nearhum.wire import STATE_MAGIC, WATCH, seal  # noqa: E402

MAX_SCORES = 1 << 29  # Of a calibration. Its fields are u32.
MAX_BIN = 65535  # Of a bin of its histogram, u16.


class Mode:
    """One merged mode: exact sums, and the rows of the boards that were added to it."""

    def __init__(self, label, n):
        self.label, self.count, self.members = label, 0, []
        self.sums, self.squares = [0] * n, [0] * n

    def add(self, row):
        self.label = self.label or row[0]
        self.count += row[1]
        for i in range(len(self.sums)):
            self.sums[i] += row[2][i]
            self.squares[i] += row[3][i]
        self.members.append(row)


def merge_modes(boards, p):
    """Return the modes of all boards, in the order of their size.

    p: a ruler with room for as many as a board has.
    """
    rows = [row + [i] for i, b in enumerate(boards) for row in b.modes if row[1]]
    rows = ordered(rows, lambda row: (-row[1], row[0] or "", row[2], row[3]))
    modes = []
    for row in rows:
        j = _place_of(row, modes, p)
        if j == len(modes):
            modes.append(Mode(row[0], p.n_dims))
        modes[j].add(row)
        place(p, j, mean(modes[j].count, modes[j].sums))
    return modes


def _place_of(row, modes, p):
    # Index of the mode that a row joins, or of a new one.
    named = [j for j in range(len(modes)) if row[0] and modes[j].label == row[0]]
    if named:
        return named[0]
    may = [j for j in range(len(modes)) if not (row[0] and modes[j].label)]
    if may:
        p.score_one(as_i8(mean(row[1], row[2])))
        score, j = min([(p.scores[j], j) for j in may])
        if score < JOIN_Q8 or len(modes) == p.capacity:
            return j
    if len(modes) == p.capacity:
        raise FormatError(
            "the boards have more named modes than the %d of n_modes" % p.capacity,
            "raise it; or rename",
        )
    return len(modes)


def put_modes(modes, detector):
    """Put modes in the place of what is normal, scaled to the fields where they are too large.

    Returns the factor.
    """
    p, most = detector.prototypes, max([mode.count for mode in modes])
    p.clear()
    for mode in modes:
        count, sums, squares = mode.count, mode.sums, mode.squares
        if most > MAX_COUNT:
            count = max(1, (2 * count * MAX_COUNT + most) // (2 * most))
            sums, squares = fewer(mode.count, sums, squares, count)
        p.put(p.add(mode.label), raw(count, sums, squares))
    return min(1, MAX_COUNT / most)


def put_scores(parts, c):
    """Put the scores of all boards in the place of a calibration's.

    Blocks that were not full are left out.
    """
    c.clear()
    all_scores = [part.scores for part in parts]
    c.n = sum([some.n for some in all_scores])
    c.n_blocks = sum([some.n_blocks for some in all_scores])
    c.crossings = sum([some.crossings for some in all_scores])
    while c.n >= MAX_SCORES:
        c.n, c.n_blocks, c.crossings = c.n >> 1, c.n_blocks >> 1, c.crossings >> 1
    bins = [sum([some.bins[i] for some in all_scores]) for i in range(len(c.bins))]
    while max(bins) > MAX_BIN:
        bins = [v >> 1 for v in bins]
    for i in range(len(bins)):
        c.bins[i] = bins[i]
    c.highest = max([some.highest for some in all_scores])
    kept = [list(some._top[: min(some.n_blocks, MOST)]) for some in all_scores]
    top = ordered([v for some in kept for v in some])[-MOST:]
    c.n_blocks = max(c.n_blocks, len(top))
    for i in range(len(top)):
        c._top[i] = top[i]


def blend(d, parts, config, log2):
    """Put what all boards learned in one view in the place of what a detector has.

    Returns (modes, those that are kept, the factor of their counts).
    """
    floor = config["spread_floor"]
    modes = merge_modes(parts, ruler(d.prototypes.capacity, spread_of(parts), floor, log2))
    factor = put_modes(modes, d)
    d.period = Period(d)
    dropped = d.period.modes.to_drop()
    kept = [mode for j, mode in enumerate(modes) if j not in dropped]
    d.learn_total = min(sum([mode.count for mode in modes]), 16000000)
    put_scores(parts, d.period.calibration)
    if d.covariance and all([part.covariance for part in parts]):
        from fleet_covariance import whitening

        rows = [(mode.members, mode.count, mode.sums) for mode in kept]
        d.covariance._take(whitening(parts, rows, floor))
    return modes, kept, factor


def put_labels(boards, r):
    """Enrol the labels of all boards by name. Return the number of examples that did not fit."""
    r.clear()
    names = sorted(set([name for b in boards for name, _ in b.examples]))
    if len(names) > MAX_LABELS:
        raise FormatError(
            "the boards have %d labels, a board holds %d" % (len(names), MAX_LABELS),
            "leave some boards out",
        )
    queues = {}
    for name in names:
        by_board = [[x for label, x in b.examples if label == name] for b in boards]
        # The first example of each board, then the second of each, so that no board fills the room
        # alone.
        queues[name] = [
            some[i] for i in range(r.max_examples) for some in by_board if i < len(some)
        ]
    room, kept, turn = r.max_examples, {name: [] for name in names}, 0
    while room and any([turn < len(queues[name]) for name in names]):
        for name in names:
            if room and turn < len(queues[name]):
                kept[name].append(queues[name][turn])
                room -= 1
        turn += 1
    for name in names:
        for example in kept[name]:
            r.enrol(name, example)
    if hasattr(r, "prototypes"):
        for j in range(len(names)):
            mode = Mode(names[j], r.n_dims)
            for b in boards:
                for row in b.labels:
                    if row[0] == names[j]:
                        mode.add(row)
            r.prototypes.put(j, raw(mode.count, mode.sums, mode.squares))
        r.refresh()
    else:
        from nearhum.recognition.templates import N_BACKGROUND

        most = max([len(b.background) for b in boards])
        turns = [b.background[i] for i in range(most) for b in boards if i < len(b.background)]
        for example in turns[:N_BACKGROUND]:
            r.templates.take_background(example)
    return sum([len(queues[name]) - len(kept[name]) for name in names])


def main():
    hum = Pipeline(root)
    fleet = parsed(read_file(root + "fleet.json"))
    d, p, config = hum.detector, hum.detector.prototypes, hum.config
    floor, log2 = config["spread_floor"], p._log2
    boards = read(hum, fleet["files"])
    from fleet_covariance import recovered

    for b in boards:
        for part in [b] + b.views:
            part.covariance = recovered(part.whitening, len(part.variance)) if d.covariance else []
    if hum.learned.ranges:
        dims = [c * hum.plan.n_per_channel for c in range(config["n_channels"])]
        names = [hum.plan.name(i) for i in range(hum.plan.n_features)]
        common = fleet_ranges.align(boards, dims, bool(hum.head.fingerprint), names)
    far = apart(boards, floor, log2) if fleet["trim"] else []
    order = ordered(list(range(len(far))), lambda i: (far[i], boards[i].body))
    out = [boards[i] for i in order[len(order) - len(order) // TRIMMED :]] if far else []
    left_out = [{"file": b.name, "apart": round(far[boards.index(b)] / 256, 2)} for b in out]
    boards = [b for b in boards if b not in out]

    d.forget()
    modes, kept, factor = blend(d, boards, config, log2)
    n_windows = sum([mode.count for mode in modes])
    for k, view in enumerate(d.views):
        blend(view.detector, [b.views[k] for b in boards], config, log2)
    if hum.learned.ranges:
        for c in range(len(common)):
            hum.learned.ranges.assign(c, *common[c])
    d.finish()
    n_left = put_labels(boards, hum.recogniser)
    hum.guard.unpack(b"")
    hum.learned._pending, hum.learned._quarantine = b"", None
    body = hum.learned.pack()
    hum.learned.unpack(body)  # As a board loads it.
    if d.state != WATCH or hum.learned.pack() != body:
        raise FormatError(
            "the merged state does not read back", "this is a defect: report it with the files"
        )
    write_file(root + "prior.nhs", seal(STATE_MAGIC, hum.store.fingerprint, 1, body))
    shown = [
        {
            "label": mode.label,
            "windows": mode.count,
            "boards": len(set([row[4] for row in mode.members])),
        }
        for mode in kept
    ]
    told = {
        "boards": len(boards), "windows": n_windows, "modes": shown,
        "dropped": n_windows - sum([mode.count for mode in kept]),
        "scaled": factor, "threshold": d.threshold, "examples_left": n_left, "left_out": left_out,
        "labels": dict(zip(hum.recogniser.labels, hum.recogniser.counts)),
    }  # fmt: skip
    print(json.dumps(told))


try:
    main()
except NearhumError as e:
    print(json.dumps({"error": e.message, "hint": e.hint}))
