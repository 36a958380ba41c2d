"""Covariance: distances that know what dimensions have in common; the same life as the diagonal's."""

from fakes import pipeline
from harness import Lcg, as_bytes, between, done, equal, test
from nearhum.covariance import Covariance
from nearhum.detect import Detector
from nearhum.dsp_fixed import Log2
from nearhum.errors import ConfigError
from nearhum.prototypes import Prototypes

LOG2 = Log2()


def made(full=True, n=4):
    d = Detector(Prototypes(8, n, 2, LOG2), 86400)
    if full:
        d.covariance = Covariance(d.prototypes, 2, LOG2)
    return d


def together(random, n=4, at=0):
    """Dimensions that go up and down together, by 30, and apart by 3."""
    common = random.within(30)
    return as_bytes([at + common + random.within(3) for _ in range(n)])


def learned(d, n=300, modes=(0,), seed=1):
    random = Lcg(seed)
    d.start(n)
    for i in range(n):
        row = together(random, d.prototypes.n_dims, modes[i * len(modes) // n])
        d.period.learn_one(row, d.score_one(row))
        if d.stale:
            d.refresh()
    d.finish()
    return d


@test
def what_breaks_what_they_have_in_common_is_strange():
    apart = as_bytes([20, 20, -20, 20])
    diagonal, full = learned(made(False)), learned(made())
    between(diagonal.score_one(apart), -2000, diagonal.threshold, "each by itself is as ever")
    between(full.score_one(apart), full.threshold + 256, 9000, "together they never were so")
    random = Lcg(4)
    for _ in range(50):
        equal(full.score_one(together(random)) < full.threshold, True)


@test
def a_typical_window_scores_as_with_a_diagonal():
    random = Lcg(5)
    full = learned(made())
    scores = [full.score_one(together(random)) for _ in range(200)]
    between(sum(scores) // 200, -256, 256, "mean score")


@test
def modes_share_it():
    d = learned(made(), 400, (-60, 60))
    equal(d.prototypes.n, 2)
    random = Lcg(6)
    for at in (-60, 60):
        equal(d.score_one(together(random, 4, at)) < d.threshold, True)
        equal(d.prototypes.n, 2)
    between(d.score_one(as_bytes([20, -20, 20, -20])), d.threshold, 9000, "between the modes")


@test
def it_survives_a_reset_at_any_window():
    random, d = Lcg(7), made()
    d.start(60)
    for _ in range(60):
        row = together(random)
        d.period.learn_one(row, d.score_one(row))
        if d.stale:
            d.refresh()
        image = d.pack()
        other = made()
        equal(other.unpack(memoryview(image)), len(image))
        equal(other.pack(), image)
        equal(other.score_one(row), d.score_one(row))
    d.finish()
    image = d.pack()
    other = made()
    other.unpack(memoryview(image))
    equal((other.pack(), other.score_one(row)), (image, d.score_one(row)))


@test
def sixteen_dimensions_keep_their_budget():
    d = learned(made(n=16))
    between(len(d.covariance.pack()), 300, 1536, "bytes, watching")
    d.start(300)
    random = Lcg(8)
    for _ in range(200):
        d.period.learn_one(together(random, 16), 0)
    d.refresh()
    between(len(d.covariance.pack()), 1000, 1536, "bytes, learning")


@test
def a_named_mode_is_added_under_it():
    d = learned(made())
    random = Lcg(9)
    d.start(40, "load")
    for _ in range(40):
        row = together(random, 4, 90)
        d.period.learn_one(row, d.score_one(row))
        if d.stale:
            d.refresh()
    d.finish()
    equal(d.score_one(together(random, 4, 90)) < d.threshold, True)


@test
def what_never_changes_is_no_reason_to_fall():
    d = made()
    d.start(40)
    for _ in range(40):
        d.period.learn_one(bytearray(4), d.score_one(bytearray(4)))
        if d.stale:
            d.refresh()
    d.finish()
    between(d.score_one(bytearray(4)), -9000, d.threshold, "as ever")
    between(d.score_one(as_bytes([127, 0, -128, 0])), d.threshold, 9000, "strange")


@test
def too_many_dimensions_are_told():
    try:
        pipeline("vibration", n_channels=3, n_bands=12, spread="full")
    except ConfigError as e:
        equal("whitening of 39 dimensions" in str(e), True, str(e))
    else:
        equal(True, False, "39 dimensions went through")


done()
