"""How the range of frequencies is cut into bands: the words of features.band_edges, with exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def fft_length(n_window: int) -> int:
    """Return the power of two, at least 64, that holds a window."""
    n = 64
    while n < n_window:
        n *= 2
    return n


def edges(config: dict[str, Any]) -> list[tuple[int, int]]:
    """Return (first bin, bins) of each band of a complete config, DC and Nyquist left out; frequencies in mHz."""
    n, n_fft = config["n_bands"], fft_length(config["n_window"])
    if not n:
        return []
    width = Fraction(_milli(config["rate_hz"]), n_fft)
    offset = 700_000 if config["spacing"] == "mel" else 0
    low = max(Fraction(_milli(config["f_low_hz"])), width / 2) + offset
    top = Fraction(_milli(config["f_high_hz"])) or width * n_fft / 2
    high = min(top, width * (n_fft - 1) / 2) + offset  # the upper edge of the last bin below Nyquist

    def reached(k: int, i: int) -> bool:
        # the lower edge of bin k is not below edge i of n: the i-th of n steps, equal in Hz or in ratio
        f = (k - Fraction(1, 2)) * width + offset
        if config["spacing"] == "linear":
            return f >= low + (high - low) * i / n
        return f**n >= low ** (n - i) * high**i

    first = [next((k for k in range(1, n_fft) if reached(k, i)), n_fft) for i in range(n + 1)]
    cut = [first[0]]
    for edge in first[1:]:
        cut.append(max(cut[-1] + 1, edge))
    if cut[-1] > min(first[-1], n_fft // 2):
        raise ValueError("the bins run out")
    return [(a, b - a) for a, b in zip(cut, cut[1:], strict=False)]


def _milli(value: float) -> int:
    return int(value * 1000 + 0.5)
