"""Test drift: it is followed within its budget while nothing is strange. A step is not followed."""

from fakes import pipeline, take
from harness import Lcg, as_bytes, between, done, equal, test
from nearhum.detection.detect import Detector
from nearhum.detection.drift import Drift
from nearhum.detection.prototypes import Prototypes
from nearhum.features.transform_fixed import Log2
from nearhum.storage.learned import DRIFT_SAVE_S

LOG2 = Log2()
CENTRE = (0, 10, -20, 0)


def made(budget=4, windows=64):
    d = Detector(Prototypes(8, 4, 2, LOG2), 86400)
    d.drift = Drift(4, budget, windows)
    return d


def near(random, centre, spread=6):
    return as_bytes([c + random.within(spread) for c in centre])


def learned(d, n=200, creep=0, seed=1):
    random = Lcg(seed)
    d.start(n)
    for i in range(n):
        row = near(random, [c + creep * i // n for c in CENTRE])
        d.period.learn_one(row, d.score_one(row))
    d.finish()
    return d


def watched(d, n, creep, seed=2):
    """Watch n windows that creep by so many steps in all, following as the pipeline does;
    returns those over.
    """
    random, over = Lcg(seed), 0
    for i in range(n):
        if d.score_one(near(random, [c + creep * i // n for c in CENTRE])) < d.threshold:
            d.follow()
        else:
            over += 1
    return over


@test
def what_creeps_is_followed():
    still = learned(made())
    still.drift.budget = 0
    still.drift.bound(still.prototypes.variance)
    between(watched(still, 3000, 14), 100, 3000, "over without following")
    d = learned(made())
    equal(watched(d, 3000, 14) <= 3, True)
    between(d.drift.budget_left, 0, 60, "percent")


@test
def a_fault_that_creeps_is_no_normal():
    d = learned(made())
    watched(d, 6000, 100)
    equal(d.drift.budget_left, 0)
    between(
        d.score_one(as_bytes([v + 100 for v in CENTRE])),
        d.threshold + 256,
        9000,
        "score of the fault",
    )


@test
def no_stream_goes_beyond_the_budget():
    d = learned(made(budget=2, windows=16))
    random = Lcg(3)
    p = d.prototypes
    limits = list(d.drift._limits)[:4]
    for i in range(3000):
        # everything is followed here, whatever it scores
        d.score_one(as_bytes([random.within(127) if i & 1024 else 127 for _ in range(4)]))
        d.follow()
        for o, limit in zip(d.drift.offset, limits):
            equal(abs(o) <= limit, True)
    for limit, variance in zip(limits, p.variance):
        between(limit * limit, 4 * variance * 4096 * 99 // 100, 4 * variance * 4096, "two spreads")


@test
def trust_lets_the_budget_start_from_here():
    d = learned(made())
    watched(d, 6000, 100)
    equal(d.drift.budget_left, 0)
    once = list(d.drift.offset)
    d.drift.trust()
    equal((d.drift.budget_left, list(d.drift.offset)), (100, once))
    other = made()
    equal(other.unpack(memoryview(d.pack())) > 0, True)
    equal(other.pack(), d.pack())
    random = Lcg(4)
    for board in (d, other):
        for _ in range(6000):
            board.score_one(as_bytes([c + 100 + random.within(6) for c in CENTRE]))
            board.follow()
        # another budget further, and no more
        equal(board.drift.budget_left, 0)
        for o, before in zip(board.drift.offset, once):
            between(o, 2 * before - 1, 2 * before, "offset")
        board.drift.trust()
        for _ in range(6000):
            board.score_one(near(random, CENTRE))
            board.follow()
        for o, before in zip(board.drift.offset, once):
            between(o, before - 1, before, "back by a budget, not to what was learned")
    d.start(20)
    equal(sum(d.drift._limits), 0)


@test
def the_user_trusts_where_it_is():
    hum = pipeline("telemetry", n_channels=2)
    hum.learned.start(120)
    take(hum, 120)
    drift = hum.detector.drift
    drift.offset[0] = drift._limits[0]
    status = hum.console.execute("status")
    equal((status["drift_left"], status["drift_of"]), (0, "c0.mean"))
    equal(hum.console.execute("trust")["ok"], True)
    status = hum.console.execute("status")
    equal((status["drift_left"], status["drift_of"]), (100, None))
    again = pipeline("telemetry", root=hum.root, n_channels=2)
    equal(again.console.execute("status")["drift_left"], 100)
    equal(again.console.execute("rollback")["ok"], True)
    equal(again.console.execute("status")["drift_left"], 0)


@test
def status_says_which_channel_drifts_and_how_far():
    hum = pipeline("telemetry", n_channels=3)
    hum.learned.start(120)
    take(hum, 120)
    drift = hum.detector.drift
    equal(drift.furthest(), (0, 0))
    equal(hum.console.execute("status")["drift_of"], None)
    drift.offset[0] = drift._limits[0] // 4
    drift.offset[2] = -drift._limits[2] // 2
    equal(drift.furthest()[0], 2)
    between(drift.furthest()[1], 49, 50, "percent")
    status = hum.console.execute("status")
    between(status["drift_left"], 50, 51, "percent")
    equal(status["drift_of"], "c2.mean")


@test
def the_sums_know_nothing_of_it():
    d = learned(made())
    before = d.prototypes.pack(0)
    watched(d, 500, 10)
    equal(d.prototypes.pack(0), before)
    d.drift.forget()
    equal([d.drift.apply(as_bytes([1, 2, 3, 4]))[i] for i in range(4)], [1, 2, 3, 4])


@test
def a_step_is_never_swallowed():
    d = learned(made())
    random, over = Lcg(5), 0
    for _ in range(6000):
        if d.score_one(near(random, [c + 40 for c in CENTRE])) < d.threshold:
            d.follow()
        else:
            over += 1
    equal(over > 5990, True)
    equal(d.drift.budget_left >= 90, True)


@test
def it_survives_a_reset():
    d = made()
    random = Lcg(6)
    d.start(100)
    for i in range(60):
        row = near(random, CENTRE)
        d.period.learn_one(row, d.score_one(row))
    other = made()
    image = d.pack()
    equal(other.unpack(memoryview(image)), len(image))
    equal(other.pack(), image)
    d = learned(made())
    watched(d, 700, 10)
    image = d.pack()
    equal(other.unpack(memoryview(image)), len(image))
    equal((other.pack(), other.drift.budget_left), (image, d.drift.budget_left))
    row = near(random, CENTRE)
    equal(other.score_one(row), d.score_one(row))
    plain = Detector(Prototypes(8, 4, 2, LOG2), 86400)
    equal(plain.unpack(memoryview(image)), len(image))  # the setting went: so does the offset


@test
def extremes_stay_in_range():
    d = Drift(2, 64, 16)
    d.bound([1 << 26, 1 << 26])
    low, high = as_bytes([-128, 127]), as_bytes([127, -128])
    for x in (low, high, low):
        for _ in range(200):
            out = d.apply(x)
            d.follow(as_bytes([127, -128] if x is low else [-128, 127]))
    for o in d.offset:
        equal(abs(o) <= 255 << 12, True)
    d.trust()
    for o in d.offset:
        equal(abs(o) <= 510 << 12, True)
    equal(len(out), 2)


def given(hum):
    return {name: hum.config[name] for name in hum.config if name not in ("kind", "source")}


@test
def what_was_followed_is_saved_once_an_hour():
    hum = pipeline(
        "telemetry", rate_hz=1, n_channels=2, n_window=8, n_hop=8, n_range=8, spread="full",
        drift_budget=3, drift_windows=16,
    )  # fmt: skip
    hum.console.execute("learn 80")
    take(hum, 80)
    take(hum, 60, tone=1100)
    drifted = list(hum.detector.drift.offset)
    hum.clock.seconds += DRIFT_SAVE_S - 1
    hum.learned.save_when_due()
    again = pipeline("telemetry", root=hum.root, **given(hum))
    equal(list(again.detector.drift.offset) == drifted, False)
    hum.clock.seconds += 1
    hum.learned.save_when_due()
    again = pipeline("telemetry", root=hum.root, **given(hum))
    equal(list(again.detector.drift.offset), drifted)
    sequence = hum.store.sequence
    for _ in range(5):  # nothing moves: the other slot gets it too, and no more is written
        hum.clock.seconds += DRIFT_SAVE_S
        hum.learned.save_when_due()
    equal(hum.store.sequence, sequence + 1)


done()
