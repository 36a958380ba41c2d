"""Call every function in machine code on random and extreme inputs, under either Python.

Arguments: the folder of the firmware, then names of functions (none: all). Leaves: a line for each
function with its module and name, and eight hex digits for every call: the CRC-32 of all that the
call returned and wrote.

The inputs come from an integer generator, so MicroPython and CPython make the same ones. They stay
within what a kernel's docstring allows, because only there the 64-bit unix port and a 32-bit board
compute the same.
"""

import sys
from array import array
from binascii import crc32

sys.path.insert(0, sys.argv[1])


class Anything:
    """A stand-in for hardware while a source is imported. It has every attribute."""

    def __getattr__(self, name):
        return Anything()

    def __call__(self, *given, **named):
        return Anything()


for _name in ("machine", "rp2"):
    sys.modules[_name] = Anything()

from nearhum import kernels  # noqa: E402
from nearhum.detection import covariance, drift, temporal, view  # noqa: E402
from nearhum.features import level, packets, spectra, window  # noqa: E402
from nearhum.kernels import (  # noqa: E402
    tables,
    viper,
    viper_bands,
    viper_cosine,
    viper_derive,
    viper_filter,
    viper_float,
    viper_head,
    viper_moments,
    viper_most,
    viper_nearest,
    viper_outer,
    viper_pool,
    viper_spectrum,
    viper_window,
    viper_words,
)
from nearhum.sources import (  # noqa: E402
    adc_dma,
    i2s_microphone,
    pio_microphone,
)
from nearhum.sources.accelerometers import adxl355, icm42688, mpu6050, tagged  # noqa: E402


def constants(module):
    """Return {name: number} of a module's const(). Those with _ are not attributes of it."""
    with open(sys.argv[1] + "/nearhum/" + module) as f:
        lines = [line.partition("#")[0].split(" = const(") for line in f]
    return {line[0]: int(line[1].rstrip(") \n"), 0) for line in lines if len(line) == 2}


LOG2 = tables.log2_table()
BIAS = 0x20000
CALLS = []  # (module and name of the function, number of calls, the function that makes one call)


def calls(name, n):
    """Register the decorated function, which makes one call of the named kernel.

    It gets the random generator, and the index of the call from 0 to n - 1.
    """

    def mark(make):
        CALLS.append((name, n, make))
        return make

    return mark


class Random:
    """A generator of integers, the same on both Pythons (constants of Numerical Recipes)."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def below(self, n):
        """Return an integer from 0 to n - 1. n <= 2^31."""
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        v = self.state >> 16
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return ((v << 16) + (self.state >> 16)) * n >> 32

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def numbers(self, kind, n, low, high):
        """Return n integers from low to high.

        kind: random ones, or one of several extreme patterns.
        """
        kind %= 8
        if kind == 1:
            return [high] * n
        if kind == 2:
            return [low] * n
        if kind == 3:
            return [low if i & 1 else high for i in range(n)]
        if kind == 4:  # Near the middle.
            middle = (low + high) // 2
            return [max(low, min(high, middle + self.between(-3, 3))) for _ in range(n)]
        if kind == 5:  # A single value differs.
            out = [max(low, min(high, 0))] * n
            if n:
                out[self.below(n)] = low if self.below(2) else high
            return out
        if kind == 6:  # At the ends of the range.
            return [self.between(low, min(high, low + 2)) if self.below(2) else
                    self.between(max(low, high - 2), high) for _ in range(n)]  # fmt: skip
        if kind == 7:  # Of every magnitude.
            out = []
            for _ in range(n):
                v = self.between(low, high) >> self.below(16)
                out.append(max(low, min(high, v)))
            return out
        return [self.between(low, high) for _ in range(n)]

    def i16(self, kind, n):
        return array("h", self.numbers(kind, n, -32768, 32767))

    def i8(self, kind, n):
        return bytearray([v & 255 for v in self.numbers(kind, n, -128, 127)])

    def u8(self, kind, n, low=0):
        return bytearray(self.numbers(kind, n, low, 255))

    def i32(self, kind, n, low, high):
        return array("i", self.numbers(kind, n, low, high))


def words(n):
    return array("i", [0x5A5A5A5A] * n)


# ---- samples -------------------------------------------------------------------------------------


@calls("kernels/viper.deinterleave", 24)
def _(r, i):
    n_channels = (1, 2, 3, 6, 1, 4)[i % 6]
    n, start, at = r.below(90), r.below(4), r.below(4)
    block = r.i16(0, (n + start) * n_channels)
    stride = n + at + r.below(3)
    out = array("h", [-1] * n_channels * stride)
    viper.deinterleave(block, n, start, n_channels, out, stride, at)
    return (out,)


@calls("kernels/viper.slide", 16)
def _(r, i):
    n_channels, n, by = 1 + i % 3, r.below(60), 1 + r.below(20)
    stride = n + by + r.below(3)
    out = r.i16(0, n_channels * stride)
    viper.slide(out, n, n_channels, stride, by)
    return (out,)


@calls("kernels/viper_moments.moments", 32)
def _(r, i):
    n = (1, 2, 64, 1024, 0)[i % 5] or 1 + r.below(300)
    out = words(7)
    x = r.i16(i // 2, n)
    viper_moments.moments(x, n, (0, -32768, 32767, r.between(-32768, 32767))[i % 4], out)
    return (out,)


@calls("kernels/viper.log2_q8", 90)
def _(r, i):
    if i < 62:
        return (viper.log2_q8((1 << (i // 2)) - (i & 1), LOG2),)
    return (viper.log2_q8(r.below(0x7FFFFFFF) >> r.below(30), LOG2),)


@calls("kernels/viper.isqrt", 40)
def _(r, i):
    high = (0, (1 << 23) - 1, r.below(1 << 23), r.below(64))[i % 4]
    low = (0, (1 << 24) - 1, r.below(1 << 24))[i % 3]
    if i >= 30:
        root = r.below(1 << 23)
        square = root * root - (i & 1)
        high, low = max(0, square) >> 24, max(0, square) & 0xFFFFFF
    return (viper.isqrt(high, low),)


@calls("kernels/viper.smallest", 16)
def _(r, i):
    values = r.i32(i, 12, -(1 << 31), (1 << 30) - 1)
    first = r.below(6)
    return (viper.smallest(values, first, r.below(6)),)


# ---- kernels of every window, in assembler on an RP2040 ------------------------------------------


def each_window(which, i):
    """Return the module of viper kernels if which is "viper", otherwise the board's own kernels."""
    return viper_window if which == "viper" else kernels


def centre(which):
    def make(r, i):
        n = (1, 3, 64, 1024, 1023, 0)[i % 6] or 1 + r.below(400)
        out = words(2)
        return each_window(which, i).centre(r.i16(i // 2, n), n, out), out

    return make


def distances(which):
    def make(r, i):
        of = each_window(which, i)
        n, rows = (1, 8, 128, 1 + r.below(127))[i % 4], (1, 3, 0, 12)[i // 4 % 4]
        out = words(rows + 1)
        x, means = r.i8(i, n), r.i8(i // 3, n * (rows or 1))
        step = n if i & 1 else 0
        weights = r.u8(i // 2, n * (rows or 1) if step else n, 1)
        bound = of.bind(means, weights, step, n, out)
        (viper_nearest.distances if which == "viper" else kernels.nearest())(x, rows, bound)
        return (out,)

    return make


def score(which):
    def make(r, i):
        of = each_window(which, i)
        n, rows = (1, 8, 128, 1 + r.below(127))[i % 4], 1 + r.below(9)
        out = words(rows)
        x, means, weights = r.i8(i, n), r.i8(i // 2, n * rows), r.u8(i // 3, n * rows, 1)
        if i % 5 == 0:  # Near vectors, for small sums.
            means = bytearray(
                [(v + (r.below(3) if r.below(4) == 0 else 0)) & 255 for v in bytes(x) * rows]
            )
            weights = r.u8(0, n * rows, 1) if i & 1 else bytearray([1] * (n * rows))
        scales = r.i32(i, rows, 1 - (1 << 29), (1 << 29) - 1) if i % 3 else array("i", [0] * rows)
        bound = of.bind(means, weights, n, LOG2, scales, out)
        return of.score(x, rows, bound), out, scales

    return make


def learn(which):
    def make(r, i):
        n = 1 + r.below(128)
        sums = r.i32(i // 2, n, -(1 << 30), 1 << 30)
        squares = array("i", [r.below(1 << (14 if j % 2 == 0 else 24)) for j in range(2 * n)])
        each_window(which, i).learn(r.i8(i, n), n, sums, squares)
        return sums, squares

    return make


for _which in ("viper", "fast"):
    _module = "kernels/viper_window." if _which == "viper" else "kernels/fast."
    CALLS.append((_module + "centre", 36, centre(_which)))
    _nearest = "kernels/viper_nearest." if _which == "viper" else _module
    CALLS.append((_nearest + "distances", 48, distances(_which)))
    CALLS.append((_module + "score", 60, score(_which)))
    CALLS.append((_module + "learn", 16, learn(_which)))


# ---- the transform -------------------------------------------------------------------------------

_made = {}


def spectra_of(which, n, n_window):
    """Return (a Spectrum, its reading, number of bands). They are made once, as on a board."""
    key = which, n, n_window
    if key not in _made:
        reading = array("i", [0, 0])
        m = n // 2
        bands = [(1, 1), (2, 3), (5, m // 4), (5 + m // 4, m - 7 - m // 4)]
        given = n_window, n, bands, (-11 << 8) + 5, 133, LOG2, reading
        made = viper_spectrum.Spectrum(*given) if which == "viper" else kernels.spectrum(*given)
        _made[key] = made, reading, len(bands)
    return _made[key]


def transform(which):
    def make(r, i):
        n = (64, 128, 256, 512, 1024)[i % 5]
        n_window = n if i % 3 else (n - r.below(n // 4)) & ~3
        if which == "viper" and i >= 25 and n > 256:
            n_window = n = 256
        made, reading, n_bands = spectra_of(which, n, n_window)
        x = r.i16(i // 5, n_window)
        if i % 7 == 3:
            x = array("h", [(v >> 9) + 40 for v in x])
        kernels.centre(x, n_window, reading)
        out = bytearray(n_bands)
        made.extract_into(x, out)
        return out, bytes(made.power)

    return make


CALLS.append(("kernels/viper_spectrum.transform", 40, transform("viper")))
CALLS.append(("kernels/fast.transform", 50, transform("fast")))


@calls("kernels/viper_bands.bands_into", 24)
def _(r, i):
    n = 2 + r.below(70)
    power = r.i32(i, n, 0, 1 << 30)
    if i % 4 == 0:
        power = array("i", [v >> r.below(30) for v in r.numbers(0, n, 0, 1 << 30)])
    cut = array("H")
    at = 0
    while at < n:
        some = 1 + r.below(min(12, n - at))
        if i % 6 == 5:
            some = n - at
        cut.append(at)
        cut.append(some)
        at += some
    out = bytearray(len(cut) // 2)
    top = viper_bands.bands_into(
        power, 0, cut, out, len(out), LOG2, r.between(-9000, 2000), r.between(-128, 127)
    )
    return top, out


@calls("kernels/viper_bands.raise_to", 8)
def _(r, i):
    out = r.i8(i, r.below(40))
    viper_bands.raise_to(out, r.between(-300, 127), len(out))
    return (out,)


@calls("kernels/viper_bands.strongest", 8)
def _(r, i):
    p = r.i32(i, r.below(40), 0, 0x7FFFFFFF)
    return (viper_bands.strongest(p, r.below(1 << 20), len(p)),)


# ---- filters and envelope ------------------------------------------------------------------------


@calls("kernels/viper_filter.widen", 24)
def _(r, i):
    n = 1 + r.below(200)
    z = words(n)
    x = r.i16(i, n)
    if i >= 8:
        x = array("h", [v >> (i - 8) for v in x])
    mean = (sum(x) // n, 0, -32768)[i % 3]
    return viper_filter.widen(x, 0, n, mean, z), z


@calls("kernels/viper_filter.biquads", 20)
def _(r, i):
    rate = 10000
    low, high = ((10, 4500), (1500, 3500), (4000, 4400), (10, 20), (2600, 2601))[i % 5]
    sections = viper_filter.band_pass(low, high, rate)
    # Full scale throughout, so that sections saturate.
    z = array("i", [v + BIAS for v in r.numbers(i // 5, 120, -32768, 32767)])
    viper_filter.biquads(z, 0, len(z), sections, len(sections) // viper_filter.WORDS)
    return (z,)


@calls("kernels/viper_filter.rectify_into", 24)
def _(r, i):
    factor = (1, 2, 7, 64)[i % 4]
    n, start = 1 + r.below(6), r.below(3)
    values = r.numbers(i // 4, start + (n + 1) * factor, -(1 << 17), (1 << 17) - 1)
    if i % 3 == 0:
        values = [v >> r.below(18) for v in values]
    if i == 23:
        values = [0] * len(values)
    z = array("i", [v + BIAS for v in values])
    out = array("h", bytes(2 * n))
    return viper_filter.rectify_into(z, start, factor, out, n), out


@calls("kernels/viper_filter.lift", 10)
def _(r, i):
    levels = r.i8(i, 30)
    viper_filter.lift(levels, 30, r.between(-1023, 1023) >> r.below(9))
    return (levels,)


@calls("kernels/viper_float.weigh_window", 12)
def _(r, i):
    n_window, n = 1 + r.below(60), 64
    z = words(n)
    reading = array("i", [r.between(-32768, 32767), r.between(-8, 8)])
    weights = array("H", r.numbers(i // 2, n_window, 0, 16384))
    viper_float.weigh_window(z, r.i16(i, n_window), weights, n_window, n, reading)
    return (z,)


@calls("kernels/viper_float.fold", 20)
def _(r, i):
    """Use words with the exponents of floats: singles, and the upper words of doubles."""
    wide, m = i & 1, 24
    bits = 23 - 3 * wide
    top = 127 + 20 if not wide else 1023 + 20
    p = array("i", [r.below(1 << 31) for _ in range(m * (2 if wide else 1) + 2)])
    for k in range(m):
        exponent = max(0, top - r.below(24 if i % 3 else 140))
        v = (exponent << bits) + r.below(1 << bits)
        if i == 18 or i == 19:
            v = 0
        p[2 * k + 1 if wide else k] = v
    found = viper_float.fold(p, m, wide)
    return found, array("i", [p[k] for k in range(m)])


# ---- learning ------------------------------------------------------------------------------------


def learned(r, n, count, kind):
    """Return (sums, squares) as `count` embeddings give, mixed from a few different values."""
    sums, squares = array("i"), array("i")
    for _ in range(n):
        s1 = s2 = 0
        left = count
        for part in range(4):
            v = r.numbers(kind + part, 1, -128, 127)[0]
            some = left if part == 3 else r.below(left + 1)
            s1 += v * some
            s2 += v * v * some
            left -= some
        sums.append(s1)
        squares.append(s2 >> 24)
        squares.append(s2 & 0xFFFFFF)
    return sums, squares


@calls("kernels/viper_derive.derive", 32)
def _(r, i):
    count = (
        (1, 2, 3, 255, (1 << 24) - 1, 0)[i % 6] or 1 + r.below((1 << 24) - 1) >> r.below(24) or 1
    )
    n = 1 + r.below(16)
    sums, squares = learned(r, n, count, i)
    mean, variance = bytearray(n), words(n)
    viper_derive.derive(sums, n, squares, count, mean, variance)
    return mean, variance


@calls("kernels/viper_derive.pool", 12)
def _(r, i):
    n, rows = 1 + r.below(16), 1 + r.below(5)
    out = words(n)
    shares = (
        array("i", [512 // rows] * rows)
        if i & 1
        else array("i", [r.below(512 // rows + 1) for _ in range(rows)])
    )
    viper_derive.pool(r.i32(i, n * rows, 0, 1 << 26), n, rows, shares, out)
    return (out,)


@calls("kernels/viper_derive.weigh", 24)
def _(r, i):
    n, rows = 1 + r.below(20), 1 + i % 4
    out = bytearray(n * rows + 1)
    variance = array("i", [v >> r.below(27) for v in r.numbers(i, n, 0, 1 << 26)])
    floor = (1, 1 << 24, 1 + r.below(1 << 12))[i % 3]
    return viper_derive.weigh(variance, n, floor, out, rows), out


@calls("kernels/viper_outer.learn_outer", 8)
def _(r, i):
    n = 1 + r.below(9)
    sums = r.i32(i, n, -(1 << 30), 1 << 30)
    outer = array("i")
    for _ in range(n * (n + 1) // 2):
        outer.append(r.between(-(1 << 14), 1 << 14))
        outer.append(r.numbers(i, 1, 0, 0xFFFFFF)[0])
    viper_outer.learn_outer(r.i8(i, n), n, sums, outer)
    return sums, outer


@calls("detection/covariance._apart", 8)
def _(r, i):
    n = 1 + r.below(32)
    out = bytearray(n)
    covariance._apart(r.i8(i, n), r.i8(i // 2, n), n, out)
    return (out,)


# ---- heads ---------------------------------------------------------------------------------------


def dense(which):
    def make(r, i):
        n_in, n_out = (1, 4, 17, 64)[i % 4], 1 + r.below(9)
        weights = r.i8(i // 2, n_in * n_out)
        bias = r.i32(i // 3, n_out, -(1 << 20), 1 << 20)
        rescale = array("H")
        for _ in range(n_out):
            # |w x + bias| < 2^21. Choose a factor that keeps the product below 2^30.
            pre = r.below(16)
            rescale.append(pre)
            rescale.append(1 + r.below(min(65535, (1 << 30 >> 21 >> 1 << pre) - 1)))
            rescale.append(r.below(31))
        layer, dense = (viper_head.layer, viper_head.dense) if which == "viper" else kernels.head()
        out = bytearray(n_out + 1)
        dense(
            r.i8(i, n_in),
            n_in,
            out,
            layer(weights, bias, rescale, n_in, n_out, 0 if i & 1 else -128),
        )
        return (out,)

    return make


CALLS.append(("kernels/viper_head.dense", 32, dense("viper")))
CALLS.append(("kernels/fast.dense", 40, dense("fast")))


@calls("kernels/viper_pool.pool_max", 8)
def _(r, i):
    n_positions, n_channels = r.below(9), 1 + r.below(7)
    out = bytearray(n_channels + 1)
    viper_pool.pool_max(r.i8(i, n_positions * n_channels), n_positions, n_channels, out)
    return (out,)


@calls("kernels/viper_cosine.cosines", 16)
def _(r, i):
    n, rows = 1 + r.below(128), 4
    x = r.i8(i, n)
    if i == 5:
        x = bytearray(n)
    y = x + bytearray([-((v ^ 128) - 128) & 255 for v in x]) + r.i8(i // 2, n) + bytearray(n)
    out = words(rows)
    viper_cosine.cosines(x, rows, viper_window.bind(y, n, out))
    return (out,)


# ---- words ---------------------------------------------------------------------------------------


@calls("kernels/viper_words.hear", 24)
def _(r, i):
    n = 3 + r.below(29)
    ring = bytearray(viper_words.RING * n)
    background = r.i32(i // 2, n, -2048, 2032)
    slot = (0, viper_words.RING - 1, r.below(viper_words.RING))[i % 3]
    bound = viper_window.bind(ring, background, n)
    return viper_words.hear(r.i8(i, n), slot, (-2, -1, 0, 16)[i % 4], bound), ring, background


@calls("kernels/viper_words.cepstra", 10)
def _(r, i):
    n_bands, n = (20, 32, 5)[i % 3], (1, 64, 65, 128, 1 + r.below(128))[i % 5]
    ring, cosines = (
        r.i8(i, viper_words.RING * n_bands),
        r.i8(i // 2, viper_words.N_CEPSTRA * n_bands),
    )
    out = words(viper_words.MAX_FRAMES * viper_words.N_CEPSTRA)
    made = viper_words.cepstra(ring, r.below(128), n, viper_window.bind(cosines, n_bands, out))
    return made, out


@calls("kernels/viper_words.normalise", 12)
def _(r, i):
    n = (1, 6, 64, 1 + r.below(64))[i % 4]
    c = r.i32(i, n * viper_words.N_CEPSTRA, -32767, 32767)
    if i % 3 == 0:
        c = array("i", [v >> r.below(15) for v in c])
    out = bytearray(n * viper_words.N_CEPSTRA)
    viper_words.normalise(c, n, out)
    return out, c


@calls("kernels/viper_words.changes", 8)
def _(r, i):
    n = 1 + r.below(12)
    x = bytearray([v & 255 for v in r.numbers(i, n * viper_words.N_CEPSTRA, -127, 127)])
    out = bytearray(2 * len(x))
    viper_words.changes(x, n, out)
    return (out,)


@calls("kernels/viper_words.l1", 12)
def _(r, i):
    n = 1 + r.below(17)
    out = words(n + 1)
    viper_words.l1(r.u8(i, 20), r.u8(i // 2, 20 * n), n, out)
    return (out,)


@calls("kernels/viper_words.align", 10)
def _(r, i):
    n, m = (6, 64, 6, 64, 6 + r.below(59))[i % 5], (6, 64, 64, 6, 6 + r.below(59))[i % 5]
    a, b = r.u8(i, 20 * n), r.u8(i // 2, 20 * m)
    if i % 5 == 4:
        b = bytearray(bytes(a) * 11)[: 20 * m]
    return (viper_words.align(a, b, n << 8 | m, words(viper_words.COSTS)),)


# ---- other functions that compute ----------------------------------------------------------------


@calls("detection/drift._apply", 8)
def _(r, i):
    n = 1 + r.below(20)
    out = bytearray(n)
    drift._apply(r.i8(i, n), n, r.i32(i // 2, n, -(128 << 12), 128 << 12), out)
    return (out,)


@calls("detection/drift._follow", 16)
def _(r, i):
    n = 1 + r.below(12)
    offset, base = r.i32(i // 2, n, -(1 << 21), 1 << 21), r.i32(i // 3, n, -(1 << 21), 1 << 21)
    if i & 1:
        base = array("i", [v + r.between(-4096, 4096) for v in offset])
    limits = r.i32(i, n, 0, (1 << 20) >> (i & 8)) + base
    drift._follow(r.i8(i, n), r.i8(i // 2, n), n, offset, limits, (4096, 1, r.below(4096))[i % 3])
    return offset, limits


@calls("detection/view._average", 24)
def _(r, i):
    n = 1 + r.below(20)
    before, mean = r.i32(i // 2, n, -(128 << 12), 127 << 12), array("i", bytes(4 * n))
    out = bytearray(n)
    view._average(r.i8(i, n), n, before, mean, out, (1, 8, 2, 1 + r.below(64))[i % 4])
    return mean, out


@calls("features/level.less_mean", 12)
def _(r, i):
    out = r.i8(i, 1 + r.below(32))
    level.less_mean(out, len(out))
    return (out,)


@calls("features/packets._reduce", 12)
def _(r, i):
    n_channels = 1 + r.below(8)
    n = n_channels + r.below(120)
    edges = [0] + sorted([1 + r.below(n - 1) if n > 1 else 1 for _ in range(n_channels - 1)]) + [n]
    for k in range(1, n_channels + 1):
        edges[k] = max(edges[k], edges[k - 1] + 1)
    n = max(n, edges[-1])
    edges[-1] = n
    n_frames = 1 + r.below(4)
    block = r.i16(i, n * n_frames)
    levels = r.i32(0, 3 * n_channels, -30000, 30000)
    levels.append(i & 1)
    bound = n, n_channels, array("H", edges), LOG2, levels
    packets._reduce(block, n_frames, bound)
    return block, levels


@calls("features/spectra.squares", 8)
def _(r, i):
    n = 1 + r.below(40)
    out = words(n)
    spectra.squares(r.i16(i, n), n, out)
    return (out,)


@calls("features/window.glance", 24)
def _(r, i):
    n, n_channels = 2 + r.below(40), 1 + i % 3
    x = r.i16(i // 2, n * n_channels)
    if i % 4 == 3:
        x = array("h", [r.numbers(i, 1, -32768, 32767)[0]] * (n * n_channels))
    word = constants("features/window.py")
    look = array("i", [0] * 8)
    look[word["_ROWS"]] = 2 * n * n_channels
    look[word["_ROW"]] = 2 * n
    look[word["_STEP"]] = 2 * (1 + r.below(2))
    look[word["_SPARE"]] = r.below(4)
    look[word["CLIP"]] = (32767, 32760, 1 + r.below(32767))[i % 3]
    look[word["RECENT"]] = r.below(8)
    return window.glance(x, look), x


@calls("kernels/viper_most.most", 24)
def _(r, i):
    n = 1 + r.below(12)
    ring = bytearray([r.below(4) for _ in range(n)])
    counts = bytearray(4)
    for label in ring:
        counts[label] += 1
    m = 1 + r.below(n)
    return viper_most.most(ring, counts, r.below(4), m << 8 | n), ring, counts


@calls("detection/temporal._update", 60)
def _(r, i):
    state = array("i", [0] * 12)
    word = constants("detection/temporal.py")
    for name, value in (
        ("_RUNNING", i % 5 * r.below(80)), ("_MEAN_Q8", r.between(-(1 << 21), 1 << 21)),
        ("_SHARE", 1 + r.below(256)), ("_PEAK_Q8", r.between(-(1 << 21), 1 << 21)),
        ("_FADE_Q8", r.below(1 << 16)), ("_OVER", r.below(256)), ("_MASK", (1 << r.below(9)) - 1),
        ("_RELEASE", r.below(256)), ("_ALARM", i % 3 == 0), ("_M", 1 + r.below(4)),
    ):  # fmt: skip
        state[word[name]] = value
    score = r.numbers(i, 1, -20000, 20000)[0]
    threshold = r.between(-4096, 4096)
    if i % 4 == 0:
        threshold = score + r.between(-2, 2)
    return temporal._update(state, score, threshold), state


# ---- sources -------------------------------------------------------------------------------------


@calls("sources/adc_dma._gather", 10)
def _(r, i):
    n, k, n_frames = 1 + r.below(3), (1, 3, 64, 1 + r.below(16))[i % 4], 1 + r.below(4)
    ring = array("H", r.numbers(i, 256, 0, 65535))
    out = array("h", [0] * (n * n_frames))
    adc_dma._gather(ring, r.below(256), 255, n_frames, out, n, k)
    return (out,)


@calls("sources/i2s_microphone._to_int16", 10)
def _(r, i):
    n = 1 + r.below(20)
    block = r.i16(i, 2 * n)
    i2s_microphone._to_int16(block, n, i % 9)
    return (block,)


@calls("sources/pio_microphone._to_int16", 10)
def _(r, i):
    n = 1 + r.below(20)
    out = array("h", [0] * n)
    n_ring = constants("sources/pio_microphone.py")["_WORDS"]
    ring = r.i16(i, 2 * n_ring)
    pio_microphone._to_int16(ring, n_ring - r.below(30), n, out, i % 9)
    return (out,)


@calls("sources/accelerometers/adxl355._frames", 6)
def _(r, i):
    n = 1 + r.below(12)
    raw = r.u8(i, 9 * n)
    for k in range(2, 9 * n, 9):
        raw[k] = raw[k] & 0xFC | 1
    if i % 3 == 2:
        raw[9 * r.below(n) + 2] = r.below(4) ^ 1
    out = array("h", [0] * (3 * n))
    return adxl355._frames(raw, n, out), out


@calls("sources/accelerometers/icm42688._frames", 6)
def _(r, i):
    n = 1 + r.below(12)
    raw = r.u8(i, 8 * n)
    for k in range(0, 8 * n, 16):
        raw[k] = 0x40 | r.below(16)
    out = array("h", [0] * (3 * n))
    return icm42688._frames(raw, n, out), out


@calls("sources/accelerometers/tagged._frames", 6)
def _(r, i):
    n = 1 + r.below(12)
    raw = r.u8(i, 7 * n)
    for k in range(0, 7 * n, 14):
        raw[k] = 2 << 3 | r.below(8)
    out = array("h", [0] * (3 * n))
    return tagged._frames(raw, n, out), out


@calls("sources/accelerometers/mpu6050._swap", 4)
def _(r, i):
    block = r.i16(i, r.below(30))
    mpu6050._swap(block, len(block))
    return (block,)


def crc_of(results):
    """Return the CRC-32 of numbers and buffers, in hex."""
    crc = 0
    for result in results:
        if result is None or isinstance(result, int):
            result = array("i", [0 if result is None else result])
        crc = crc32(bytes(result), crc)
    return f"{crc:08x}"


def main(names):
    for name, n, make in CALLS:
        if names and name not in names:
            continue
        seed = crc32(name.rpartition(".")[2].encode())
        print(name, *[crc_of(make(Random(seed + 1000003 * i), i)) for i in range(n)])


main(sys.argv[2:])
