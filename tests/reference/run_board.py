"""Run a board's pipeline under MicroPython, call by call.

Arguments: the folder of the package nearhum, and a scratch folder (ends in "/"). Enters: a JSON
line for each call. Leaves: a JSON line for each answer, until the input ends. The calls are:

    ["new", settings]                  Make a board with an empty file system.
    ["boot"]                           Switch it off and on: what was not saved is lost.
    ["say", line]                      Send a console line. Returns its answer.
    ["windows", [[x, ...], ...]]       Take windows with these embeddings. Returns their labels.
    ["lure", [direction, ...], n, far] n times, take a near miss of the first label in that
                                       direction and then a hit. far: the farthest near miss,
                                       otherwise the nearest.
    ["creep", centre, direction, n]    Take n windows, each the farthest from centre that raises no
                                       alarm. Returns the distance of the next one.
    ["reach", centre, direction]       Return the distance up to which windows have the first label.
    ["join", [[x, ...], ...], order]   Join prototypes of some rows each, in an order. Returns the
                                       packed prototypes.
    ["scaled", packed, n, weight, total]   Return prior.scaled of a packed prototype.

Distances are in 1/32 of the direction. All answers but those of the last two calls also contain the
facts of the board.
"""

import json
import sys
from array import array
from binascii import hexlify, unhexlify

firmware, scratch = sys.argv[1:3]
sys.path[:0] = [firmware, firmware + "/../tests/device"]

from fakes import pipeline  # noqa: E402
from harness import as_bytes, i8, remove_tree  # noqa: E402
from nearhum.detection.prototypes import Prototypes  # noqa: E402
from nearhum.features.transform_fixed import Log2  # noqa: E402
from nearhum.storage.prior import scaled  # noqa: E402
from nearhum.storage.snapshots import Snapshots  # noqa: E402

# Any samples that vary, so that the sensor does not count as stuck.
SAMPLES = array("h", [(i * 37) % 101 - 50 for i in range(1024)])


class Board:
    """The board that the last `new` made."""

    def __init__(self):
        self.hum, self.settings, self.n = None, {}, 0

    def new(self, settings):
        import os

        if self.n:
            remove_tree(scratch + str(self.n))
        self.n += 1
        os.mkdir(scratch + str(self.n))
        self.settings = settings
        self.boot()

    def boot(self):
        given = dict(self.settings)
        self.hum = pipeline(given.pop("kind"), root=scratch + str(self.n) + "/", **given)

    def window(self, x):
        hum = self.hum
        hum.head.embed_into = lambda vector: x
        hum.window.restart()
        hum.window.push(SAMPLES, 0, hum.window.n_window)
        hum.take_window()
        hum.keep_window()
        return hum.label_id

    def lure(self, direction, n, far):
        r = self.hum.recogniser
        first = r.ids[0]
        centre = []

        def unknown(size):
            return r.predict_one(along(centre, direction, size)) != first

        def too_far(size):
            r.predict_one(along(centre, direction, size))
            return r.nearest_id() != first or r.distance >> 1 > r.limit

        for _ in range(n):
            centre[:] = i8(r.prototypes.mean_of(0))
            size = bisected(too_far) - 1 if far else bisected(unknown)
            if unknown(size) and not too_far(size):
                self.window(along(centre, direction, size))
                self.window(as_bytes(centre))

    def creep(self, centre, direction, n):
        d = self.hum.detector

        def strange(size):
            return d.score_one(along(centre, direction, size)) > d.threshold

        for _ in range(n):
            self.window(along(centre, direction, bisected(strange) - 1))
        return bisected(strange) - 1

    def reach(self, centre, direction):
        r = self.hum.recogniser
        return bisected(lambda size: not r.predict_one(along(centre, direction, size))) - 1

    def facts(self):
        hum = self.hum
        p, q = hum.detector.prototypes, hum.recogniser.prototypes
        return {
            "state": hum.detector.state,
            "left": hum.detector.learn_left,
            "threshold": hum.detector.threshold,
            "normal": p.counts,
            "modes": [text(p.pack(j)) for j in range(p.n)],
            "labels": [[q.labels[j], q.counts[j], text(q.pack(j))] for j in range(q.n)],
            "variance": list(q.variance),
            "limit": hum.recogniser.limit,
            "enrolling": [hum.learned.enrol_label, hum.learned.enrol_left],
            "vetoed": hum.guard.vetoed,
            "snapshots": [[s["number"], s["cause"]] for s in Snapshots(hum.store).all()],
            "bytes": text(hum.learned.pack()),
        }


def along(centre, direction, size):
    # Return the vector at size/32 of the direction from the centre.
    return as_bytes(
        [max(-128, min(127, centre[i] + direction[i] * size // 32)) for i in range(len(centre))]
    )


def bisected(beyond):
    # Return the smallest size for which beyond is true, 256 if there is none. beyond must be
    # monotonic.
    low, high = 0, 256
    while high - low > 1:
        middle = (low + high) // 2
        if beyond(middle):
            high = middle
        else:
            low = middle
    return high


def text(raw):
    return hexlify(raw).decode()


def join(rows, order):
    p = Prototypes(len(rows), len(rows[0][0]), 2, Log2())
    for part in rows:
        j = p.add(None)
        for x in part:
            p.learn_one(j, as_bytes(x))
        p.derive(j)
    for j, k in order:
        p.join(min(j, k), max(j, k))
    return [text(p.pack(j)) for j in range(p.n)]


board = Board()
while True:
    line = sys.stdin.readline()
    if not line:
        break
    call, *given = json.loads(line)
    answer = None
    if call == "join":
        print(json.dumps(join(*given)))
        continue
    if call == "scaled":
        print(json.dumps(text(scaled(unhexlify(given[0]), *given[1:]))))
        continue
    if call == "new":
        board.new(given[0])
    elif call == "boot":
        board.boot()
    elif call == "say":
        answer = board.hum.console.execute(given[0])
    elif call == "windows":
        answer = [board.window(as_bytes(x)) for x in given[0]]
    elif call == "lure":
        board.lure(*given)
    elif call == "creep":
        answer = board.creep(*given)
    elif call == "reach":
        answer = board.reach(*given)
    print(json.dumps([answer, board.facts()]))
