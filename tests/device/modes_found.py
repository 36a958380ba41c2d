"""Test modes: found while learning, joined where they meet, outliers dropped, named by the user."""

import struct

from fakes import pipeline, take
from harness import Lcg, as_bytes, between, done, equal, test
from nearhum.detection.detect import Detector
from nearhum.detection.modes import Modes
from nearhum.detection.prototypes import MAX_COUNT, Prototypes
from nearhum.features.transform_fixed import Log2
from nearhum.wire import LEARN, WATCH

LOG2 = Log2()
OFF, IDLE, LOAD, FAULT = (-60, -50, -70, -40), (0, 10, -20, 0), (60, 50, 40, 70), (-60, 90, 0, -90)


def made(capacity=8):
    return Detector(Prototypes(capacity, 4, 2, LOG2), 86400)


def near(random, centre, spread=6):
    return as_bytes([c + random.within(spread) for c in centre])


def learned(centres, n, dirt=(), seed=1, d=None, mode=None):
    """A detector that learned n windows, n / len(centres) around each; those numbered in dirt
    are wild.
    """
    random, d = Lcg(seed), d or made()
    d.start(n, mode)
    for i in range(n):
        row = near(random, centres[i * len(centres) // n])
        if i in dirt:
            row = as_bytes([random.within(127) for _ in range(4)])
        over = d.period.learn_one(row, d.score_one(row))
    equal(over, True)
    d.finish()
    return d


def centres_of(d):
    p = d.prototypes
    return sorted([tuple([(v ^ 128) - 128 for v in bytes(p.mean_of(j))]) for j in range(p.n)])


@test
def one_machine_one_mode():
    equal(learned([IDLE], 200).prototypes.counts, [200])


@test
def modes_one_after_the_other():
    d = learned([OFF, IDLE, LOAD], 300)
    equal(sorted(d.prototypes.counts), [100, 100, 100])
    for found, wanted in zip(centres_of(d), sorted([OFF, IDLE, LOAD])):
        for f, w in zip(found, wanted):
            between(f, w - 2, w + 2, "centre")
    random = Lcg(8)
    for centre in (OFF, IDLE, LOAD):
        for _ in range(20):
            between(d.score_one(near(random, centre)), -8000, d.threshold, "normal in its mode")
    between(
        d.score_one(near(random, FAULT)), d.threshold + 256, 8000, "between the modes is no mode"
    )


@test
def modes_by_turns():
    random, d = Lcg(2), made()
    d.start(300)
    for i in range(300):
        row = near(random, (OFF, LOAD)[i // 7 & 1])
        d.period.learn_one(row, d.score_one(row))
    d.finish()
    equal(len(d.prototypes.counts) <= 2, True)
    between(d.score_one(near(random, OFF)), -8000, d.threshold, "off")
    between(d.score_one(near(random, LOAD)), -8000, d.threshold, "load")


@test
def a_twentieth_of_dirt_is_dropped():
    clean = learned([IDLE], 400)
    dirty = learned([IDLE], 400, dirt=range(70, 400, 20))
    equal(dirty.prototypes.n, 1)
    between(dirty.threshold, clean.threshold - 128, clean.threshold + 128, "threshold")
    between(dirty.prototypes.counts[0], 380, 400, "windows")
    random = Lcg(3)
    for _ in range(50):
        row = near(random, IDLE)
        between(dirty.score_one(row) - clean.score_one(row), -100, 100, "scores")


@test
def dirt_from_the_first_window_on_does_not_blind():
    dirty = learned([IDLE], 400, dirt=range(0, 400, 20))
    between(
        dirty.score_one(as_bytes(FAULT)),
        dirty.threshold + 1,
        8000,
        "a fault is above the threshold",
    )


@test
def more_than_there_is_room_for():
    # every window somewhere else: bounded, and the rest still works
    random, d = Lcg(4), made(3)
    d.start(200)
    for _ in range(200):
        d.period.learn_one(as_bytes([random.within(127) for _ in range(4)]), 0)
    d.finish()
    between(d.prototypes.n, 1, 3, "modes")
    equal(d.state, WATCH)


@test
def a_drift_is_not_many_modes():
    random, d = Lcg(5), made()
    d.start(400)
    for i in range(400):
        row = near(random, [c + i // 10 for c in IDLE])
        d.period.learn_one(row, d.score_one(row))
    d.finish()
    between(d.prototypes.n, 1, 3, "modes")


@test
def modes_that_met_stay_apart_where_their_sums_would_not_fit():
    for room, n_left in ((0, 1), (1, 2)):
        p = Prototypes(2, 1, 2, LOG2)
        for count, value in ((10, 5), (MAX_COUNT - 10 + room, 6)):
            square = count * value * value
            image = struct.pack("<Iiii", count, count * value, square >> 24, square & 0xFFFFFF)
            p.unpack(None, image)
        modes = Modes(p, 2)
        equal((modes._meet(0), p.n), (0, n_left), room)
        equal(sum(p.counts), MAX_COUNT + room)


@test
def a_named_mode_is_added():
    d = learned([OFF, IDLE], 200)
    random = Lcg(6)
    between(d.score_one(near(random, LOAD)), d.threshold, 8000, "not known yet")
    before = d.prototypes.counts[:]
    learned([LOAD], 60, seed=7, d=d, mode="full load")
    p = d.prototypes
    equal((p.labels, p.counts[:2]), ([None, None, "full load"], before))
    equal(p.counts[2], 60)
    for centre in (OFF, IDLE, LOAD):
        between(d.score_one(near(random, centre)), -8000, d.threshold, "all three are normal")
    equal(p.labels[p.nearest()], "full load")
    between(d.score_one(near(random, FAULT)), d.threshold + 256, 8000, "a fault is none")


@test
def learning_a_named_mode_again_adds_to_it():
    d = learned([OFF, IDLE], 200)
    for seed in (7, 8):
        learned([LOAD], 40, seed=seed, d=d, mode="load")
    equal((d.prototypes.labels[2:], d.prototypes.counts[2]), (["load"], 80))


@test
def a_named_mode_takes_the_place_of_the_smallest():
    d = learned([OFF, IDLE, LOAD], 300, d=made(3))
    learned([FAULT], 60, d=d, mode="new")
    equal((d.prototypes.n, "new" in d.prototypes.labels), (3, True))


@test
def names_survive_a_reset():
    hum = pipeline("vibration", n_channels=1, n_window=64, n_hop=64, n_bands=6)
    hum.learned.start(40)
    take(hum, 40)
    equal(hum.console.execute("learn 30 as full load")["mode"], "full load")
    take(hum, 10, level=4000, tone=30)
    hum.learned.save()
    hum.journal.flush()
    again = pipeline("vibration", root=hum.root, n_channels=1, n_window=64, n_hop=64, n_bands=6)
    equal((again.detector.state, again.detector.learn_left), (LEARN, 20))
    equal(again.detector.prototypes.labels, [None, "full load"])
    take(again, 21, level=4000, tone=30)
    equal(again.detector.state, WATCH)
    listed = again.console.execute("list")["prototypes"]
    equal([(p["label"], p["id"]) for p in listed], [(None, 0), ("full load", 0)])
    equal(again.console.execute("status")["mode"], "full load")
    equal(again.console.execute("rollback")["ok"], True)
    equal(again.detector.prototypes.labels, [None])


@test
def what_cannot_be_a_mode_is_said():
    hum = pipeline("vibration", n_channels=1, n_window=64, n_hop=64, n_bands=6)
    for line, words in (
        ("learn 40 as night", ("nothing", "learn")),
        ("learn 40 as", ("name",)),
        ("learn 40 like night", ("like",)),
    ):
        answer = hum.console.execute(line)
        equal(answer["ok"], False, line)
        for word in words:
            equal(word in answer["error"] + answer["hint"], True, answer)
    hum.learned.start(40)
    take(hum, 40)
    answer = hum.console.execute("learn 40 as " + "x" * 33)
    equal(answer["ok"], False)
    equal(hum.detector.state, WATCH)


done()
