"""Divide a range of frequencies into bands: firmware/nearhum/features/bands.py in fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def fft_length(n_window: int) -> int:
    """Return the least power of two that holds a window, at least 64."""
    n = 64
    while n < n_window:
        n *= 2
    return n


def edges(config: dict[str, Any]) -> list[tuple[int, int]]:
    """Return (first bin, number of bins) of each band, without DC and Nyquist.

    config: with all defaults filled in.
    """
    if config.get("bin_hz"):  # The window is a spectrum.
        width, n_fft = Fraction(milli(config["bin_hz"])), 2 * config["n_window"]
    else:
        n_fft = fft_length(config["n_window"])
        width = Fraction(milli(config["rate_hz"]), n_fft)
    low, high = milli(config["f_low_hz"]), milli(config["f_high_hz"])
    top = Fraction(high) if high else width * n_fft / 2
    return cut(
        config["n_bands"],
        config["spacing"],
        width,
        low,
        min(top, width * (n_fft - 1) / 2),
        n_fft // 2,
    )


def cut(
    n: int, spacing: str, width: Fraction, low: int, high: Fraction, n_bins: int
) -> list[tuple[int, int]]:
    """Return (first bin, number of bins) of n bands from low to high, all below bin n_bins.

    width: of a bin. high: upper edge of the last bin. All frequencies are in mHz.
    Raises ValueError if there are too few bins.
    """
    if not n:
        return []
    offset = 700_000 if spacing == "mel" else 0
    start = max(Fraction(low), width / 2) + offset
    end = high + offset

    def reached(k: int, i: int) -> bool:
        # Whether the lower edge of bin k is at or above edge i of n. The n steps are equal in Hz,
        # or in ratio.
        f = (k - Fraction(1, 2)) * width + offset
        if spacing == "linear":
            return f >= start + (end - start) * i / n
        return f**n >= start ** (n - i) * end**i

    first = [
        next((k for k in range(1, 2 * n_bins) if reached(k, i)), 2 * n_bins) for i in range(n + 1)
    ]
    bounds = [first[0]]
    for edge in first[1:]:
        bounds.append(max(bounds[-1] + 1, edge))
    if bounds[-1] > min(first[-1], n_bins):
        raise ValueError("the bins run out")
    return [(a, b - a) for a, b in zip(bounds, bounds[1:], strict=False)]


def milli(value: float) -> int:
    """Return a frequency in mHz."""
    return int(value * 1000 + 0.5)
