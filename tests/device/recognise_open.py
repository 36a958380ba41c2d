"""Test the recogniser: enrol, open set, forget, full stores, and ids that are never used twice."""

from math import exp

from harness import Lcg, as_bytes, between, clear_error, done, equal, i8, raises, test
from nearhum.detection.prototypes import Prototypes
from nearhum.errors import CommandError
from nearhum.features.transform_fixed import Log2
from nearhum.recognition.windows import MAX_EXAMPLES, MAX_LABELS, Recogniser

LOG2 = Log2()
LABELS = ("left", "right", "up")  # in this order: dicts have none here
CENTRES = {"left": [40, 0, 0, -40], "right": [-40, 0, 0, 40], "up": [0, 40, -40, 0]}


def made(n=4, floor=2, reject=512):
    return Recogniser(Prototypes(MAX_LABELS, n, floor, LOG2), floor, reject, LOG2)


def near(centre, random, spread=4):
    return as_bytes([c + random.within(spread) for c in centre])


def enrolled(shots=5):
    random, r = Lcg(1), made()
    for _ in range(shots):
        for label in LABELS:
            r.enrol(label, near(CENTRES[label], random))
    return r, random


def named(r, x):
    found = r.predict_one(x)
    return r.prototypes.labels[r.ids.index(found)] if found else None


@test
def nothing_enrolled_is_unknown():
    equal(made().predict_one(bytearray(4)), 0)


@test
def five_shots_recognise_their_own():
    r, random = enrolled()
    for label in LABELS:
        for _ in range(20):
            equal(named(r, near(CENTRES[label], random)), label)


@test
def what_was_never_shown_is_unknown():
    for shots in (2, 5):
        r, random = enrolled(shots)
        for centre in (
            [0, 0, 0, 0],
            [0, -60, 60, 0],
            [127, 127, 127, 127],
            [-128, -128, -128, -128],
        ):
            equal(named(r, near(centre, random)), None, centre)


@test
def the_nearest_is_none_where_there_is_none_or_it_was_forgotten_since():
    equal(made().nearest_id(), 0)
    r, _ = enrolled()
    r.predict_one(as_bytes(CENTRES["left"]))
    equal(r.prototypes.labels[r.ids.index(r.nearest_id())], "left")
    r.forget("left")
    equal(r.nearest_id(), 0)


@test
def identical_examples_do_not_open_the_set():
    # windows of a standstill are equal to the bit
    r = made()
    for _ in range(3):
        r.enrol("off", as_bytes([-128, -128, 0, 5]))
    equal(named(r, as_bytes([-128, -128, 0, 5])), "off")
    equal(named(r, as_bytes([127, 127, 127, 127])), None)


@test
def one_label_with_one_example_does_not_name_everything():
    r = made()
    r.enrol("only", as_bytes([40, 0, 0, -40]))
    equal(named(r, as_bytes([41, 0, -1, -40])), "only")
    equal(named(r, as_bytes([-128, 127, -128, 127])), None)


@test
def the_share_of_normal_windows_is_that_of_a_sum_of_squares():
    # two dimensions spread by s around the example: w (x - e)^2 has mean w s^2, variance 2 w^2 s^4
    # there, and 4 w^2 d^2 s^2 more where the mode's mean lies d off
    for d in (0, 9):
        r = made(2)
        for x in ([0, 0], [1, 0], [0, 1], [-1, -1]):
            r.enrol("a", as_bytes(x))
        random, normal = Lcg(3), Prototypes(1, 2, 2, LOG2)
        normal.add(None)
        for _ in range(300):
            normal.learn_one(0, as_bytes([d + random.within(6), random.within(6)]))
        normal.derive(0)
        best = 0
        for x in ([0, 0], [1, 0], [0, 1], [-1, -1]):
            mean = square = 0
            for i in range(2):
                v = normal.variance[i] / 4096
                off = i8(normal.mean_of(0))[i] - x[i]
                w = r._weights[i]
                mean += w * (v + off * off)
                square += w * w * (2 * v * v + 4 * off * off * v)
            best = max(best, 1 / (1 + exp(1.702 * (mean - r.limit) / (square**0.5 + 1))))
        between(best, 0.02, 0.98, d)
        between(r.about("a", normal)["accepts"] - 100 * best, -0.06, 0.06, d)


@test
def reject_widens_by_its_fraction_too():
    limits = []
    for reject in (0, 64, 128, 255, 256, 384):  # Q8 octaves: between two of them, in proportion
        random, r = Lcg(1), made(reject=reject)
        for _ in range(5):
            for label in LABELS:
                r.enrol(label, near(CENTRES[label], random))
        limits.append(r.limit)
    for limit, wanted in zip(limits, (256, 320, 384, 511, 512, 768)):
        between(256 * limit - wanted * limits[0], -65536, 0, (limit, wanted))


@test
def a_mean_may_be_nearer_than_any_example():
    for order in (0, 1):  # whichever label came first
        r = made(2)
        shown = [("wide", ([-40, 0], [40, 0])), ("narrow", ([0, 30], [0, 32]))]
        for label, examples in shown[order:] + shown[:order]:
            for x in examples:
                r.enrol(label, as_bytes(x))
        for x, name in (([0, 10], "wide"), ([0, 20], "narrow"), ([-38, 1], "wide")):
            equal(named(r, as_bytes(x)), name, (order, x))


@test
def labels_of_one_example_reach_to_twice_their_distance():
    r = made(reject=0)
    r.enrol("a", as_bytes([0, 0, 0, 0]))
    r.enrol("b", as_bytes([30, 0, 0, 0]))
    # weights are equal: the limit is 2 * 30^2 of them, and that itself is within
    for x, name in (([0, 30, 30, 0], "a"), ([0, 30, 31, 0], None), ([30, -30, 0, 30], "b")):
        equal(named(r, as_bytes(x)), name, x)
    # with a second example the label says itself how far it reaches
    r.enrol("a", as_bytes([0, 2, 0, 0]))
    equal(named(r, as_bytes([0, 30, 30, 0])), None)


@test
def an_enrolment_says_what_it_expects():
    r, random = enrolled()
    normal = Prototypes(4, 4, 2, LOG2)
    equal(r.about("left", normal), {"close": None, "accepts": None})
    # two modes: one far from every label, one at a distance from `left` at which some of it is in
    # reach
    seen = []
    for j, centre in enumerate(([90, 90, 90, 90], [49, 7, -9, -32])):
        normal.add(None)
        for _ in range(200):
            x = near(centre, random, 7)
            normal.learn_one(j, x)
            seen.append(named(r, x) == "left")
        normal.derive(j)
    share = 100 * sum(seen) // len(seen)
    between(share, 5, 45)
    between(r.about("left", normal)["accepts"], share - 6, share + 6)
    equal(r.about("right", normal)["accepts"], 0.0)
    # a label that is another one's neighbour
    r.enrol("port", as_bytes(CENTRES["left"]))
    equal((r.about("port", normal)["close"], r.about("up", normal)["close"]), ("left", None))


@test
def enrolling_counts_examples():
    r = made()
    equal(r.enrol("a", bytearray(4)), (1, 1))
    equal(r.enrol("b", as_bytes([90] * 4)), (2, 1))
    equal(r.enrol("a", as_bytes([1] * 4)), (1, 2))
    equal((r.n_examples, r.prototypes.labels, r.prototypes.counts), (3, ["a", "b"], [2, 1]))


@test
def forgetting_one_keeps_the_others():
    r, random = enrolled()
    r.forget("left")
    equal((r.prototypes.labels, r.n_examples, len(r.ids)), (["right", "up"], 10, 2))
    for label in ("right", "up"):
        equal(named(r, near(CENTRES[label], random)), label)
    equal(named(r, near(CENTRES["left"], random)), None)
    only = made()
    source = Lcg(1)
    for _ in range(5):
        for label in LABELS:
            x = near(CENTRES[label], source)
            if label != "left":
                only.enrol(label, x)
    equal(
        (r.limit, r.prototypes.pack(0), r.prototypes.pack(1)),
        (only.limit, only.prototypes.pack(0), only.prototypes.pack(1)),
    )


@test
def forgetting_any_of_them_keeps_the_others_examples():
    for gone in LABELS:
        r, random = enrolled()
        r.forget(gone)
        for label in LABELS:
            found = named(r, near(CENTRES[label], random))
            equal(found, None if label == gone else label, (gone, label))
        owners = [o - 1 for o in r._owner[MAX_LABELS : MAX_LABELS + r.n_examples]]
        kept = [label for _ in range(5) for label in LABELS if label != gone]
        equal([r.prototypes.labels[o] for o in owners], kept, gone)


@test
def forgetting_what_is_not_there_changes_nothing():
    r, _ = enrolled()
    image = r.pack()
    clear_error(raises(CommandError, r.forget, "down"), "down")
    equal(r.pack(), image)


@test
def forgetting_all_of_them():
    r, _ = enrolled()
    for label in LABELS:
        r.forget(label)
    equal((r.n_examples, len(r.ids), r.predict_one(bytearray(4))), (0, 0, 0))


@test
def names_that_may_not_be():
    r = made()
    for label in ("", "x" * 33, "ä" * 17):
        clear_error(raises(CommandError, r.enrol, label, bytearray(4)), "bytes")
    equal(len(r.ids), 0)
    r.enrol("ä" * 16, bytearray(4))


@test
def full_of_examples():
    random, r = Lcg(2), made()
    for i in range(MAX_EXAMPLES):
        r.enrol("abcd"[i % 4], near([(i % 4) * 20] * 4, random))
    image = r.pack()
    clear_error(raises(CommandError, r.enrol, "a", bytearray(4)), str(MAX_EXAMPLES))
    equal(r.pack(), image)
    r.forget("a")
    r.enrol("a", bytearray(4))


@test
def full_of_labels():
    r = made()
    for i in range(MAX_LABELS):
        r.enrol("label%d" % i, as_bytes([i * 7 - 50] * 4))
    image = r.pack()
    clear_error(raises(CommandError, r.enrol, "one more", bytearray(4)), str(MAX_LABELS))
    equal(r.pack(), image)
    for i in range(MAX_LABELS):
        equal(named(r, as_bytes([i * 7 - 50] * 4)), "label%d" % i)


@test
def no_two_labels_share_an_id():
    r = made()
    r.enrol("stays", bytearray(4))
    for i in range(300):
        label = "label%d" % i
        r.enrol(label, as_bytes([100] * 4))
        equal(len(set(r.ids)), 2, i)
        equal(0 in r.ids, False)
        r.forget(label)


@test
def bytes_and_back():
    r, random = enrolled()
    image = r.pack()
    again = made()
    equal(again.unpack(memoryview(image)), len(image))
    equal(again.pack(), image)
    equal((again.limit, again.ids), (r.limit, r.ids))
    for _ in range(100):
        x = as_bytes([random.within(60) for _ in range(4)])
        equal(again.predict_one(x), r.predict_one(x))
    # What was enrolled before is gone.
    other, _ = enrolled(2)
    other.enrol("down", as_bytes([0, -40, 40, 0]))
    other.unpack(memoryview(image))
    equal((other.pack(), other.ids), (image, r.ids))


done()
