"""Test time as a teacher: labels of m of n windows, vetoes, and the handling of near misses."""

import micropython
from fakes import pipeline
from harness import Lcg, Skip, as_bytes, clear_error, done, equal, raises, test
from nearhum.errors import ConfigError
from nearhum.recognition.near import Near
from nearhum.recognition.teacher import Teacher

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6, "label_m": 1, "label_n": 1}


class Told:
    """Stands for the recogniser: says what the test wants it to say."""

    n_dims = 2
    ids = (1, 2, 3)
    limit = 100
    distance = 0

    def __init__(self):
        self.says, self.nearest = 0, 0

    def predict_one(self, embedding):
        return self.says

    def nearest_id(self):
        return self.nearest


def made(m=1, n=1, reach=0, banned=()):
    told = Told()
    teacher = Teacher(
        told, m, n, Near(told, {"teach_s": reach, "rate_hz": 1, "n_hop": 1}) if reach else None
    )
    teacher.hear(told.ids, banned)
    return told, teacher


def announced(labels, m, n, banned=()):
    told, teacher = made(m, n, 0, banned)
    out = []
    for label in labels:
        told.says = label
        out.append(teacher.predict_one(b"ab"))
    return out


@test
def the_lemon_that_is_a_lime_for_one_window():
    equal(announced([1, 1, 1, 2, 1, 1], 2, 3), [0, 1, 1, 1, 1, 1])
    equal(announced([1, 1, 0, 1, 1], 2, 3), [0, 1, 1, 1, 1])
    equal(announced([1, 1, 2, 2, 2], 2, 3), [0, 1, 1, 2, 2])


@test
def one_of_one_is_what_was_heard():
    equal(announced([1, 2, 0, 3], 1, 1), [1, 2, 0, 3])


@test
def m_of_n_by_counting():
    random = Lcg(3)
    for m, n in ((1, 3), (2, 3), (3, 5), (5, 5), (2, 6), (30, 30), (1, 30)):
        labels = [random.below(4) if random.below(3) else 1 for _ in range(200)]
        found = announced(labels, m, n)
        for i in range(len(labels)):
            last = labels[max(0, i - n + 1) : i + 1]
            counts = [
                (last.count(k), max([j for j in range(len(last)) if last[j] == k]), k)
                for k in set(last)
                if k
            ]
            best = max(counts) if counts else (0, 0, 0)
            equal(found[i], best[2] if best[0] >= m else 0, (m, n, i, last))


@test
def a_recogniser_of_sequences_is_not_smoothed():
    class Words:
        says = 2

        def predict_one(self, embedding):
            return self.says

    teacher = Teacher(Words(), 3, 5, object())
    teacher.hear((1, 2, 3), ())
    equal(teacher.predict_one(b"ab"), 2)
    teacher.hear((1, 2, 3), (2,))
    equal((teacher.predict_one(b"ab"), teacher.near), (0, None))


@test
def a_vetoed_label_is_unknown_and_counts_for_nothing():
    equal(announced([1, 2, 2, 2, 1, 1], 1, 1, (2,)), [1, 0, 0, 0, 1, 1])
    equal(announced([1, 2, 1, 2, 2, 2], 2, 3, (2,)), [0, 0, 1, 0, 0, 0])


def near(told, teacher, distance, label=1):
    told.says, told.nearest, told.distance = 0, label, distance
    teacher.predict_one(as_bytes([distance & 127, 7]))


def hit(told, teacher, label=1):
    told.says = label
    teacher.predict_one(b"hh")
    caught = teacher.near is not None and teacher.near.caught
    if caught:
        teacher.near.caught = False
    return caught


@test
def a_near_miss_before_a_hit_is_caught():
    told, teacher = made(reach=3)
    near(told, teacher, 150)
    equal(teacher.near.caught, False)
    equal(hit(told, teacher), True)
    near_miss = teacher.near
    equal((near_miss.label_id, near_miss.distance, near_miss.age), (1, 150, 1))
    equal(bytes(near_miss.example), bytes([22, 7]))
    equal(hit(told, teacher), False)  # a miss teaches once


@test
def what_is_too_far_too_late_or_of_another_label_is_not():
    for distance, wanted in ((101, True), (201, True), (202, False), (0x3FFFFFFE, False)):
        told, teacher = made(reach=3)
        near(told, teacher, distance)
        equal(hit(told, teacher), wanted, distance)
    for between, wanted in ((0, True), (2, True), (3, False)):
        told, teacher = made(reach=3)
        near(told, teacher, 150)
        for _ in range(between):
            near(told, teacher, 5000)
        equal(hit(told, teacher), wanted, between)
    told, teacher = made(reach=3)
    near(told, teacher, 150)
    equal([hit(told, teacher, 2), hit(told, teacher, 1)], [False, True])
    told, teacher = made(reach=3, banned=(1,))
    near(told, teacher, 150)
    equal(hit(told, teacher), False)
    told, teacher = made(reach=3)
    near(told, teacher, 150)
    teacher.restart()  # a gap
    equal(hit(told, teacher), False)
    told, teacher = made(reach=0)
    near(told, teacher, 150)
    equal(hit(told, teacher), False)


@test
def a_hit_must_be_announced():
    told, teacher = made(2, 3, 5)
    near(told, teacher, 150)
    equal([hit(told, teacher), hit(told, teacher)], [False, True])


@test
def a_window_allocates_nothing():
    if not hasattr(micropython, "heap_lock"):
        raise Skip("micropython.heap_lock")
    told, teacher = made(2, 3, 5)
    told.distance = 150
    told.nearest = 1
    micropython.heap_lock()
    try:
        for _ in range(3):
            told.says = 0
            teacher.predict_one(b"ab")
            told.says = 1
            teacher.predict_one(b"ab")
            teacher.predict_one(b"ab")
    finally:
        micropython.heap_unlock()
    equal(teacher.near.caught, True)


@test
def it_is_there_only_where_it_is_asked_for():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("enrol hum")
    hum.recogniser.enrol("hum", bytes(hum.head.n_out))
    hum.learned.changed("test")
    equal(hum.teacher, None)
    equal(hum._stages[6] is hum.recogniser, True)
    hum.console.execute("veto hum")
    equal(hum._stages[6] is hum.teacher, True)
    hum.console.execute("veto hum off")
    equal(hum._stages[6] is hum.recogniser, True)
    hum = pipeline("vibration", teach="ask", **SMALL)
    equal(hum.teacher, None)  # nothing is enrolled

    def refused():
        pipeline("vibration", label_m=3, label_n=2)

    clear_error(raises(ConfigError, refused), "label_m")


done()
