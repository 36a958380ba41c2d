"""Test bad input: silence, a stuck sensor, one window, full stores, any Unicode, contradictions."""

import json
from array import array

from fakes import noise, pipeline, reset, take
from harness import Lcg, done, equal, test, unsound
from nearhum.guard.health import N_AGREEING
from nearhum.recognition.windows import MAX_EXAMPLES, MAX_LABELS
from nearhum.storage.snapshots import Snapshots
from nearhum.wire import IDLE, LEARN, WATCH

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}


def play(hum, samples, n=1):
    """Let n windows of the same samples come."""
    for _ in range(n):
        hum.window.restart()
        hum.window.push(samples, 0, hum.window.n_window)
        hum.take_window()
        hum.keep_window()


def flat(value=0, n=64):
    return array("h", [value] * n)


def warning(hum):
    return hum.console.execute("status")["warning"]


@test
def silence_or_a_stuck_sensor_teaches_nothing_and_is_told():
    for value in (0, 1234, -32768, 32767):
        hum = pipeline("vibration", **SMALL)
        hum.console.execute("learn 40")
        take(hum, 10)
        play(hum, flat(value), N_AGREEING - 1)
        # not learned, and not told yet
        equal((hum.health.state(), hum.detector.learn_left), ("ok", 30))
        play(hum, flat(value), 40)
        equal((hum.detector.state, hum.detector.learn_left), (LEARN, 30))
        status = hum.console.execute("status")
        equal(
            (
                status["source"],
                "stuck" in status["fault"],
                "nothing is learned" in status["warning"],
            ),
            ("stuck", True, True),
        )
        take(hum, 30, seed=2)
        equal((hum.detector.state, sum(hum.detector.prototypes.counts)), (WATCH, 40))
        # what stood still is told no more; forty windows are few for the threshold, and that is
        equal(warning(hum).startswith("the threshold comes from only 1 independent score,"), True)


def advised(hum):
    """Return the windows that a warning says should be learned at least."""
    return int(warning(hum).split("learn at least ")[1].split(" windows")[0])


@test
def what_is_advised_is_long_enough():
    """A board that learns as many windows as it is told has no doubt for their number."""
    for kind in ("vibration", "telemetry"):
        hum = pipeline(kind, n_channels=1)
        hum.console.execute("learn 20")
        take(hum, 20)
        n = advised(hum)
        hum.console.execute("learn %d" % n)
        take(hum, n)
        equal("independent scores" in warning(hum), False)


@test
def what_is_advised_grows_with_what_was_not_enough():
    hum = pipeline("telemetry", n_channels=1)
    hum.console.execute("learn 20")
    take(hum, 20)
    first, d = advised(hum), hum.detector
    for one in [d] + [view.detector for view in d.views]:
        one.independent = 4
    d.learn_total = d.prototypes.counts[0] = 2000
    equal(advised(hum), 4000)
    d.learn_total = 20
    equal(advised(hum), first)


@test
def slow_channels_and_digital_silence_may_stand_still_for_a_while():
    hum = pipeline("audio", n_window=64, n_hop=64, n_bands=10, rate_hz=640)
    hum.console.execute("learn 1000")
    play(hum, flat(), 600 + N_AGREEING)  # a minute
    equal((hum.detector.learn_left, hum.health.state()), (400, "stuck"))
    # what it learned of it first is told, and undone by hand
    hum.console.execute("learn stop")
    equal(
        "never varied" in warning(hum) or "learn longer" in warning(hum) or "stuck" in warning(hum),
        True,
    )
    hum.console.execute("rollback")
    equal(hum.detector.state, IDLE)


@test
def a_blow_that_clips_is_no_saturation():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 40")
    samples = noise(Lcg(1), 64, 200, 1000)
    for i in range(20, 24):
        samples[i] = 32767
    play(hum, samples)
    equal((hum.detector.learn_left, hum.health.state()), (39, "ok"))


@test
def learning_on_one_window():
    hum = pipeline("vibration", **SMALL)
    equal(hum.console.execute("learn 1")["ok"], False)
    hum.console.execute("learn 20")
    equal(hum.console.execute("learn stop")["ok"], False)
    take(hum, 1)
    equal(hum.console.execute("learn stop")["ok"], True)
    equal((hum.detector.state, hum.detector.prototypes.counts), (WATCH, [1]))
    # no score set a threshold, and what is enough is told
    said = warning(hum)
    equal(said.startswith("the threshold comes from only 0 independent scores,"), True, said)
    equal("learn at least 352 windows" in said, True, said)
    take(hum, 5, seed=2)
    hum.console.execute("learn 600")
    take(hum, 600)
    equal((hum.detector.state, hum.detector.independent >= 8, warning(hum)), (WATCH, True, ""))


@test
def an_empty_or_clipped_example_is_waited_out():
    loud = array("h", [32767, 32767, -32768, -32768] * 16)
    for bad, word in ((flat(), "stuck"), (flat(-32768), "stuck"), (loud, "saturated")):
        hum = pipeline("vibration", **SMALL)
        hum.console.execute("enrol hum 2")
        play(hum, bad, 5)
        equal((hum.recogniser.n_examples, hum.learned.enrol_left), (0, 2))
        equal((word in warning(hum), "hum" in warning(hum)), (True, True))
        take(hum, 1)
        play(hum, bad)
        equal((hum.recogniser.n_examples, hum.learned.enrol_left), (1, 1))
        take(hum, 1)
        equal((hum.recogniser.n_examples, hum.learned.enrol_left, warning(hum)), (2, 0, ""))
    # one sample at the rail is no clipping
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("enrol hum")
    samples = noise(Lcg(1), 64, 200, 1000)
    samples[5] = 32767
    play(hum, samples)
    equal(hum.recogniser.n_examples, 1)


@test
def slow_channels_may_stand_still():
    hum = pipeline("telemetry")
    hum.console.execute("learn 100")
    take(hum, 100)
    hum.console.execute("enrol still 2")
    play(hum, flat(50, hum.window.n_window), 2)
    equal(hum.recogniser.n_examples, 2)


@test
def a_thousand_enrolments_on_a_full_store():
    hum = pipeline("vibration", **SMALL)
    for i in range(MAX_LABELS):
        equal(hum.console.execute("enrol l%d 4" % i)["ok"], True)
        take(hum, 4, seed=i)
    equal(hum.recogniser.n_examples, MAX_EXAMPLES)
    known, snapshots = hum.learned.pack(), Snapshots(hum.store).all()
    for i in range(1000):
        answer = hum.console.execute(
            "enrol %s" % (("l%d 10" % (i % MAX_LABELS)) if i & 1 else "new%d" % i)
        )
        equal((answer["ok"], bool(answer["hint"])), (False, True))
    take(hum, 3)
    equal(hum.learned.pack() == known, True)
    equal(Snapshots(hum.store).all() == snapshots, True)
    hum.console.execute("forget l0")
    equal(hum.console.execute("enrol l0 4")["ok"], True)
    take(hum, 4)
    equal(hum.recogniser.n_examples, MAX_EXAMPLES)


@test
def labels_in_any_unicode():
    reset()
    hum = pipeline("vibration", **SMALL)
    root = hum.root
    good = (
        "Brummen", "гул", "嗡嗡声", "שלום", "\u202eevil", "a\u0301", "👩\u200d🔧",
        "🐝🐝🐝🐝🐝🐝🐝🐝", "ß" * 16, "x" * 32, "\u00a0", "pending", "off", "None", '"', "\\", "{}",
        "%s", "-1",
    )  # fmt: skip
    for label in good:
        equal(hum.console.execute("enrol %s 1" % label)["label"], label)
        take(hum, 1)
        listed = json.loads(json.dumps(hum.console.execute("list")))["prototypes"]
        equal([p["label"] for p in listed], [label])
        hum = None  # a board's heap has room for one
        hum = pipeline("vibration", root=root, **SMALL)
        equal(hum.recogniser.prototypes.labels, [label])
        equal(hum.console.execute("veto %s" % label)["vetoed"], [label])
        equal(hum.console.execute("veto %s off" % label)["vetoed"], [])
        equal(hum.console.execute("forget " + label)["ok"], True, label)
    known = hum.learned.pack()
    for line in (
        b"enrol a\0b", b"enrol \0", b"enrol \x1b[31m", b"enrol \x7f",
        b"enrol " + "🐝".encode() * 8 + b"x", b"enrol " + b"x" * 33, b"enrol \xff", b"enrol \xc3",
        b"enrol \xed\xa0\x80", b"enrol \xc1\x81", b"enrol \xf5\x80\x80\x80", b"\xed\xa0\x80",
        b"veto \0", b"learn 20 as \0", b"forget \xc1\x81",
    ):  # fmt: skip
        answer = hum.console.execute(line)
        equal((answer["ok"], bool(answer["hint"])), (False, True), line)
        said = json.dumps(answer)
        equal(unsound(said), [], said)
        equal((hum.learned.enrol_left, hum.learned.pack() == known), (0, True))


@test
def contradictory_commands_while_learning():
    hum = pipeline("vibration", **SMALL)
    execute = hum.console.execute
    execute("learn 40")
    take(hum, 30)
    running = hum.learned.pack()
    # what is refused changes nothing of the period that runs
    for text in (
        "learn 5", "learn x", "learn 20 as night", "enrol", "enrol x 11", "forget x", "rollback 77",
        "accept 1", "reject 1", "veto x off", "reset", "watch out of here", "set n_bands 99",
        "list x", "learn",
    ):  # fmt: skip
        if text not in ("watch out of here", "learn"):
            equal(execute(text)["ok"], False, text)
    equal(hum.learned.pack() == running, True)
    # learn anew: the running period is what rollback brings back
    execute("learn 100")
    take(hum, 2)
    execute("rollback")
    equal(hum.learned.pack() == running, True)
    # an enrolment runs beside it; veto and forget end the enrolment, not the period
    execute("enrol a 5")
    take(hum, 2)
    execute("enrol b 5")
    take(hum, 2)
    execute("veto b")
    take(hum, 2)
    equal(hum.recogniser.prototypes.counts, [2, 2])
    equal((hum.detector.state, hum.detector.learn_left, hum.learned.enrol_left), (LEARN, 4, 0))
    execute("trust")
    take(hum, 4)
    equal((hum.detector.state, hum.detector.prototypes.counts), (WATCH, [40]))
    # stopping while enrolling keeps enrolling
    execute("learn 40")
    execute("enrol a 3")
    take(hum, 1)
    execute("learn stop")
    take(hum, 5)
    equal((hum.detector.state, hum.recogniser.prototypes.counts), (WATCH, [5, 2]))
    # all of it forgotten, and all of it back
    known = hum.learned.pack()
    execute("learn 40")
    execute("enrol a 3")
    execute("reset learned")
    take(hum, 3)
    equal((hum.detector.state, hum.recogniser.n_examples), (IDLE, 0))
    execute("rollback")
    equal((hum.detector.state, hum.learned.enrol_left), (LEARN, 0))
    for number in [s["number"] for s in execute("list snapshots")["snapshots"]]:
        execute("rollback %d" % number)
        if hum.learned.pack() == known:
            return
    raise AssertionError("what was known is lost")


done()
