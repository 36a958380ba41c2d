"""Test whitening: exact sums, the head made from them, and its embeddings, also with ulab."""

from array import array

import micropython
from harness import Lcg, Skip, as_bytes, between, clear_error, done, equal, i8, raises, test
from nearhum.embedding.head import Network
from nearhum.embedding.whitening import MAX_COUNT, UNIT_STEPS, Whitening
from nearhum.errors import CommandError, ConfigError
from nearhum.features.arrays import np
from nearhum.kernels.viper_outer import learn_outer

print("np is", np.NAME)


def learned(rows):
    w = Whitening(len(rows[0]))
    for row in rows:
        w.learn_one(as_bytes(row))
    return w


def outer_sums(rows):
    n = len(rows[0])
    return [sum([row[i] * row[j] for row in rows]) for i in range(n) for j in range(i, n)]


def whole(pairs):
    return [(pairs[2 * i] << 24) + pairs[2 * i + 1] for i in range(len(pairs) // 2)]


@test
def sums_are_exact():
    random = Lcg(41)
    for n in (1, 2, 5, 32):
        rows = [[random.below(256) - 128 for _ in range(n)] for _ in range(20)] + [
            [-128] * n,
            [127] * n,
        ]
        w = learned(rows)
        equal(list(w.sums), [sum([row[i] for row in rows]) for i in range(n)], n)
        equal(whole(w.outer), outer_sums(rows), n)


@test
def sums_carry_both_ways():
    full = (1 << 24) - 1
    for high, low, x in (
        (5, full, (1, 1)),
        (-1, full, (-128, -128)),
        (0, 0, (-128, 127)),
        (-16384, 16255, (127, -128)),
    ):
        outer = array("i", [0, 0, high, low, 0, 0])
        learn_outer(as_bytes(x), 2, array("i", [0, 0]), outer)
        equal((outer[2] << 24) + outer[3], (high << 24) + low + x[0] * x[1])
        between(outer[3], 0, (1 << 24) - 1)


@test
def the_longest_period_and_its_end():
    w = Whitening(2)
    row = as_bytes([-128, 127])
    w.count = MAX_COUNT - 2
    for i in range(2):
        w.sums[i] = (MAX_COUNT - 2) * (-128, 127)[i]
    for i, product in enumerate((16384, -16256, 16129)):
        total = product * (MAX_COUNT - 2)
        w.outer[2 * i], w.outer[2 * i + 1] = total >> 24, total & 0xFFFFFF
    for _ in range(5):
        w.learn_one(row)
    equal((w.count, list(w.sums)), (MAX_COUNT, [-128 * MAX_COUNT, 127 * MAX_COUNT]))
    equal(whole(w.outer), [16384 * MAX_COUNT, -16256 * MAX_COUNT, 16129 * MAX_COUNT])
    equal(i8(Network(w.head(2), 2).embed_into(row)), [0, 0])


@test
def learning_allocates_nothing():
    if not hasattr(micropython, "heap_lock"):
        raise Skip("micropython.heap_lock")
    w = Whitening(32)
    row = as_bytes(list(range(-16, 16)))
    w.learn_one(row)
    micropython.heap_lock()
    try:
        for _ in range(10):
            w.learn_one(row)
    finally:
        micropython.heap_unlock()
    equal(w.count, 11)


@test
def two_dimensions_by_hand():
    # equal spreads of 4 and nothing in common: a scale of UNIT_STEPS / 4 about the mean (10, -20)
    rows = [(14, -16), (14, -24), (6, -16), (6, -24)] * 50
    dense = Network(learned(rows).head(1), 2)
    for x, wanted in (
        ((10, -20), (0, 0)),
        ((14, -20), (UNIT_STEPS, 0)),
        ((10, -28), (0, -2 * UNIT_STEPS)),
    ):
        found = i8(dense.embed_into(as_bytes(x)))
        for i in range(2):
            between(found[i] - wanted[i], -1, 1, (x, found))
    equal(i8(dense.embed_into(as_bytes((127, -128)))), [127, -128])
    equal(i8(dense.embed_into(as_bytes((-128, 127)))), [-128, 127])


@test
def what_dimensions_have_in_common_counts_once():
    # the second follows the first up to one step: a move of both is usual, of one alone is far
    random = Lcg(5)
    rows = []
    for _ in range(400):
        v = random.within(30)
        rows.append((v, v + random.within(1)))
    dense = Network(learned(rows).head(1), 2)

    def distance_q2(x):
        return (
            sum([v * v for v in i8(dense.embed_into(as_bytes(x)))]) * 4 // (UNIT_STEPS * UNIT_STEPS)
        )

    between(distance_q2((17, 17)), 1, 8, "one spread of both")
    between(distance_q2((17, -3)), 4 * 30, 4 * 600, "apart")


@test
def degenerate_sums():
    for rows in (
        [(5, -5, 77)],  # one embedding
        [(5, -5, 77)] * 30,
        [(-128, -128, 127)] * 9,
        [(v, v, -v) for v in range(-20, 20)],  # all of it one direction
        [(v, 3, -128 if v & 1 else 127) for v in range(-20, 20)],
    ):
        dense = Network(learned(rows).head(2), 3)
        mean = [(2 * sum(column) + len(rows)) // (2 * len(rows)) for column in zip(*rows)]
        for v in i8(dense.embed_into(as_bytes(mean))):
            between(v, -4, 4, rows[0])


@test
def the_head_knows_where_it_came_from():
    a, b = learned([(1, 2), (3, 5)]), learned([(1, 2), (3, 6)])
    equal(a.head(2), a.head(2))
    equal(Network(a.head(2), 2).fingerprint == Network(b.head(2), 2).fingerprint, False)
    equal(Network(a.head(2), 2).n_out, 2)


@test
def what_cannot_be():
    clear_error(raises(ConfigError, Whitening, 33), "33", "32")
    clear_error(raises(ConfigError, Whitening, 0), "0", "32")
    clear_error(raises(CommandError, Whitening(4).head, 2), "learn")


done()
