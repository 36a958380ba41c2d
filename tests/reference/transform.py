"""Convert windows of one channel to int8 log features, many windows at once.

Enters: x, int16 values as int64 (windows, n_window). Leaves: int8 values as int64. Written from the
docstrings of features/transform_fixed.py and kernels/viper.py.
"""

from __future__ import annotations

import numpy as np

from . import tables
from .exact import Ints, OutsideWord, bit_length, i32, int8, rounded_shift, small
from .logarithm import log2_q8, normalised, wide

BAND_BIAS, POWER_BIAS, RATIO_BIAS = -96, -112, -64
FLOOR_STEPS = 133  # 50 dB in steps of 0.376 dB.
SILENT = -128


class Centred:
    """Windows minus their mean.

    mean_q4: the mean in Q4. mean: rounded. rest: mean_q4 - 16 * mean. y: x - mean. bits: bit length
    of the OR of the magnitudes of y.
    """

    def __init__(self, x: Ints):
        n = x.shape[1]
        total = small(x.sum(axis=1))
        self.x = x
        self.mean_q4 = small(16 * total + (n >> 1)) // n
        self.mean = (self.mean_q4 + 8) >> 4
        self.rest = self.mean_q4 - 16 * self.mean
        self.y = i32(x - self.mean[:, None])
        self.bits = _length(self.y)


class Statistics:
    """The moments of centred windows, and the statistics made of them, int8."""

    def __init__(self, c: Centred):
        y = c.y
        self.n = y.shape[1]
        # For deviations of more than 15 bits, the kernel takes four times the square of the half.
        beyond = np.abs(y) >= 1 << 15
        part = np.where(beyond, y >> 1, y)
        square = i32(part * part) * np.where(beyond, 4, 1)
        self.sum_y2 = square.sum(axis=1)
        small(self.sum_y2 >> 24)
        z = rounded_shift(y, np.maximum(0, c.bits - 7)[:, None])
        z2 = i32(z * z)
        i32((1 << 24) + z2 * z2)  # The low word of the sum, before the carry.
        self.sum_z2 = small(z2.sum(axis=1))
        self.sum_z4 = (z2 * z2).sum(axis=1)
        small(self.sum_z4 >> 24)
        self.peak = small(np.abs(y).max(axis=1))
        self.crossings = np.array([_sign_changes(row) for row in y], dtype=np.int64)
        self.silent = self.peak == 0
        self.mean_square = wide(self.sum_y2) - log2_q8(np.int64(self.n))

    def rms(self) -> Ints:
        return np.where(self.silent, SILENT, int8((self.mean_square + 16 >> 5) + POWER_BIAS))

    def peak_level(self) -> Ints:
        return np.where(self.silent, SILENT, int8((2 * log2_q8(self.peak) + 16 >> 5) + POWER_BIAS))

    def crest(self) -> Ints:
        ratio = 2 * log2_q8(self.peak) - self.mean_square
        return np.where(self.silent, SILENT, int8((ratio + 8 >> 4) + RATIO_BIAS))

    def kurtosis(self) -> Ints:
        ratio = wide(self.sum_z4) + log2_q8(np.int64(self.n)) - 2 * log2_q8(self.sum_z2)
        return np.where(self.sum_z2 == 0, SILENT, int8((ratio + 8 >> 4) + RATIO_BIAS))

    def zero_crossings(self) -> Ints:
        return self.crossings * 255 // self.n - 128

    READINGS = {
        "rms": rms, "peak": peak_level, "crest": crest, "kurtosis": kurtosis,
        "zero_crossings": zero_crossings,
    }  # fmt: skip


def _sign_changes(y: np.ndarray) -> int:
    sides = np.sign(y[y != 0])
    return int((sides[1:] != sides[:-1]).sum())


def scaled_mean(c: Centred) -> Ints:
    """Return the mean as a feature, int8. Full scale is 127."""
    return np.minimum(127, c.mean_q4 + 2048 >> 12)


class Bands:
    """Log band energies.

    n_fft: power of two, at least n_window. bands: (first bin, number of bins) of each band.
    floor: steps under the strongest bin or band to which lower levels are raised.
    """

    def __init__(
        self, n_window: int, n_fft: int, bands: list[tuple[int, int]], floor: int = FLOOR_STEPS
    ):
        self.floor = floor
        self.n_fft = n_fft
        self.m = n_fft // 2
        self.window = tables.hann(n_window)
        self.order = tables.order(self.m)
        self.cos, self.sin = tables.twiddles(n_fft, n_fft)
        self.bands = bands
        self.offset = 32 * BAND_BIAS - 2 * int(log2_q8(np.int64(n_window)))

    def of(self, c: Centred) -> Ints:
        """Return the levels, int8 values as int64 (windows, bands)."""
        power, exponent = self.powers(c)
        out = np.stack(
            [self._level(power[:, first : first + n], exponent) for first, n in self.bands], axis=1
        )
        strongest = self._level(power.max(axis=1)[:, None], exponent)
        return np.maximum(out, (np.maximum(strongest, out.max(axis=1)) - self.floor)[:, None])

    def powers(self, c: Centred) -> tuple[Ints, Ints]:
        """Return (power, exponent). power: |X / 2|^2 / 4^exponent of bins 0..m-1. Bin 0 is 0."""
        z = np.zeros((len(c.x), self.n_fft), dtype=np.int64)
        rest = i32(c.rest[:, None] * self.window) >> 4
        z[:, : c.x.shape[1]] = i32(i32(c.y * self.window) - rest) >> 2
        _within(z, 28)  # The kernel adds a bias of 2^28.
        shift = np.maximum(0, _length(z) - 16)
        i32((1 << 28) + (0x40000 << shift))
        z = rounded_shift(z, shift[:, None])
        re, im = z[:, 0::2], z[:, 1::2]
        exponent = shift - 12
        span = self.m
        while span > 8:
            re, im = self._radix4(re, im, span, 2)
            exponent = exponent + 2
            span //= 4
        re, im = self._radix4(re, im, span, 0)
        if span == 8:
            re, im = _radix2(re, im)
        _within(re, 20)
        _within(im, 20)
        scale = np.maximum(0, _length(np.concatenate([re, im], axis=1)) - 15)
        return self._split(re, im, scale), exponent + scale

    def _radix4(self, re: Ints, im: Ints, span: int, down: int) -> tuple[Ints, Ints]:
        """Make one pass over sub-transforms of span points, and divide by 2^down."""
        _within(re, 18)  # The kernel adds a bias of 2^18.
        _within(im, 18)
        shape = (len(re), self.m // span, 4, span // 4)
        re, im = re.reshape(shape), im.reshape(shape)
        a, b, c, d = range(4)
        s_re, s_im = re[:, :, a] + re[:, :, c], im[:, :, a] + im[:, :, c]
        t_re, t_im = re[:, :, a] - re[:, :, c], im[:, :, a] - im[:, :, c]
        u_re, u_im = re[:, :, b] + re[:, :, d], im[:, :, b] + im[:, :, d]
        # -j (b - d)
        v_re, v_im = im[:, :, b] - im[:, :, d], re[:, :, d] - re[:, :, b]
        legs = (
            (rounded_shift(s_re + u_re, down), rounded_shift(s_im + u_im, down)),
            self._turned(t_re + v_re, t_im + v_im, 1, span, down),
            self._turned(s_re - u_re, s_im - u_im, 2, span, down),
            self._turned(t_re - v_re, t_im - v_im, 3, span, down),
        )
        flat = (len(re), self.m)
        return (
            np.stack([leg[0] for leg in legs], axis=2).reshape(flat),
            np.stack([leg[1] for leg in legs], axis=2).reshape(flat),
        )

    def _turned(self, re: Ints, im: Ints, times: int, span: int, down: int) -> tuple[Ints, Ints]:
        at = np.arange(span // 4) * times * (self.n_fft // span)
        return _product(i32(re), i32(im), self.cos[at], self.sin[at], down)

    def _split(self, re: Ints, im: Ints, shift: Ints) -> Ints:
        k = np.arange(1, self.m // 2 + 1)
        re, im = rounded_shift(re, shift[:, None]), rounded_shift(im, shift[:, None])
        here, there = self.order[k], self.order[self.m - k]
        z_re, z_im, y_re, y_im = re[:, here], im[:, here], re[:, there], -im[:, there]
        odd_re, odd_im = _product(i32(z_im - y_im), i32(y_re - z_re), self.cos[k], self.sin[k], 0)
        even_re, even_im = i32(z_re + y_re), i32(z_im + y_im)
        out = np.zeros((len(re), self.m), dtype=np.int64)
        out[:, self.m - k] = _square(
            rounded_shift(even_re - odd_re, 2), rounded_shift(even_im - odd_im, 2)
        )
        kept = out[:, self.m // 2].copy()
        out[:, k] = _square(rounded_shift(even_re + odd_re, 2), rounded_shift(even_im + odd_im, 2))
        # The middle bin mirrors itself. The kernel writes the mirrored value last.
        out[:, self.m // 2] = kept
        return i32(out)

    def _level(self, power: Ints, exponent: Ints) -> Ints:
        i32((1 << 24) - 1 + power)  # The low word of the sum, before the carry.
        total = power.sum(axis=1)
        beyond = total >> 30 > 0
        log = np.where(
            beyond,
            normalised(np.where(beyond, total >> 17, 1)) + 17 * 256,
            normalised(np.where(beyond, 1, total)),
        )
        level = int8(i32(log + self.offset + 512 * (exponent + 1) + 16) >> 5)
        return np.where(total == 0, SILENT, level)


def _radix2(re: Ints, im: Ints) -> tuple[Ints, Ints]:
    pairs = (len(re), -1, 2)

    def butterfly(part: Ints) -> Ints:
        a, b = part.reshape(pairs)[:, :, 0], part.reshape(pairs)[:, :, 1]
        return np.stack([i32(a + b), i32(a - b)], axis=2).reshape(part.shape)

    return butterfly(re), butterfly(im)


def _product(re: Ints, im: Ints, cos: Ints, sin: Ints, down: int) -> tuple[Ints, Ints]:
    """Multiply by a twiddle in Q12 and divide by 2^down.

    The kernels use three products, which give the same result modulo 2^32.
    """
    real = i32(re * cos - im * sin)
    imaginary = i32(re * sin + im * cos)
    return rounded_shift(real, 12 + down), rounded_shift(imaginary, 12 + down)


def _square(re: Ints, im: Ints) -> Ints:
    return i32(i32(re * re) + i32(im * im))


def _length(v: Ints) -> Ints:
    """Return the bit length of the OR of a window's magnitudes. Negative ones are complemented."""
    return bit_length(np.bitwise_or.reduce(v ^ (v >> 63), axis=1))


def _within(v: Ints, bits: int) -> None:
    if v.size and max(v.max(), -v.min()) >= 1 << bits:
        raise OutsideWord(f"{max(v.max(), -v.min())} is beyond the bias of 2^{bits}")
