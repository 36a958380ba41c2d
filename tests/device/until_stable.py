"""Test learning until stable: it ends once more would change nothing, reports it, and resumes."""

import json

from fakes import pipeline, take
from harness import Lcg, as_bytes, between, done, equal, test
from nearhum.detection.calibration import ENOUGH
from nearhum.detection.detect import Detector
from nearhum.detection.period import STILL
from nearhum.detection.prototypes import Prototypes
from nearhum.features.transform_fixed import Log2
from nearhum.wire import EVENT, LEARN, WATCH, record_bytes, unpack_record

LOG2 = Log2()
SMALL = dict(n_channels=1, n_window=64, n_hop=64, n_bands=6)
IDLE, LOAD = (0, 10, -20, 0), (60, 50, 40, 70)


def made():
    return Detector(Prototypes(8, 4, 2, LOG2), 86400)


def learned(d, row_of, first=ENOUGH, most=9000, n=None, reset_at=()):
    """Learn as the pipeline does, row_of(i) at window i, until the period ends or n were learned;
    returns (d, windows).

    reset_at: windows after which another detector goes on with the packed state.
    """
    if d.state != LEARN:
        d.start(first, None, most)
    i = sum(d.prototypes.counts)
    while n is None or i < n:
        row = row_of(i)
        over = d.period.learn_one(row, d.score_one(row))
        i += 1
        if over and not d.period.extend():
            d.finish()
            break
        if i in reset_at:
            image = d.pack()
            d = made()
            equal(d.unpack(memoryview(image)), len(image))
            equal(d.pack(), image)
    return d, i


def around(random, centre=IDLE, spread=6):
    return as_bytes([c + random.within(spread) for c in centre])


def told(hum):
    """Return the `learned` events of the journal."""
    hum.journal.flush()
    out, after, seq = [], 0, -1
    while after != seq:
        seq = after
        _, after, raw = hum.journal.read(seq, 1040)
        at = 0
        while at < len(raw):
            n = record_bytes(raw, at, len(raw))
            kind, _, _, payload = unpack_record(raw, at, n)
            if kind == EVENT:
                event = json.loads(payload)
                if event["event"] == "learned":
                    out.append(event)
            at += n
    return out


@test
def a_steady_machine_is_stable_soon():
    for seed in range(1, 9):
        random = Lcg(seed)
        d, n = learned(made(), lambda i: around(random))
        equal((d.state, d.learn_most > 0), (WATCH, True), seed)
        between(n, 800, 3000, "windows")
        # and it was right: four times as long moves the threshold little
        random = Lcg(seed)
        longer, _ = learned(made(), lambda i: around(random), first=4 * n, most=0)
        equal(longer.learn_most > 0, False)
        between(d.threshold - longer.threshold, -4 * STILL, 4 * STILL, "threshold")


@test
def what_still_widens_is_not_stable():
    # a spread that grows with every window: no quarter is like those before
    random = Lcg(2)
    d, n = learned(made(), lambda i: around(random, spread=2 + i // 100), most=4000)
    equal((n, d.state, d.learn_most > 0), (4000, WATCH, False))


@test
def a_mode_that_begins_makes_it_longer():
    random = Lcg(3)
    steady, at = learned(made(), lambda i: around(random))
    # the other mode begins just before the comparison that would have ended the period
    for begins in (at - 1, at - 3, at - at // 6):
        random = Lcg(3)
        d, n = learned(
            made(),
            lambda i: around(random, LOAD if i >= begins and i // 16 & 1 or i == at - 1 else IDLE),
        )
        equal((n > at, d.learn_most > 0, d.prototypes.n), (True, True, 2), begins)
        row = around(random, LOAD)
        equal(d.score_one(row) < d.threshold < steady.score_one(row), True, begins)


@test
def scattered_dirt_does_not_keep_it_from_ending():
    for seed in range(1, 6):
        random = Lcg(seed)
        d, n = learned(made(), lambda i: around(random, spread=127 if random.below(40) == 0 else 6))
        equal((d.learn_most > 0, d.prototypes.n), (True, 1), seed)
        between(n, 800, 5000, "windows")


@test
def resets_change_nothing():
    images = []
    for reset_at in ((), range(1, 9000, 37), (512, 640)):
        random = Lcg(7)
        d, n = learned(made(), lambda i: around(random), reset_at=reset_at)
        images.append((n, d.pack()))
    equal(images[0] == images[1] == images[2], True)


@test
def nothing_to_compare_ends_at_its_length():
    d = made()
    d.start(64, None, 90)
    d.learn_left = 0
    equal((d.period.extend(), d.prototypes.n), (False, 0))
    d, n = learned(made(), lambda i: as_bytes(IDLE), first=40, most=40)
    equal((n, d.learn_most > 0), (40, False))


@test
def the_board_says_so():
    hum = pipeline("vibration", learn_windows=20, **SMALL)
    answer = hum.console.execute("learn stable 2000")
    equal(answer["windows"], 2000)
    status = hum.console.execute("status")
    equal((status["learn_total"], status["learn_most"]), (512, 2000))
    take(hum, 520)
    hum.learned.save()
    hum.journal.flush()
    hum = pipeline("vibration", root=hum.root, learn_windows=20, **SMALL)
    status = hum.console.execute("status")
    found = [status[name] for name in ("state", "learn_total", "learn_left", "learn_most")]
    equal(found, ["learn", 640, 120, 2000])
    n = 520
    while hum.detector.state == LEARN and n < 2000:
        take(hum, 1, seed=n)
        n += 1
    between(n, 800, 1999, "windows")
    equal(hum.console.execute("status")["learn_most"], 2000)
    equal([(e["cause"], e["n"]) for e in told(hum)], [("stable", n)])
    # by length and by the user's word it is not called stable
    hum.console.execute("learn 20")
    take(hum, 20)
    hum.console.execute("learn stable")
    equal(hum.detector.learn_most, int(86400 * 4000 / 64))
    take(hum, 30)
    hum.console.execute("learn stop")
    equal(hum.console.execute("status")["learn_most"], 0)
    equal([e["cause"] for e in told(hum)], ["stable", "length", "stopped"])


@test
def a_named_mode_may_be_learned_until_stable():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 40")
    take(hum, 40)
    for line, most in (
        ("learn stable as full load", 5400000),
        ("learn stable 900 as full load", 900),
    ):
        equal(
            (hum.console.execute(line)["mode"], hum.detector.learn_most), ("full load", most), line
        )
        hum.console.execute("learn stop")
    equal(hum.console.execute("learn stable soon")["ok"], False)
    equal(hum.console.execute("learn stable 900 like night")["ok"], False)


done()
