"""Kernels against values computed by hand: every one, at its edges."""

from array import array

from harness import Lcg, as_bytes, done, equal, i8, test
from nearhum.kernels import tables, viper

LOG2 = tables.log2_fraction()


@test
def total_sums_signed():
    equal(viper.total(array("h", [1, -2, 32767, -32768]), 4), -2)
    equal(viper.total(array("h", [-32768] * 1024), 1024), -(1 << 25))
    equal(viper.total(array("h", [5, 7]), 0), 0)


@test
def deinterleave_and_slide():
    window = array("h", [0] * 8)
    viper.deinterleave(array("h", [1, -1, 2, -2, 3, -3, 4, -4]), 1, 3, 2, window, 4, 1)
    equal(list(window), [0, 2, 3, 4, 0, -2, -3, -4])
    viper.slide(window, 2, 4, 3, 1)
    equal(list(window), [2, 3, 4, 4, -2, -3, -4, -4])


@test
def peak_bits_is_as_long_as_the_largest():
    for values, mean, length in (([0, 0], 0, 0), ([5, -6], 0, 3), ([32767, -32768], 0, 15), ([-32768], 32767, 16)):
        found = viper.peak_bits(array("h", values), len(values), mean)
        equal(len(bin(found)) - 2 if found else 0, length, values)


def moments(values, mean, shift):
    out = array("i", bytes(28))
    viper.moments(array("h", values), len(values), mean, shift, out)
    return list(out)


@test
def moments_by_hand():
    # y = 3 -4 0 4 -3: squares 9 16 0 16 9; fourth powers 81 256 0 256 81; the zero changes no side
    equal(moments([3, -4, 0, 4, -3], 0, 0), [0, 50, 50, 0, 674, 3, 4])
    equal(moments([7] * 5, 7, 0), [0, 0, 0, 0, 0, 0, 0])
    # z = y / 512, rounded half up: 64, -64
    equal(moments([32767, -32767], 0, 9), [127, 0xFE0002, 2 * 4096, 2, 0, 1, 32767])


@test
def moments_of_the_largest_deviation():
    # |y| = 65535: its square is (y >> 1)^2 * 4, the half rounded down for negative y: 2^32
    found = moments([-32768], 32767, 9)
    equal(found[0] << 24 | found[1], 1 << 32)
    equal(found[2], 128 * 128)
    equal(found[6], 65535)


@test
def load_scales_to_fourteen_bits():
    x = array("h", [100, -100, 50, 0])
    w = array("H", [16384, 16384, 8192, 0])
    z = array("i", [9] * 8)
    viper.load(z, x, w, 4, 8, 0, 0, 7)
    equal(list(z), [12800, -12800, 3200, 0, 0, 0, 0, 0])
    viper.load(z, x, w, 4, 8, 0, 8, 7)  # half a count of mean is taken off as well: 8 / 16 * 128 = 64
    equal(list(z)[:4], [12736, -12864, 3168, 0])


def transform(values):
    """The m-point complex transform of (re, im) pairs by the kernels, in natural order, inputs unscaled."""
    m = len(values) // 2
    w = tables.twiddles_q14(tables.Sine(), 2 * m)
    order = tables.digit_reversal(m)
    z = array("i", values)
    span, step = m, 2
    while span >= 4:
        viper.radix4(z, m, span, w, step, 0)
        span >>= 2
        step <<= 2
    if span == 2:
        viper.radix2(z, m)
    out = []
    for k in range(m):
        out.append((z[2 * order[k]], z[2 * order[k] + 1]))
    return out


@test
def transforms_of_an_impulse_and_a_constant():
    for m in (4, 8, 32, 64):
        impulse = transform([1000, 0] + [0, 0] * (m - 1))
        equal(impulse, [(1000, 0)] * m, m)
        constant = transform([16, 0] * m)
        equal(constant, [(16 * m, 0)] + [(0, 0)] * (m - 1), m)


@test
def transform_of_four_by_hand():
    # x = 1, j, -1, -j times 100: all energy in bin 1
    equal(transform([100, 0, 0, 100, -100, 0, 0, -100]), [(0, 0), (400, 0), (0, 0), (0, 0)])


@test
def radix2_by_hand():
    z = array("i", [5, -6, 7, 8])
    equal(viper.radix2(z, 2), (12 | 2 | ~-2 | ~-14))
    equal(list(z), [12, 2, -2, -14])


@test
def powers_of_one_tone():
    # m = 4 complex points hold 8 real ones: x = 1000 cos(2 pi 2 i / 8) = 1000 0 -1000 0 ...: |X[2]| = 4000
    z = array("i", [])
    for v in transform([1000, 0, -1000, 0, 1000, 0, -1000, 0]):
        z.extend(array("i", v))
    out = array("i", [9] * 4)
    viper.powers(z, 4, array("H", [0, 1, 2, 3]), tables.twiddles_q14(tables.Sine(), 8), 0, out)
    equal(list(out), [0, 0, 2000 * 2000, 0])


@test
def log2_at_its_edges():
    equal(viper.log2_q8(0, LOG2), 0)
    equal(viper.log2_q8(1, LOG2), 0)
    for bit in range(1, 31):
        error = viper.log2_q8(1 << bit, LOG2) - 256 * bit
        equal(0 <= error <= 1, True, bit)
    equal(viper.log2_q8(0x7FFFFFFF, LOG2), 31 * 256 - 1)
    last = 0
    for v in range(1, 3000):
        here = viper.log2_q8(v, LOG2)
        equal(here >= last, True, v)
        last = here


def bands(power, cut, offset=0, floor=133):
    out = bytearray(len(cut) // 2)
    viper.bands_into(array("i", power), array("H", cut), len(cut) // 2, LOG2, offset, floor, out)
    return i8(out)


@test
def bands_by_hand():
    # 8 log2: 2^4 -> 32; 2^4 + 2^4 -> 40; nothing -> the floor under the strongest
    equal(bands([0, 16, 16, 16, 0], [1, 1, 2, 2, 4, 1]), [32, 40, -93])
    equal(bands([0, 16, 16, 16, 0], [1, 1, 2, 2, 4, 1], floor=8), [32, 40, 32])
    equal(bands([0, 0], [1, 1]), [-128])
    equal(bands([0, 16], [1, 1], offset=20 << 8), [127])
    equal(bands([0, 16], [1, 1], offset=-30 << 8), [-128])


@test
def bands_sum_beyond_a_word():
    # 64 bins of 2^29: 2^35, 8 * 35 - 200 = 80; and of 2^29 - 1, a rounding below it
    equal(bands([1 << 29] * 64, [0, 64], offset=-200 * 32), [80])
    equal(bands([(1 << 29) - 1] * 64, [0, 64], offset=-200 * 32), [80])


@test
def dense_by_hand():
    x = as_bytes([1, -2, 127, -128])
    weights = as_bytes([1, 2, 3, 4, -1, -1, -1, -1, 127, 0, 0, 0])
    bias = array("i", [10, -500, 0])
    # rows: 1 - 4 + 381 - 512 + 10 = -124; -(1 - 2 + 127 - 128) - 500 = -498; 127
    rescale = array("H", [0, 1, 0, 1, 1, 0, 0, 3, 1])
    out = bytearray(3)
    viper.dense(x, weights, bias, rescale, 4, 3, -128, out)
    equal(i8(out), [-124, -128, 127])  # -249 is held to -128; 127 * 3 / 2 = 190.5 to 127
    viper.dense(x, weights, bias, array("H", [0, 1, 3, 1, 1, 0, 0, 1, 3]), 4, 3, 0, out)
    equal(i8(out), [0, 0, 16])  # rectified; 127 / 8 = 15.9 is rounded


@test
def learn_sums_exactly():
    sums, squares = array("i", [5, 0]), array("i", [0, 0xFFFFFF, 7, 0])
    viper.learn(as_bytes([-128, 3]), 2, sums, squares)
    equal(list(sums), [-123, 3])
    equal(list(squares), [1, 16383, 7, 9])


def weights_of(variances, floor):
    out = bytearray(len(variances))
    low = viper.weigh(array("i", variances), len(variances), floor, out)
    return low, list(out)


@test
def weigh_by_hand():
    equal(weights_of([4096, 8192, 40960, 0], 4096), (4096, [255, 128, 26, 255]))
    equal(weights_of([1 << 26, 1 << 26], 1), (1 << 26, [255, 255]))
    equal(weights_of([1, 1 << 26], 1), (1, [255, 1]))


@test
def weigh_against_division():
    # the smallest just under the halving limit beside the largest there is: the rounding half must not fall out
    for low in (4080000, 4090000, 4194303, 4194304, 8380000, 16700000, 33554431, 50000000):
        for high in (low, 20000000, 40000000, 60000000, 66584576, 1 << 26):
            if high < low:
                continue
            r, v = low, high
            while r >= 0x200000:
                r, v = r >> 1, v >> 1
            wanted = max(1, (255 * r + (v >> 1)) // v)
            equal(weights_of([low, high], 1)[1], [255, wanted], (low, high))


@test
def distances_by_hand():
    x = as_bytes([1, -2, 127])
    means = as_bytes([1, 0, 127, -128, -128, -128])
    out = array("i", [0, 0])
    viper.distances(x, means, bytearray([1, 2, 3, 10, 1, 1]), 3, 3, 2, out)
    equal(list(out), [8, 129 * 129 * 10 + 126 * 126 + 255 * 255])
    viper.distances(x, means, bytearray([1, 2, 3]), 0, 3, 2, out)
    equal(list(out), [8, 129 * 129 + 2 * 126 * 126 + 3 * 255 * 255])


@test
def distances_are_held_to_a_small_integer():
    n = 128
    out = array("i", [0])
    viper.distances(as_bytes([127] * n), as_bytes([-128] * n), bytearray([255] * n), n, n, 1, out)
    equal(out[0], 0x3FFFFFFF)


@test
def strangest_by_hand():
    out = array("i", [0, 0])
    viper.strangest(as_bytes([5, -5, 3]), as_bytes([4, 0, 0]), bytearray([255, 10, 30]), 3, out)
    equal(list(out), [270, 2])
    viper.strangest(as_bytes([1]), as_bytes([1]), bytearray([255]), 1, out)
    equal(list(out), [0, 0])


@test
def scores_by_hand():
    out = array("i", [0] * 4)
    viper.scores(array("i", [1 << 20, 0, 1 << 10, 0x3FFFFFFF]), array("i", [0, 0, 1 << 8, 255**3]), 8, 4, LOG2, out)
    # 2^20 (the table stands for the middle of its step: one more); nothing counts as 2; 2^10 + 8 / 4 * 2^8 = 1536
    equal(list(out)[:3], [20 * 256 + 1, 256, 2710])
    equal(out[3], viper.log2_q8((0x3FFFFFFF >> 1) + 255**3, LOG2) + 256)


@test
def kernels_see_the_same_numbers_in_every_kind_of_buffer():
    random = Lcg(1)
    x = array("h", [random.within(32767) for _ in range(64)])
    wide = array("h", [0] * 8) + x + array("h", [0] * 8)
    view = memoryview(wide)[8:72]
    raw = bytearray(bytes(x))
    for act in (lambda v: viper.total(v, 64), lambda v: viper.peak_bits(v, 64, -3)):
        equal(act(view), act(x))
        equal(act(raw), act(x))


done()
