"""Test priors: a board that starts from another's state, blends it, and refuses a bad one."""

from fakes import pipeline, take
from harness import done, equal, scratch, test
from nearhum.storage.prior import scaled
from nearhum.wire import IDLE, LEARN, WATCH

SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6, "prior": "prior.nhs"}


def image_of(kind="vibration", finish=True, **given):
    """The state image of a board that learned 400 windows and one label."""
    hum = pipeline(kind, **given)
    hum.console.execute("learn 400" if finish else "learn 500")
    take(hum, 400)
    hum.console.execute("enrol hum 2")
    take(hum, 2)
    hum.learned.save()
    with open(hum.store.path(), "rb") as f:
        return f.read(), hum


def with_prior(image, kind="vibration", **given):
    root = scratch()
    with open(root + "prior.nhs", "wb") as f:
        f.write(image)
    return pipeline(kind, root=root, **given)


def sums(p, j=0):
    return p.counts[j], list(p._row[j].sums), list(p._row[j].squares)


@test
def a_board_starts_from_its_prior():
    image, other = image_of(**dict(SMALL, prior=""))
    hum = with_prior(image, prior_weight=100, **SMALL)
    equal((hum.detector.state, hum.detector.threshold), (WATCH, other.detector.threshold))
    equal((hum.detector.prototypes.counts, hum.recogniser.prototypes.labels), ([100], ["hum"]))
    equal(bytes(hum.detector.prototypes.mean_of(0)), bytes(other.detector.prototypes.mean_of(0)))
    take(hum, 5, seed=4)
    equal(hum.temporal.alarm, False)
    # its own state wins from now on
    hum.console.execute("reset learned")
    again = pipeline("vibration", root=hum.root, **SMALL)
    equal((again.detector.state, again.recogniser.ids), (IDLE, []))
    equal(again.console.execute("reset factory")["ok"], True)
    equal((again.detector.state, again.detector.prototypes.counts), (WATCH, [200]))
    equal(again.recogniser.prototypes.labels, ["hum"])
    again.console.execute("rollback")
    equal(again.detector.state, IDLE)


@test
def what_is_seen_is_added_to_it():
    image, other = image_of(**dict(SMALL, prior=""))
    hum = with_prior(image, prior_weight=50, **SMALL)
    at_start = sums(hum.detector.prototypes)
    hum.console.execute("enrol tap 1")
    take(hum, 1)
    hum.console.execute("learn 30")
    take(hum, 30, seed=9)
    equal(hum.detector.state, WATCH)
    count, total, squares = sums(hum.detector.prototypes)
    # a board has one scratch folder: this one is new from here on
    alone = pipeline("vibration", **dict(SMALL, prior=""))
    alone.console.execute("learn 30")
    take(alone, 30, seed=9)
    mine = sums(alone.detector.prototypes)
    equal(count, 80)
    equal(total, [a + b for a, b in zip(at_start[1], mine[1])])
    whole = [(squares[i] << 24) + squares[i + 1] for i in range(0, len(squares), 2)]
    both = [at_start[2][i] + mine[2][i] for i in range(len(squares))]
    equal(whole, [(both[i] << 24) + both[i + 1] for i in range(0, len(squares), 2)])
    equal(hum.recogniser.prototypes.labels, ["hum", "tap"])  # labels are not what `learn` is about
    equal((hum.learned.enrol_left, hum.recogniser.n_examples), (0, 3))


@test
def a_small_prior_is_not_made_larger():
    image, other = image_of(**dict(SMALL, prior=""))
    hum = with_prior(image, prior_weight=10000, **SMALL)
    equal(hum.learned.pack() == other.learned.pack(), True)


@test
def ranges_come_with_it():
    image, other = image_of("telemetry")
    hum = with_prior(image, "telemetry", prior="prior.nhs", prior_weight=60)
    equal(hum.features.ranges.pack() == other.features.ranges.pack(), True)
    hum.console.execute("learn 100")
    equal(
        (hum.features.ranges.known, hum.detector.state, sum(hum.detector.prototypes.counts)),
        (True, LEARN, 60),
    )
    take(hum, 100, seed=3)
    equal((hum.detector.state, sum(hum.detector.prototypes.counts)), (WATCH, 160))
    equal(hum.features.ranges.pack() == other.features.ranges.pack(), True)


@test
def a_bad_prior_is_told_and_stops_nothing():
    image, _ = image_of(**dict(SMALL, prior=""))
    unfinished, _ = image_of(finish=False, **dict(SMALL, prior=""))
    other, _ = image_of(**dict(SMALL, prior="", n_bands=7))
    bad = bytearray(image)
    bad[50] ^= 1
    for wrong, word in (
        (bytes(bad), "damaged"), (image[:30], ""), (b"", "cut short"), (other, "other features"),
        (unfinished, "not finished"),
    ):  # fmt: skip
        hum = with_prior(wrong, **SMALL)
        equal((hum.detector.state, hum.recogniser.ids), (IDLE, []), word)
        warning = hum.console.execute("status")["warning"]
        equal((word in warning, len(warning) > 10), (True, True), warning)
        known = hum.learned.pack()
        for text in ("learn 30", "learn 400"):
            equal(hum.console.execute(text)["ok"], False, word)
        equal(hum.learned.pack() == known, True)
        equal(hum.console.execute("reset factory")["ok"], True)
        equal(hum.detector.state, IDLE)
        take(hum, 3)
    hum = pipeline("vibration", **SMALL)
    equal("no prior" in hum.console.execute("status")["warning"], True)


@test
def scaling_by_hand():
    import struct

    packed = struct.pack("<I2i4i", 4, 10, -7, 0, 30, 1, 5)
    equal(scaled(packed, 2, 4, 4), packed)
    equal(
        struct.unpack("<I2i4i", scaled(packed, 2, 2, 4)),
        (2, 5, -3, 0, 15, 0, (0x1000000 + 5 + 1) // 2),
    )
    # one of four: 10/4 rounds to 3, whose square is more than 30/4; the spread must not become
    # negative
    equal(struct.unpack("<I2i4i", scaled(packed, 2, 1, 4))[:4], (1, 3, -2, 0))
    equal(struct.unpack("<I2i4i", scaled(packed, 2, 1, 4))[4], 9)


@test
def scaled_means_stay():
    image, other = image_of(**dict(SMALL, prior=""))
    p = other.detector.prototypes
    mean, variance = list(p.mean_of(0)), list(p.variance)
    for weight in (399, 200, 57, 20):
        p.put(0, scaled(p.pack(0), p.n_dims, weight, p.counts[0]))
        equal(p.counts, [weight])
        for i in range(p.n_dims):
            equal(abs(p.mean_of(0)[i] - mean[i]) <= 1, True, (weight, i))
            equal(abs(p.variance[i] - variance[i]) < 4096 + variance[i] // 8, True, (weight, i))


done()
