"""Test every kernel that this board uses against values computed by hand, at its limits."""

from array import array

from harness import Lcg, as_bytes, done, equal, i8, test
from nearhum import kernels
from nearhum.kernels import tables, viper_bands
from nearhum.kernels.viper_moments import moments as write_moments

LOG2 = tables.log2_table()


@test
def deinterleave_and_slide():
    window = array("h", [0] * 8)
    kernels.deinterleave(array("h", [1, -1, 2, -2, 3, -3, 4, -4]), 3, 1, 2, window, 4, 1)
    equal(list(window), [0, 2, 3, 4, 0, -2, -3, -4])
    kernels.slide(window, 3, 2, 4, 1)
    equal(list(window), [2, 3, 4, 4, -2, -3, -4, -4])


def reading(values):
    """Mean in Q4, mean and rest of a window."""
    out = array("i", [9] * 2)
    mean_q4 = kernels.centre(array("h", values), len(values), out)
    return [mean_q4] + list(out)


@test
def centre_by_hand():
    equal(reading([1, -2, 32767, -32768]), [-8, 0, -8])
    equal(reading([-32768] * 1024), [-(1 << 19), -32768, 0])
    equal(reading([7] * 5), [7 * 16, 7, 0])
    equal(reading([5, -6]), [-8, 0, -8])
    equal(reading([-32768, 32767, 32767]), [174752, 10922, 0])
    # 16 * -1 / 3 is rounded to -5, and so is -16 * 2 / 3 to -11
    equal(reading([0, 0, -1])[0], -5)
    equal(reading([0, -1, -1])[0], -11)


def moments(values, mean):
    out = array("i", bytes(28))
    write_moments(array("h", values), len(values), mean, out)
    return list(out)


@test
def moments_by_hand():
    # y = 3 -4 0 4 -3: squares 9 16 0 16 9; fourth powers 81 256 0 256 81; the zero changes no side
    equal(moments([3, -4, 0, 4, -3], 0), [0, 50, 50, 0, 674, 3, 4])
    equal(moments([7] * 5, 7), [0, 0, 0, 0, 0, 0, 0])
    # z = y / 256, rounded: 128, -128
    equal(moments([32767, -32767], 0), [127, 0xFE0002, 2 * 16384, 32, 0, 1, 32767])


@test
def moments_of_the_largest_deviation():
    # |y| = 65535: its square is (y >> 1)^2 * 4, the half rounded down for negative y: 2^32
    found = moments([-32768], 32767)
    equal(found[0] << 24 | found[1], 1 << 32)
    equal(found[2], 128 * 128)
    equal(found[6], 65535)


def powers(values, n):
    """Mean powers of the bins of one window by the kernels, as they leave the spectrum."""
    got = array("i", bytes(12))
    x = array("h", values)
    spectrum = kernels.spectrum(len(x), n, [(1, n // 2 - 1)], 0, 133, LOG2, got)
    kernels.centre(x, len(x), got)
    out = bytearray(1)
    spectrum.extract_into(x, out)
    return list(spectrum.power), i8(out)[0]


@test
def powers_of_a_constant():
    for n in (64, 128, 256, 512, 1024):
        equal(powers([123] * n, n), ([0] * (n // 2), -128), n)


@test
def powers_of_one_tone():
    # the Hann window leaves a quarter of the power in each neighbour of the tone's bin; all else is
    # far below
    for n in (64, 128, 256, 512, 1024):
        quarter = n // 4
        power, band = powers([16000, 0, -16000, 0] * quarter, n)
        top = power[quarter]
        near = power[quarter - 1]
        equal(top > 1 << 24, True, (n, top))
        equal(abs(4 * near - top) * 200 < top, True, (n, top, near))
        equal(abs(near - power[quarter + 1]) * 200 < near, True, n)
        equal(max(power[1 : quarter - 1] + power[quarter + 2 :]) * 10000 < top, True, n)
        equal(power[0], 0, n)  # no bin lies outside all bands


@test
def the_floor_hangs_on_a_bin_in_no_band():
    x = array("h", [8000, 0, -8000, 0] * 64)
    x[10] = 8100  # a little of everything
    reading, out = array("i", bytes(8)), bytearray(2)
    for cut, above in (([(100, 10), (110, 10)], 0), ([(2, 10), (12, 10)], 1)):
        spectrum = kernels.spectrum(256, 256, cut, -250 << 5, 100, LOG2, reading)
        kernels.centre(x, 256, reading)
        spectrum.extract_into(x, out)
        tone = kernels.spectrum(256, 256, [(64, 1)], -250 << 5, 100, LOG2, reading)
        level = bytearray(1)
        tone.extract_into(x, level)
        equal(i8(out), [i8(level)[0] - 100] * 2, above)


@test
def log2_at_its_edges():
    equal(kernels.log2_q8(0, LOG2), 0)
    equal(kernels.log2_q8(1, LOG2), 0)
    for bit in range(1, 31):
        error = kernels.log2_q8(1 << bit, LOG2) - 256 * bit
        equal(0 <= error <= 1, True, bit)
    equal(kernels.log2_q8(0x7FFFFFFF, LOG2), 31 * 256 - 1)
    last = 0
    for v in range(1, 3000):
        here = kernels.log2_q8(v, LOG2)
        equal(here >= last, True, v)
        last = here


def bands(power, cut, offset=0, floor=133, top=-128):
    out = bytearray(len(cut) // 2)
    top = viper_bands.bands_into(
        array("i", power), 0, array("H", cut), out, len(out), LOG2, offset, top
    )
    viper_bands.raise_to(out, top - floor, len(out))
    return i8(out)


@test
def bands_by_hand():
    # 8 log2: 2^4 -> 32; 2^4 + 2^4 -> 40; nothing -> the floor under the strongest
    equal(bands([0, 16, 16, 16, 0], [1, 1, 2, 2, 4, 1]), [32, 40, -93])
    equal(bands([0, 16, 16, 16, 0], [1, 1, 2, 2, 4, 1], floor=8), [32, 40, 32])
    # a bin outside all bands, 2^10 -> 80
    equal(bands([0, 16, 16, 16, 0], [1, 1, 2, 2, 4, 1], floor=45, top=80), [35, 40, 35])
    equal(bands([0, 0], [1, 1]), [-128])
    equal(bands([0, 16], [1, 1], offset=20 << 8), [127])
    equal(bands([0, 16], [1, 1], offset=-30 << 8), [-128])


@test
def bands_sum_beyond_a_word():
    # 64 bins of 2^30: 2^36, 8 * 36 - 200 = 88; and of 2^30 - 1, a rounding below it
    equal(bands([1 << 30] * 65, [1, 64], offset=-200 * 32), [88])
    equal(bands([(1 << 30) - 1] * 65, [1, 64], offset=-200 * 32), [88])


@test
def dense_by_hand():
    x = as_bytes([1, -2, 127, -128])
    weights = as_bytes([1, 2, 3, 4, -1, -1, -1, -1, 127, 0, 0, 0])
    bias = array("i", [10, -500, 0])
    # rows: 1 - 4 + 381 - 512 + 10 = -124; -(1 - 2 + 127 - 128) - 500 = -498; 127
    rescale = array("H", [0, 1, 0, 1, 1, 0, 0, 3, 1])
    out = bytearray(3)
    layer, dense = kernels.head()
    dense(x, 4, out, layer(weights, bias, rescale, 4, 3, -128))
    equal(i8(out), [-124, -128, 127])  # -249 is held to -128; 127 * 3 / 2 = 190.5 to 127
    rescale = array("H", [0, 1, 3, 1, 1, 0, 0, 1, 3])
    dense(x, 4, out, layer(weights, bias, rescale, 4, 3, 0))
    equal(i8(out), [0, 0, 16])  # rectified; 127 / 8 = 15.9 is rounded


@test
def learn_sums_exactly():
    sums, squares = array("i", [5, 0]), array("i", [0, 0xFFFFFF, 7, 0])
    kernels.learn(as_bytes([-128, 3]), 2, sums, squares)
    equal(list(sums), [-123, 3])
    equal(list(squares), [1, 16383, 7, 9])


def weights_of(variances, floor):
    out = bytearray(len(variances))
    low = kernels.weigh(array("i", variances), len(variances), floor, out, 1)
    return low, list(out)


@test
def weights_in_every_row():
    out = bytearray(8)
    kernels.weigh(array("i", [4096, 8192]), 2, 4096, out, 3)
    equal(list(out), [255, 128] * 3 + [0, 0])


@test
def pooled_by_hand():
    out = array("i", [0, 0])
    kernels.pool(array("i", [320, 64, 640, 1 << 26]), 2, 2, array("i", [64, 192]), out)
    equal(list(out), [(10 * 64 + 20 * 192) >> 3, (2 * 64 + (1 << 21) * 192) >> 3])
    kernels.pool(array("i", [1 << 26, 0, 1 << 26, 0]), 2, 2, array("i", [256, 256]), out)
    equal(list(out), [1 << 26, 0])


@test
def weigh_by_hand():
    equal(weights_of([4096, 8192, 40960, 0], 4096), (4096, [255, 128, 26, 255]))
    equal(weights_of([1 << 26, 1 << 26], 1), (1 << 26, [255, 255]))
    equal(weights_of([1, 1 << 26], 1), (1, [255, 1]))


@test
def weigh_against_division():
    # the smallest just under the halving limit beside the largest there is: the rounding half must
    # not fall out
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
    weights = bytearray([1, 2, 3, 10, 1, 1])
    kernels.nearest()(x, 2, kernels.bind(means, weights, 3, 3, out))
    equal(list(out), [8, 129 * 129 * 10 + 126 * 126 + 255 * 255])
    weights = bytearray([1, 2, 3])
    kernels.nearest()(x, 2, kernels.bind(means, weights, 0, 3, out))
    equal(list(out), [8, 129 * 129 + 2 * 126 * 126 + 3 * 255 * 255])


@test
def distances_are_held_to_a_small_integer():
    n = 128
    out = array("i", [0])
    means, weights = as_bytes([-128] * n), bytearray([255] * n)
    kernels.nearest()(as_bytes([127] * n), 1, kernels.bind(means, weights, n, n, out))
    equal(out[0], 0x3FFFFFFF)


@test
def score_by_hand():
    n = 8
    x = as_bytes([0] * n)
    means = as_bytes([64] + [0] * 7 + [0] * 8 + [1] * 8 + [-128] * 8)
    weights = bytearray([1] * 24 + [255] * 8)
    scales = array("i", [0, 0, 256, -(1 << 28)])
    out = array("i", [9] * 4)
    # 64^2 + 8 / 4 * 64^2 = 12288; nothing counts as 2; 8 + 2 * 1 = 10, an octave less; and what is
    # empty is far off
    least = kernels.score(x, 4, kernels.bind(means, weights, n, LOG2, scales, out))
    equal(least, 256)
    equal(list(out)[:2], [kernels.log2_q8(6144, LOG2) + 256, 256])
    equal(out[2], kernels.log2_q8(5, LOG2))
    equal(out[3] > 1 << 28, True)


@test
def the_smallest_of_a_part():
    values = array("i", [5, 9, 3, 7, 3, 0])
    equal(
        [kernels.smallest(values, *part) for part in ((0, 2), (1, 4), (3, 1), (4, 0))],
        [0, 2, 3, -1],
    )


@test
def rows_of_any_length_are_copied_whole():
    random = Lcg(9)
    for n in (1, 7, 8, 9, 37):
        for n_channels in (1, 2, 3):
            block = array("h", [random.within(32767) for _ in range((n + 3) * n_channels)])
            window = array("h", [-1] * n_channels * (n + 5))
            kernels.deinterleave(block, n, 3, n_channels, window, n + 5, 2)
            for c in range(n_channels):
                row = [block[(3 + i) * n_channels + c] for i in range(n)]
                equal(
                    list(window[c * (n + 5) : (c + 1) * (n + 5)]), [-1, -1] + row + [-1] * 3, (n, c)
                )
            for by in (1, 4):
                before = list(window)
                kernels.slide(window, n, n_channels, n + 5, by)
                for c in range(n_channels):
                    o = c * (n + 5)
                    equal(list(window[o : o + n]), before[o + by : o + by + n], (n, c, by))


@test
def kernels_see_the_same_numbers_in_every_kind_of_buffer():
    random = Lcg(1)
    x = array("h", [random.within(32767) for _ in range(64)])
    wide = array("h", [0] * 8) + x + array("h", [0] * 8)
    view = memoryview(wide)[8:72]
    raw = bytearray(bytes(x))
    got = [array("i", bytes(12)) for _ in range(3)]
    for v, out in zip((x, view, raw), got):
        kernels.centre(v, 64, out)
    equal(got[1], got[0])
    equal(got[2], got[0])


done()
