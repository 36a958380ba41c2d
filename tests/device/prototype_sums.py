"""Test prototypes in exact rational arithmetic: sums, mean, variance, merging, removal, bytes."""

from array import array

from harness import Lcg, as_bytes, between, clear_error, done, equal, i8, raises, test
from nearhum import kernels
from nearhum.detection.prototypes import MAX_COUNT, Prototypes
from nearhum.errors import CommandError
from nearhum.features.transform_fixed import Log2

LOG2 = Log2()


def made(n=4, capacity=3, floor=2):
    return Prototypes(capacity, n, floor, LOG2)


def derived(s1, s2, count):
    """(mean, variance Q12) of one dimension by the kernel."""
    mean, variance = bytearray(1), array("i", [0])
    kernels.derive(
        array("i", [s1]), 1, array("i", [s2 >> 24, s2 & 0xFFFFFF]), count, mean, variance
    )
    return i8(mean)[0], variance[0]


def check(s1, s2, count):
    """Compare with rationals: the mean rounded half up and at most 127, the variance within two
    units of Q12.
    """
    mean, variance = derived(s1, s2, count)
    equal(mean, min(127, (2 * s1 + count) // (2 * count)), (s1, count))
    # variance - 4096 (s2 / count - (s1 / count)^2), times count^2
    off = variance * count * count - 4096 * (s2 * count - s1 * s1)
    between(off, -2 * count * count, 2 * count * count, ("variance", s1, s2, count))


@test
def means_round_to_nearest():
    for s1, count, wanted in (
        (1, 2, 1),
        (-1, 2, 0),
        (3, 2, 2),
        (-3, 2, -1),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (255, 2, 127),
    ):
        equal(derived(s1, s1 * s1, count)[0], wanted, (s1, count))


@test
def constants_have_no_variance():
    for value in (-128, -1, 0, 1, 127):
        for count in (1, 2, 3, 1000, MAX_COUNT):
            equal(derived(value * count, value * value * count, count), (value, 0), (value, count))


@test
def the_widest_there_is():
    # half at -128, half at 127: mean -0.5, variance 127.5^2
    equal(derived(-1000, 1000 * (16384 + 16129), 2000), (0, 66585600))
    check(-(MAX_COUNT // 2), MAX_COUNT // 2 * (16384 + 16129), MAX_COUNT - 1)


@test
def mean_and_variance_of_random_sums():
    random = Lcg(11)
    for count in (1, 2, 3, 5, 17, 100, 999, 65537):
        for _ in range(20):
            low, high = random.within(128), random.within(127)
            k = random.below(min(count, 65535) + 1)
            check(low * k + high * (count - k), low * low * k + high * high * (count - k), count)


@test
def sums_of_two_boards_add_to_one():
    random = Lcg(2)
    rows = [as_bytes([random.within(127) for _ in range(4)]) for _ in range(30)]
    one, two, both = made(), made(), made()
    for p in (one, two, both):
        p.add(None)
    for i, row in enumerate(rows):
        (one if i % 3 else two).learn_one(0, row)
        both.learn_one(0, row)
    for i in range(4):
        s = [p._row[0].sums[i] for p in (one, two, both)]
        equal(s[0] + s[1], s[2])
        q = [
            (p._row[0].squares[2 * i] << 24) + p._row[0].squares[2 * i + 1]
            for p in (one, two, both)
        ]
        equal(q[0] + q[1], q[2])


@test
def order_does_not_matter():
    random = Lcg(3)
    rows = [as_bytes([random.within(127) for _ in range(4)]) for _ in range(20)]
    images = []
    for order in (rows, rows[::-1], rows[7:] + rows[:7]):
        p = made()
        p.add(None)
        for row in order:
            p.learn_one(0, row)
        images.append(p.pack(0))
    equal(images[0] == images[1] == images[2], True)


@test
def counts_stand_still_at_the_limit():
    p = made(1)
    p.add(None)
    p.counts[0] = MAX_COUNT - 1
    p.learn_one(0, as_bytes([5]))
    p.learn_one(0, as_bytes([5]))
    equal((p.counts[0], p._row[0].sums[0]), (MAX_COUNT, 5))


def three(p):
    """Prototypes with means -50, 0 and 50 and little spread."""
    random = Lcg(4)
    for label, centre in (("a", -50), (None, 0), ("c", 50)):
        j = p.add(label)
        for _ in range(16):
            p.learn_one(j, as_bytes([centre + random.within(3) for _ in range(p.n_dims)]))
        p.derive(j)
    return p


@test
def the_nearest_wins():
    p = three(made())
    for centre, wanted in ((-50, 0), (1, 1), (60, 2)):
        p.score_one(as_bytes([centre] * 4))
        equal(p.nearest(), wanted)


@test
def scores_by_hand():
    # spread below the floor of 2 steps: weights 255; d = 4 steps in each of 4 dimensions: 4 times
    # the squared floor, and a quarter for the largest: log2(5) octaves
    p = made()
    p.add(None)
    p.learn_one(0, bytearray(4))
    p.derive(0)
    between(p.score_one(as_bytes([4, -4, 4, -4])), 594 - 3, 594 + 3, "log2(5) in Q8")
    # one dimension alone: 16 / 4 + 16 / 4 in units of the floor
    between(p.score_one(as_bytes([8, 0, 0, 0])), 3 * 256 - 3, 3 * 256 + 3, "3 octaves")
    equal(p.strangest(as_bytes([0, 3, -4, 1])), [[2, 61], [1, 34], [3, 3]])
    equal(p.strangest(as_bytes([0, 3, 0, 0])), [[1, 100]])


@test
def removing_moves_the_rest_down():
    p = three(made())
    a, c = p.pack(0), p.pack(2)
    p.remove(1)
    equal((p.labels, p.counts, p.pack(0), p.pack(1)), (["a", "c"], [16, 16], a, c))
    fresh = made()
    fresh.unpack("a", a)
    fresh.unpack("c", c)
    for centre in (-50, -10, 20, 50):
        x = as_bytes([centre] * 4)
        equal(p.score_one(x), fresh.score_one(x), centre)
    j = p.add("new")
    equal((j, p.pack(2)), (2, bytes(4 + 12 * 4)))


@test
def removing_the_last_and_the_only():
    p = three(made())
    p.remove(2)
    p.remove(1)
    p.remove(0)
    equal(p.n, 0)


@test
def full():
    p = three(made())
    clear_error(raises(CommandError, p.add, "d"), "3")
    equal(p.n, 3)


@test
def bytes_and_back():
    p = three(made())
    again = made()
    for j in range(3):
        equal(again.unpack(p.labels[j], memoryview(p.pack(j))), 4 + 12 * 4)
    for x in ([-50, -48, -51, -50], [7, 7, 7, 7], [127, -128, 127, -128]):
        equal(again.score_one(as_bytes(x)), p.score_one(as_bytes(x)))
        equal(again.nearest(), p.nearest())
    equal([again.pack(j) for j in range(3)], [p.pack(j) for j in range(3)])


@test
def eight_prototypes_of_thirty_two_dimensions_fit_their_budget():
    p = Prototypes(8, 32, 2, LOG2)
    for _ in range(8):
        p.add(None)
    between(sum([len(p.pack(j)) for j in range(8)]), 1, 4096, "bytes of learned state")


@test
def pooled_variance():
    p = made(1)
    for values in ([1, 3], [-10, -10, -7]):
        j = p.add("x")
        for v in values:
            p.learn_one(j, as_bytes([v]))
        p.derive(j)
    # (2 + 6) / (5 - 2), Q12; shares are of 256, the quotients of the parts may each round down
    between(p.variance[0], 4096 * 8 // 3 - 110, 4096 * 8 // 3 + 2, "pooled")


@test
def one_of_each_has_no_spread():
    p = made(1)
    for v in (-5, 100):
        j = p.add("x")
        p.learn_one(j, as_bytes([v]))
        p.derive(j)
    equal(p.variance[0], 0)


@test
def the_spread_of_many_is_not_lost():
    # counts beyond 2^21 are halved with what they are shares of
    p = made(1)
    p.add(None)
    p.counts[0] = 1 << 23
    p._row[0].squares[0] = 9 << 23 >> 24  # every value is 3 from the mean of 0
    p._row[0].squares[1] = (9 << 23) & 0xFFFFFF
    p.derive(0)
    between(p.variance[0], 9 * 4096 - 40, 9 * 4096, "variance")


@test
def joined_as_if_one_had_learned_all():
    random = Lcg(6)
    rows = [as_bytes([random.within(127) for _ in range(4)]) for _ in range(30)]
    two, one = made(), made()
    one.add(None)
    for j in range(2):
        two.add(None)
    for i, row in enumerate(rows):
        two.learn_one(i % 3 and 1, row)
        one.learn_one(0, row)
    one.derive(0)
    two.derive(0)
    two.derive(1)
    two.join(0, 1)
    equal((two.n, two.counts, two.pack(0)), (1, [30], one.pack(0)))
    for row in rows:
        equal(two.score_one(row), one.score_one(row))


@test
def room_that_is_not_needed_is_given_back():
    p = three(made())
    before = [p.pack(j) for j in range(3)]
    p.reserve(8)
    p.reserve(0)
    equal([p.pack(j) for j in range(3)], before)
    p.score_one(as_bytes([49] * 4))
    equal(p.nearest(), 2)


done()
