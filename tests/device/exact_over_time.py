"""Test ten million windows: mean and spread are those of all of them, without overflow.

The firmware learns all of them on the unix port. Boards learn the first five thousand of the same
stream. Their result is extended to ten million by exact arithmetic, because sums only add.
"""

import micropython
from harness import ON_HOST, Lcg, as_bytes, between, done, equal, i8, test
from nearhum.detection.calibration import Calibration
from nearhum.detection.prototypes import Prototypes
from nearhum.features.transform_fixed import Log2

N = 10000000
N_LEARNED = N if ON_HOST else 5000
PERIOD = 125  # embeddings, again and again; divides both
# centre and spread of a dimension: at rest, at its edges, narrow, wide, stuck but for one window in
# 125
SHAPES = ((0, 6), (-122, 6), (127, 0), (3, 1), (0, 127), (40, 0))


def stream():
    """Return the embeddings of one period as lists."""
    random = Lcg(21)
    rows = [[c + random.within(s) for c, s in SHAPES] for _ in range(PERIOD)]
    rows[7][5] = 41
    return rows


@micropython.native
def learn_all(p, rows, n):
    learn = p.learn_one
    while n > 0:
        for x in rows:
            learn(0, x)
        n -= PERIOD


@micropython.native
def add_all(c, scores, n):
    while n > 0:
        for score in scores:
            c.add(score)
        n -= PERIOD


@test
def sums_are_exact_and_mean_and_spread_within_a_thousandth():
    rows = stream()
    p = Prototypes(1, len(SHAPES), 2, Log2())
    p.add(None)
    learn_all(p, [as_bytes(row) for row in rows], N_LEARNED)
    equal(p.counts, [N_LEARNED])
    row = p._row[0]
    for i in range(len(SHAPES)):
        one = sum([x[i] for x in rows]), sum([x[i] * x[i] for x in rows])  # of a period
        periods = N_LEARNED // PERIOD
        equal(
            (row.sums[i], (row.squares[2 * i] << 24) + row.squares[2 * i + 1]),
            (periods * one[0], periods * one[1]),
        )
        # a board goes on by arithmetic; after ten million learned this changes nothing
        periods = N // PERIOD
        row.sums[i] = periods * one[0]
        row.squares[2 * i], row.squares[2 * i + 1] = (
            periods * one[1] >> 24,
            periods * one[1] & 0xFFFFFF,
        )
    p.counts[0] = N
    p.derive(0)
    for i in range(len(SHAPES)):
        one = sum([x[i] for x in rows]), sum([x[i] * x[i] for x in rows])
        # the mean in millionths of a step, from the sums; and rounded to a step, as scores use it
        equal(row.sums[i] * 1000000 // N, one[0] * 1000000 // PERIOD, ("mean", i))
        equal(
            i8(row.mean)[i], min(127, (2 * one[0] + PERIOD) // (2 * PERIOD)), ("mean in steps", i)
        )
        # spread within 0.1 %: variance within 0.2 %, and half a unit of Q12
        exact = 4096 * (PERIOD * one[1] - one[0] * one[0])
        of = PERIOD * PERIOD
        between(
            (row.variance[i] * of - exact) * 1000,
            -2 * exact - 500 * of,
            2 * exact + 500 * of,
            ("variance", i),
        )


@test
def scores_too():
    # the calibration of a learning period of that length: the quantiles of its scores
    random = Lcg(5)
    scores = [(random.within(3000) + random.within(3000)) >> 1 for _ in range(PERIOD)]
    scores[3], scores[4] = 8191, -8191
    c = Calibration(86400)
    n = 200000 if ON_HOST else 2500
    add_all(c, scores, n)
    equal((c.n, c.highest, max(c.bins) <= 65535), (n, 8191, True))
    ordered = sorted(scores)
    for part, of in ((1, 2), (4, 5)):
        # a bin is an eighth of an octave; bins that were halved lose what is odd
        exact = ordered[PERIOD * part // of]
        between(c.quantile(part, of), exact - 40, exact + 40, (part, of))
    equal(c.independent_q8() > 200 * 256, True)


done()
