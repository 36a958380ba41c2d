"""Biquad filters, the envelope of the filtered signal, and its bands.

Written from the docstrings of kernels/viper_filter.py and envelope.py. The coefficients come from
math.sin, which is more precise than their 13 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .bands import cut, fft_length, milli
from .exact import Ints, bit_length, i32, int8, rounded_shift, small
from .logarithm import log2_q8
from .transform import BAND_BIAS, SILENT, Bands, Centred

HELD = 1 << 28  # A section's output is clipped to this, Q11.


@dataclass(frozen=True)
class Section:
    """One biquad with two zeros at z = 1 (high-pass) or z = -1.

    H(z) = B (1 ± 2/z + 1/z²) / (1 ± (2 - D1)/z + (1 - D2)/z²), with B = b / 2^(b_shift + 11) and
    D = d / 2^(d_shift + 11). The sign above is - for a high-pass. The sign below is + where
    mirrored is set: the corner is above a quarter of the sampling rate. It is - otherwise.
    """

    high_pass: bool
    b: int
    b_shift: int
    mirrored: bool
    d1: int
    d2: int
    d_shift: int

    def words(self) -> list[int]:
        """Return the section as the words that the firmware keeps."""
        return [
            int(self.high_pass),
            self.b,
            self.b_shift,
            int(self.mirrored),
            self.d1,
            self.d2,
            self.d_shift,
        ]

    def second_order(self) -> list[float]:
        """Return b0, b1, b2, 1, a1, a2 for these integers."""
        b = self.b / 2 ** (self.b_shift + 11)
        d1, d2 = (d / 2 ** (self.d_shift + 11) for d in (self.d1, self.d2))
        return [
            b,
            (-2 if self.high_pass else 2) * b,
            b,
            1,
            (2 - d1) if self.mirrored else d1 - 2,
            1 - d2,
        ]


def section(high_pass: bool, corner: float, q: float) -> Section:
    """Return a section of the Audio EQ Cookbook. corner: share of the sampling rate. q: its Q."""
    w = math.tau * corner
    alpha = math.sin(w) / (2 * q)
    mirrored = corner > 0.25
    b, b_bits = _mantissa((1 + (1 if high_pass else -1) * math.cos(w)) / 2 / (1 + alpha), 13)
    a1, a2 = -2 * math.cos(w) / (1 + alpha), (1 - alpha) / (1 + alpha)
    d1, d_bits = _mantissa(2 - a1 if mirrored else 2 + a1, 12)
    return Section(
        high_pass, b, b_bits - 11, mirrored, d1, math.floor((1 - a2) * 2**d_bits + 0.5), d_bits - 11
    )


def _mantissa(value: float, bits: int) -> tuple[int, int]:
    while math.floor(value * 2 ** (bits + 1) + 0.5) <= 1 << 13:
        bits += 1
    return math.floor(value * 2**bits + 0.5), bits


def butterworth(high_pass: bool, corner: float, order: int) -> list[Section]:
    """Return the sections of a Butterworth filter of even order."""
    return [
        section(high_pass, corner, 1 / (2 * math.cos(math.pi * (2 * k + 1) / (2 * order))))
        for k in range(order // 2)
    ]


def band_pass(low: int, high: int, rate: int) -> list[Section]:
    """Return a high-pass of fourth order at low and a low-pass of second order at high."""
    return butterworth(True, low / rate, 4) + butterworth(False, high / rate, 2)


def widened(y: Ints) -> tuple[Ints, Ints]:
    """Return (deviations from the mean, shifted to 15 bits; the bits they had)."""
    bits = bit_length(np.bitwise_or.reduce(y ^ (y >> 63), axis=1))
    return i32(i32(y << (16 - bits)[:, None]) + 1) >> 1, bits


def biquads(z: Ints, sections: list[Section]) -> Ints:
    """Filter z, int64 (signals, n), by the sections in order. Each starts at rest."""
    for s in sections:
        m, k = -2 if s.high_pass else 2, -2 if s.mirrored else 2
        s1 = s2 = np.zeros(len(z), dtype=np.int64)
        out = np.empty_like(z)
        for i in range(z.shape[1]):
            p = rounded_shift(i32(s.b * z[:, i]), s.b_shift)
            y = np.clip(i32(p + s1), -HELD, HELD - 1)
            v = rounded_shift(y, 11)
            e1, e2 = (
                rounded_shift(i32(d * v), s.d_shift) for d in (s.d1 if s.mirrored else -s.d1, s.d2)
            )
            s1 = i32(i32(i32(k * y) + i32(i32(m * p) + s2)) + e1)
            s2 = i32(i32(p - y) + e2)
            out[:, i] = v
        z = out
    return z


def rectified(z: Ints, factor: int, n: int) -> tuple[Ints, Ints]:
    """Smooth |z| with a triangle and keep every factor-th value.

    Returns (out, int16 (signals, n); the exponent e of each signal). The sum is out * 2^e.
    """
    blocks = np.abs(z[:, : (n + 1) * factor]).reshape(len(z), n + 1, factor)
    rising = np.arange(1, factor + 1)
    i32((factor + 1) * blocks.sum(axis=2))
    sums = i32(
        (blocks[:, :-1] * rising).sum(axis=2) + (blocks[:, 1:] * (factor - rising)).sum(axis=2)
    )
    e = bit_length(np.bitwise_or.reduce(sums, axis=1)) - 15
    lifted = i32(sums << np.maximum(0, -e)[:, None])
    return np.minimum(0x7FFF, rounded_shift(lifted, np.maximum(0, e)[:, None])), e


class Envelope:
    """The envelope bands of a config with all defaults filled in."""

    def __init__(self, config: dict[str, Any]):
        rate = milli(config["rate_hz"])
        low, high = milli(config["envelope_low_hz"]), milli(config["envelope_high_hz"])
        top = milli(config["envelope_top_hz"]) or max(1, min(low, (high - low) // 2))
        self.factor = min(64, max(1, rate // (4 * top)))
        self.start = math.ceil(Fraction(3 * rate, low))
        self.n = (config["n_window"] - self.start) // self.factor - 1
        n_fft = fft_length(self.n)
        width = Fraction(rate, self.factor * n_fft)
        self.cut = cut(
            config["n_envelope_bands"], config["spacing"], width, 0, Fraction(top), n_fft // 2
        )
        self.sections = band_pass(low, high, rate)
        self.bands = Bands(self.n, n_fft, self.cut)
        gain_q8 = 4 * int(log2_q8(np.int64(self.factor)))  # The triangle's gain is factor².
        self.gain = (gain_q8 + 16) >> 5
        self.bands.offset = (
            32 * BAND_BIAS - 2 * int(log2_q8(np.int64(self.n))) - gain_q8 + 32 * self.gain
        )

    def of(self, c: Centred) -> Ints:
        """Return the levels, int8 values as int64 (windows, bands)."""
        z, bits = widened(c.y[:, : self.start + (self.n + 1) * self.factor])
        samples, e = rectified(biquads(z, self.sections)[:, self.start :], self.factor, self.n)
        levels = self.bands.of(Centred(samples))
        by = small(16 * (e - 15 + bits) - self.gain)
        return np.where(levels == SILENT, SILENT, int8(levels + by[:, None]))
