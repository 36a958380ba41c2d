"""Test the kernels of filters, roots and angles against values computed by hand."""

from array import array

from harness import Lcg, as_bytes, between, done, equal, i8, test
from nearhum import kernels
from nearhum.kernels import tables, viper_filter, viper_pool
from nearhum.kernels.viper_cosine import cosines

BIAS = 0x20000


def filtered(values, *sections):
    z = array("i", [v + BIAS for v in values])
    words = array("H")
    for s in sections:
        words += array("H", s)
    viper_filter.biquads(z, 0, len(z), words, len(sections))
    return [v - BIAS for v in z]


@test
def poles_on_zeros_cancel():
    # b = 1 (2^13 >> 2 is Q11), poles twice at z = 1 as the zeros of a high-pass, or at z = -1 as
    # those of a low-pass
    random = Lcg(2)
    x = [random.within(32768) for _ in range(50)] + [-32768, 32768, 0]
    for high_pass, mirrored in ((1, 0), (0, 1)):
        equal(filtered(x, [high_pass, 8192, 2, mirrored, 0, 0, 1]), x)


@test
def poles_at_zero_leave_the_numerator():
    # d1 = 2, d2 = 1 in 2^-12
    for mirrored in (0, 1):
        equal(
            filtered([1000, 0, 0, 0], [0, 8192, 2, mirrored, 8192, 4096, 1]), [1000, 2000, 1000, 0]
        )
        equal(
            filtered([0, 1000, 5, 0, 0], [1, 8192, 2, mirrored, 8192, 4096, 1]),
            [0, 1000, -1995, 990, 5],
        )
    # the first section's output is the second one's input
    both = [0, 4096, 2, 0, 8192, 4096, 1], [1, 4096, 2, 0, 8192, 4096, 1]
    equal(filtered([4000, 0, 0, 0, 0, 0], *both), [1000, 0, -2000, 0, 1000, 0])


@test
def a_cascade_saturates_and_recovers():
    four = [0, 8192, 2, 0, 8192, 4096, 1]  # a gain of 4 at zero
    found = filtered([32768] * 4 + [0] * 4 + [-32768] * 4 + [0] * 4, four, four)
    equal(found[:3], [32768, 131072, 131072])
    equal(found[3:11], [131072, 131072, 131072, 131072, 32768, -32768, -131072, -131072])
    equal(found[-1], -32768)
    equal(filtered([0] * 4, four), [0] * 4)


@test
def sections_of_a_corner():
    # Butterworth of second order at a quarter of the rate: b = 1 / (2 + sqrt 2), poles where z^2 =
    # -(sqrt 2 - 1)^2 b = 0.292893 * 2^14 = 4798.8; at just a quarter d1 = 2, d2 = 1 - 0.171573 =
    # 0.828427 * 2^12 = 3393.2
    equal(list(viper_filter.section(False, 250, 1000, 0, 2)), [0, 4799, 3, 0, 8192, 3393, 1])
    equal(list(viper_filter.section(True, 250, 1000, 0, 2)), [1, 4799, 3, 0, 8192, 3393, 1])
    # above it the mirror image
    low, high = (
        viper_filter.section(False, 100, 1000, 0, 2),
        viper_filter.section(True, 400, 1000, 0, 2),
    )
    equal((list(low[1:3]), list(low[4:])), (list(high[1:3]), list(high[4:])))
    equal((low[3], high[3]), (0, 1))
    equal(len(viper_filter.band_pass(2000, 4000, 12000)), 3 * viper_filter.WORDS)


@test
def a_band_pass_lets_its_band_through():
    sections = viper_filter.band_pass(1000, 2000, 10000)
    sine = tables.Sine()
    for hz, low, high in ((1400, 28000, 33500), (250, 0, 200), (4500, 0, 1500), (0, 0, 3)):
        x = array("i", [sine.q15(i * hz, 10000) + BIAS for i in range(600)])
        viper_filter.biquads(x, 0, 600, sections, 3)
        between(max([abs(v - BIAS) for v in x[300:]]), low, high, hz)


def widened(values, mean):
    z = array("i", bytes(4 * len(values)))
    bits = viper_filter.widen(array("h", values), 0, len(z), mean, z)
    return bits, [v - BIAS for v in z]


@test
def widen_by_hand():
    equal(widened([5, -3, 1], 1), (3, [4 << 12, -4 << 12, 0]))
    equal(widened([0, -5], 1), (3, [-1 << 12, -6 << 12]))
    # 16 bits are one too many: halved, half a count up
    equal(widened([32767, -32768, 3, 4], -32768), (16, [32768, 0, 16386, 16386]))
    equal(widened([-32768, 32767], 32767), (16, [-32767, 0]))
    equal(widened([7, 7], 7), (0, [0, 0]))
    equal(widened([6, 7], 7), (0, [-32768, 0]))


def rectified(values, factor, start=0):
    n = (len(values) - start) // factor - 1
    out = array("h", bytes(2 * n))
    e = viper_filter.rectify_into(array("i", [v + BIAS for v in values]), start, factor, out, n)
    return e, list(out)


@test
def rectify_by_hand():
    # every sample alone: |z|, brought to 15 bits
    equal(rectified([3, -5, 0, 7], 1), (-12, [3 << 12, 5 << 12, 0]))
    # the triangle 1 2 1 over pairs: 1 2 | 3 and 3 4 | 5 (a last one adds nothing); 5 bits to 15
    equal(rectified([9, 1, -2, 3, -4, -5, 6], 2, 1), (-10, [(1 + 4 + 3) << 10, (3 + 8 + 5) << 10]))
    # 1 2 3 2 1
    equal(rectified([0, 0, 1, 0, 0, 0], 3), (-13, [3 << 13]))
    equal(rectified([0, 0, 0, -1, 0, 0], 3), (-13, [2 << 13]))
    equal(rectified([0] * 8, 2), (-15, [0, 0, 0]))


@test
def rectify_the_largest():
    e, out = rectified([-131072, 131072] * 96, 64)
    # 64^2 * 2^17 = 2^29 has 30 bits: 2^14 after 15 of them
    equal((e, out), (15, [16384, 16384]))
    # rounding up ends at the largest int16: 65535 / 2
    equal(rectified([65535, 0], 1), (1, [32767]))


@test
def lift_by_hand():
    levels = as_bytes([-128, -127, 0, 100, 127])
    viper_filter.lift(levels, 5, 30)
    equal(i8(levels), [-128, -97, 30, 127, 127])
    viper_filter.lift(levels, 5, -200)
    equal(i8(levels), [-128, -128, -128, -73, -73])


@test
def isqrt_at_its_edges():
    def root(v):
        return kernels.isqrt(v >> 24, v & 0xFFFFFF)

    equal([root(v) for v in (0, 1, 2, 3, 4, 8, 9, 15, 16)], [0, 1, 1, 1, 2, 2, 3, 3, 4])
    random = Lcg(3)
    for bits in range(1, 24):
        for r in (
            1 << bits - 1,
            (1 << bits) - 1,
            (1 << bits - 1) + random.below(1 << min(16, bits - 1)),
        ):
            equal((root(r * r - 1), root(r * r), root(r * r + 2 * r)), (r - 1, r, r), r)
    equal(root((1 << 47) - 1), 11863283)


def distances(x, *rows):
    out = array("i", bytes(4 * len(rows)))
    flat = bytearray()
    for row in rows:
        flat += as_bytes(row)
    cosines(as_bytes(x), len(rows), kernels.bind(flat, len(x), out))
    return list(out)


@test
def cosines_by_hand():
    equal(
        distances([1, 2, 3], [1, 2, 3], [2, 4, 6], [-1, -2, -3], [3, 0, -1], [0, 0, 0]),
        [0, 0, 65536, 32768, 32768],
    )
    equal(distances([0, 0], [1, 2], [0, 0]), [32768, 32768])
    for found, wanted in zip(
        distances([1, 0], [1, 1], [-1, 1], [127, 1], [1, 100]), (9598, 55938, 1, 32440)
    ):
        between(found - wanted, -4, 4, wanted)
    equal(distances([-128] * 128, [-128] * 128, [127] * 128, [1] * 128), [0, 65536, 65536])


@test
def pool_max_by_hand():
    out = bytearray(3)
    viper_pool.pool_max(as_bytes([1, -128, 5, -2, -128, 127, 0, -128, -128]), 3, 3, out)
    equal(i8(out), [1, -128, 127])
    viper_pool.pool_max(as_bytes([-5, 4, -128]), 1, 3, out)
    equal(i8(out), [-5, 4, -128])


done()
