"""Test the detector: the cases of its state machine, its threshold, a reset while learning."""

from fakes import fill, pipeline, take
from harness import Lcg, as_bytes, between, done, equal, test
from nearhum.config import complete
from nearhum.detection.calibration import rarity
from nearhum.detection.detect import NO_THRESHOLD, Detector
from nearhum.detection.prototypes import Prototypes
from nearhum.features.transform_fixed import Log2
from nearhum.lifetime import rest
from nearhum.wire import IDLE, LEARN, NO_SCORE, WATCH

LOG2 = Log2()
ONE_IN = 86400


def made(n=4, one_in=ONE_IN):
    return Detector(Prototypes(2, n, 2, LOG2), one_in)


def embeddings(n, seed=1, spread=6):
    random = Lcg(seed)
    return [as_bytes([c + random.within(spread) for c in (10, -20, 0, 90)]) for _ in range(n)]


def learn(detector, rows):
    """Learn rows as the pipeline does, without smoothing; returns whether the last one ended
    the period.
    """
    for row in rows:
        ended = detector.period.learn_one(row, detector.score_one(row))
    return ended


@test
def case_0_idle_knows_nothing():
    d = made()
    equal((d.state, d.threshold, d.score_one(bytearray(4))), (IDLE, NO_THRESHOLD, NO_SCORE))


@test
def case_1_learn_warms_up_then_scores():
    d = made()
    d.start(40)
    equal((d.state, d.learn_left), (LEARN, 40))
    scored = []
    for row in embeddings(40):
        score = d.score_one(row)
        scored.append(score != NO_SCORE)
        d.period.learn_one(row, score)
    equal(scored, [False] * 20 + [True] * 20)
    equal((d.period.calibration.n, d.learn_left), (20, 0))


@test
def case_2_watch_scores_and_learns_nothing():
    d = made()
    d.start(40)
    equal(learn(d, embeddings(40)), True)
    d.finish()
    equal(d.state, WATCH)
    image = d.pack()
    between(
        d.score_one(as_bytes([10, -20, 0, 90])),
        -8000,
        d.threshold - 1,
        "the centre is below the threshold",
    )
    between(d.score_one(as_bytes([100, -20, 0, 90])), d.threshold + 1, 8000, "a fault is above it")
    equal(d.pack(), image)


@test
def finishing_with_nothing_learned_is_idle():
    d = made()
    d.start(40)
    d.finish()
    equal((d.state, d.learn_left, d.prototypes.n), (IDLE, 0, 0))


@test
def finishing_early_keeps_what_there_is():
    d = made()
    d.start(1000)
    learn(d, embeddings(30))
    d.finish()
    equal((d.state, d.prototypes.counts, d.threshold), (WATCH, [30], 1024))


@test
def starting_again_forgets():
    d = made()
    d.start(40)
    learn(d, embeddings(40))
    d.finish()
    d.start(16)
    equal(
        (d.state, d.prototypes.n, d.threshold, d.period.calibration.n), (LEARN, 0, NO_THRESHOLD, 0)
    )
    learn(d, embeddings(16, seed=9))
    d.finish()
    equal(d.prototypes.counts, [16])


@test
def forgetting_is_idle():
    d = made()
    d.start(40)
    learn(d, embeddings(40))
    d.forget()
    equal((d.state, d.prototypes.n, d.threshold, d.learn_left), (IDLE, 0, NO_THRESHOLD, 0))


@test
def rarer_alarms_raise_the_threshold():
    thresholds = []
    for alarms in (100, 1, 0.01):
        c = complete({"kind": "vibration", "alarms_per_day": alarms, "source": {"driver": "none"}})
        d = made(one_in=rarity(c)[0])
        d.start(100)
        learn(d, embeddings(100))
        d.finish()
        thresholds.append(d.threshold)
    equal(thresholds, sorted(thresholds))
    equal(len(set(thresholds)), 3)


@test
def rarity_counts_independent_windows():
    base = {
        "kind": "vibration",
        "rate_hz": 1000,
        "n_window": 500,
        "n_hop": 500,
        "smooth": 256,
        "source": {"driver": "n"},
    }
    equal(rarity(complete(base)), (172800, 1, 0, 1, False))
    equal(rarity(complete(dict(base, alarms_per_day=24))), (7200, 1, 0, 1, False))
    # overlap halves what doubled
    equal(rarity(complete(dict(base, n_hop=250))), (172800, 2, 0, 1, False))
    equal(rarity(complete(dict(base, alarms_per_day=1000, rate_hz=1))), (2, 1, 0, 1, False))
    # features averaged over 8 windows tie 15, smoothing by a quarter ties 7 and skips 3
    equal(rarity(complete(dict(base, smooth=64, alarm_n=5)), 8), (7854, 22, 3, 5, True))
    # hourly rows: fewer windows than alarms allowed, and none is lost on the way
    hourly = dict(
        base, kind="telemetry", rate_hz=1 / 3600, n_window=32, n_hop=1, alarms_per_day=0.01
    )
    equal(rarity(complete(hourly))[0], 75)


@test
def scores_far_out_are_held_in_the_calibration():
    d = made()
    d.start(40)
    c = d.period.calibration
    d.period.learn_one(bytearray(4), 32000)
    d.period.learn_one(bytearray(4), -32000)
    equal((c.n, c.highest, c.bins[-1], c.bins[0]), (2, 8191, 1, 1))


@test
def the_longest_period_packs_its_scores():
    # 16,000,000 windows: a bin that is full halves them all, and the quantiles stay
    d = made()
    d.start(16000000)
    learn(d, embeddings(2))
    c = d.period.calibration
    c.n = 8000000
    for i in range(len(c.bins)):
        c.bins[i] = 65535 if i == 40 else 1000
    before = c.quantile(1, 2)
    c.add(256)
    equal((c.bins[40], c.bins[41], c.quantile(1, 2) - before), (32768, 500, 0))
    again = made()
    again.unpack(memoryview(d.pack()))
    equal((again.period.calibration.n, again.period.calibration.pack()), (c.n, c.pack()))


@test
def saved_and_loaded_at_every_window_of_learning():
    rows = embeddings(48)
    for at in range(1, 48):
        rest()  # as a board does between two commands: what was let go of is collected
        one = made()
        one.start(48)
        learn(one, rows[:at])
        image = one.pack()
        other = made()
        equal(other.unpack(memoryview(image)), len(image))
        equal(other.pack(), image, at)
        for d in (one, other):
            learn(d, rows[at:])
            d.finish()
        equal(
            (other.state, other.threshold, other.prototypes.counts),
            (one.state, one.threshold, one.prototypes.counts),
            at,
        )
        equal(other.pack(), one.pack(), at)


@test
def a_reset_in_the_middle_of_learning_costs_nothing():
    # the same windows; one board is switched off after the 30th of 60, the other has a gap there
    images = []
    for reset in (False, True):
        hum = pipeline("vibration", n_channels=1, n_window=64, n_hop=64, n_bands=6)
        hum.learned.start(60)
        take(hum, 30, seed=5)
        hum.learned.save()
        if reset:
            hum.journal.flush()
            hum = pipeline(
                "vibration", root=hum.root, n_channels=1, n_window=64, n_hop=64, n_bands=6
            )
            equal((hum.detector.state, hum.detector.learn_left), (LEARN, 30))
        else:
            hum.temporal.restart()
            hum.detector.restart()
        take(hum, 30, seed=6)
        equal(hum.detector.state, WATCH)
        images.append((hum.detector.threshold, hum.learned.pack()))
    equal(images[1][0], images[0][0], "threshold after a reset and without one")
    equal(images[1][1] == images[0][1], True)


@test
def a_watching_board_goes_on_watching():
    hum = pipeline("vibration", n_channels=1, n_window=64, n_hop=64, n_bands=6)
    hum.learned.start(40)
    take(hum, 40)
    again = pipeline("vibration", root=hum.root, n_channels=1, n_window=64, n_hop=64, n_bands=6)
    equal((again.detector.state, again.detector.threshold), (WATCH, hum.detector.threshold))
    scores = []
    for board in (hum, again):
        board.temporal.restart()
        board.detector.restart()
        fill(board.window, Lcg(77), 300, 5000)
        board.take_window()
        scores.append(board.temporal.score)
    equal(scores[0], scores[1])


@test
def the_shortest_period_of_slow_channels_has_scores_to_set_the_threshold_by():
    hum = pipeline("telemetry", n_channels=2)
    n = 2 * hum.config["n_range"]
    equal(hum.console.execute("learn %d" % n)["ok"], True)
    take(hum, n)
    equal(hum.detector.state, WATCH)
    between(hum.detector.n_scores, n // 8, n, "scores")


@test
def ranges_are_resumed_too():
    hum = pipeline("telemetry", n_channels=2)
    hum.learned.start(120)
    take(hum, 60)
    hum.learned.save()
    again = pipeline("telemetry", root=hum.root, n_channels=2)
    equal(again.features.ranges.known, True)
    equal(again.features.ranges.pack(), hum.features.ranges.pack())
    equal(again.detector.learn_left, hum.detector.learn_left)


done()
