"""Test the calibration: it keeps its promise on known distributions, and is sane for few scores."""

from math import exp, log, sqrt

from harness import Lcg, between, done, equal, test
from nearhum.detection.calibration import (
    ENOUGH,
    MOST,
    NO_THRESHOLD,
    Calibration,
    octaves_q8,
)

UNIT = 100  # of a score, one of the law


def uniform(random):
    return (random.within(1 << 14) + (1 << 14) + 1) / ((1 << 15) + 2)


def exponential(random):
    return -log(uniform(random))


def gumbel(random):
    return -log(-log(uniform(random)))


def pareto(random):
    return (uniform(random) ** -0.1 - 1) / 0.1  # generalised, of shape 0.1


def normal(random):
    # three uniforms are no normal tail; twelve are one as far as these tests look
    return sum([uniform(random) for _ in range(12)]) - 6


def sf_normal(x):
    # Abramowitz and Stegun 26.2.17, error below 1e-7; the sum of twelve has a lighter tail: see
    # `laws`
    t = 1 / (1 + 0.2316419 * x)
    p = t * (
        0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    return exp(-x * x / 2) / sqrt(6.283185307) * p


# law: (draw, how often it is exceeded)
LAWS = {
    "exponential": (exponential, lambda x: exp(-x)),
    "gumbel": (gumbel, lambda x: 1 - exp(-exp(-x))),
    "pareto": (pareto, lambda x: (1 + 0.1 * x) ** -10),
    "normal": (normal, sf_normal),
}


@test
def stated_alarms_are_met_within_a_factor_of_two():
    # a learning period of eight times the time between alarms, fifteen boards a law
    for name in sorted(LAWS):
        draw, exceeded = LAWS[name]
        met, rates = 0, []
        for seed in range(15):
            random, c = Lcg(seed + 1), Calibration(200)
            for _ in range(1600):
                c.add(int(UNIT * draw(random) + 0.5))
            rates.append(200 * exceeded(c.threshold() / UNIT))
            met += 0.5 <= rates[-1] <= 2
        rates.sort()
        between(int(100 * rates[7]), 70, 145, "median of %s, percent of the stated rate" % name)
        equal(met >= 12, True, (name, rates))


@test
def windows_that_are_tied_count_once():
    # every score eight times: alarms come in eights, and an eight is one
    random, one, eight = Lcg(9), Calibration(200), Calibration(200, 8)
    for _ in range(1600):
        score = int(UNIT * exponential(random))
        one.add(score)
        for _ in range(8):
            eight.add(score)
    equal((one.n_blocks, eight.n_blocks), (1600, 1600))
    between(eight.threshold() - one.threshold(), -5, 5, "threshold")


@test
def few_scores_lean_on_their_spread():
    c = Calibration(1000)
    equal(c.threshold(), 1024)
    for n in range(1, 40):
        c.add(300 + (n * 37) % 100)
        between(c.threshold(), 300, 1500, "after %d" % n)


@test
def a_wild_score_among_few_moves_it_little():
    thresholds = []
    for wild in (400, 2000):
        c = Calibration(100000, 4)
        for n in range(30):
            c.add(wild if n == 20 else 300 + (n * 37) % 100)
        thresholds.append(c.threshold())
    between(thresholds[1] - thresholds[0], 0, 1700, "threshold")


@test
def the_largest_are_kept():
    random, c = Lcg(3), Calibration(10)
    scores = [random.within(8000) for _ in range(500)]
    for s in scores:
        c.add(s)
    equal(sorted(c._top), sorted(scores)[-MOST:])


@test
def a_block_that_is_not_full_counts_by_what_it_has():
    c = Calibration(100, 100)
    for n in range(50):
        c.add(100)
    low = c.threshold()
    c.add(900)
    equal(c.threshold() > low, True)


@test
def it_survives_a_reset_at_any_score():
    random, c = Lcg(4), Calibration(100, 3)
    for n in range(150):
        image = c.pack()
        other = Calibration(100, 3)
        equal(other.unpack(memoryview(image)), len(image))
        equal((other.pack(), other.threshold()), (image, c.threshold()))
        c.add(random.within(3000))


@test
def the_rarest_alarms_and_the_largest_scores():
    # the histogram ends at 12 octaves: what scores more counts as that, and 4 upper spreads
    for score in (8191, -8191, 0):
        c = Calibration(1 << 40)
        for _ in range(ENOUGH + 10):
            c.add(score)
        between(c.threshold(), min(score, 12 * 256), NO_THRESHOLD - 1, "threshold")
    c = Calibration(1 << 44)
    for n in range(2000):
        c.add(8191 if n & 1 else -8191)
    between(c.threshold(), 8191, NO_THRESHOLD - 1, "threshold")


@test
def one_wild_score_among_few_sets_no_threshold():
    plain, wild = Calibration(100000), Calibration(100000)
    for n in range(12):
        plain.add(300 + (n * 37) % 100)
        wild.add(300 + (n * 37) % 100 if n else 2200)
    between(wild.threshold() - plain.threshold(), 0, 400, "threshold, not 1800 more")


@test
def scores_that_seldom_cross_their_mean_are_few():
    # forty windows up, forty down: ten swings say no more than ten scores
    fast, slow = Calibration(1000), Calibration(1000)
    for n in range(800):
        fast.add(300 + 100 * (n & 1))
        slow.add(300 + 100 * (n // 40 & 1))
    equal(fast.independent_q8() >> 8, 799)
    between(slow.independent_q8() >> 8, 18, 24, "independent scores")
    equal(slow.threshold() > fast.threshold(), True)
    between(slow.beyond_q8() - fast.beyond_q8(), 5 * 256, 6 * 256, "octaves beyond what was seen")


@test
def the_first_scores_do_not_count_where_others_follow():
    c = Calibration(100000, 1, 3)
    for n in range(30):
        c.add(2000 if n < 3 else 300 + (n * 37) % 100)
    equal(c.n, 27)
    between(c.threshold(), 400, 700, "threshold")
    few = Calibration(100000, 1, 3)
    for n in range(5):
        few.add(300 + (n * 37) % 100)
    few.threshold()
    equal(few.n, 5)


@test
def logarithms():
    for n, wanted in ((1, 0), (2, 256), (3, 384), (1 << 40, 40 * 256)):
        equal(octaves_q8(n), wanted)


done()
