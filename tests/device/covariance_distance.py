"""Test the covariance: distances that know how dimensions depend on each other."""

from fakes import pipeline, reset
from harness import Lcg, as_bytes, between, done, equal, i8, test
from nearhum.detection import covariance
from nearhum.detection.covariance import Covariance
from nearhum.detection.detect import Detector
from nearhum.detection.prototypes import Prototypes
from nearhum.errors import ConfigError
from nearhum.features.transform_fixed import Log2

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
def it_is_made_anew_from_half_of_the_period_on_at_each_sixteenth_more():
    for n in (60, 120):
        d = made()
        random = Lcg(1)
        d.start(n)
        at = []
        for i in range(1, n + 1):
            row = together(random)
            d.period.learn_one(row, d.score_one(row))
            if d.stale:
                at.append(i)
                d.refresh()
        equal(at[0], n // 2, n)  # before, the modes are not found yet
        for known, again in zip(at, at[1:]):
            equal(again, known + (known + 15) // 16, n)
        equal(at[-1] + (at[-1] + 15) // 16 > n, True, n)  # to the end of the period


@test
def the_first_member_of_a_period_is_enough_for_a_whitening():
    c = Covariance(Prototypes(1, 3, 2, LOG2), 2, LOG2)
    c._prototypes.add(None)
    random = Lcg(8)
    for period in range(2):  # the second does not count on what the first knew
        c.start()
        for i in range(20):
            c.learn_one(together(random, 3), 0)
            if i == 0:
                equal(c.stale(), True, period)
            c.refresh()
        c.finish()


@test
def what_lies_at_both_ends_is_apart_by_all_there_is():
    # 255 steps are 128 double ones, of which int8 holds 127
    out = bytearray(3)
    covariance._apart(as_bytes([127, -128, 126]), as_bytes([-128, 127, -128]), 3, out)
    equal(i8(out), [127, -127, 127])
    # half of the difference, halves upwards
    for x, mean, wanted in (
        ([3, 4, -3], [0, 0, 0], [2, 2, -1]),
        ([-4, -5, 0], [0, 0, 3], [-2, -2, -1]),
        ([1, 2, 1], [1, 1, 2], [0, 1, 0]),
    ):
        covariance._apart(as_bytes(x), as_bytes(mean), 3, out)
        equal(i8(out), wanted, (x, mean))


@test
def a_reset_while_it_is_summed_changes_nothing_of_it():
    covariances = [Covariance(Prototypes(1, 3, 2, LOG2), 2, LOG2) for _ in range(2)]
    random, first, second = Lcg(6), covariances[0], covariances[1]
    for c in covariances:
        c._prototypes.add(None)
    first.start()
    for _ in range(40):  # far from the mean of the mode, 0 as yet: the mean is not taken off
        first.learn_one(together(random, 3, 60), 0)
    second.unpack(first.pack())
    for c in covariances:
        c.refresh()
        c.finish()
    equal(second.pack(), first.pack())
    equal(first.pack()[0], 0)  # the sums are gone: a state has the last whitening alone
    x = together(random, 3, 60)
    equal(second.score_one(x), first.score_one(x))


@test
def a_typical_window_scores_as_with_a_diagonal():
    random = Lcg(5)
    full = learned(made())
    scores = [full.score_one(together(random)) for _ in range(200)]
    between(sum(scores) // 200, -256, 256, "mean score")


@test
def a_whitened_dimension_saturates_at_32_spreads():
    apart = as_bytes([126, -126, 126, -126])
    between(learned(made()).score_one(apart), 2550, 2570, "ten octaves: 32 squared")


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
    reset()  # the code of what came before leaves no room for a whole board
    try:
        pipeline("vibration", n_channels=3, n_bands=12, spread="full")
    except ConfigError as e:
        equal("whitening of 39 dimensions" in str(e), True, str(e))
    else:
        equal(True, False, "39 dimensions went through")


done()
