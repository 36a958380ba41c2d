"""The whole feature vector of a configuration, and the exact band levels in float64.

Enters: settings and windows. Leaves: int8 vectors. The band levels in float64 show how precise the
fixed path is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import bands, given
from .exact import Ints
from .filters import Envelope
from .learning import Board, Ranged
from .transform import BAND_BIAS, FLOOR_STEPS, SILENT, Bands, Centred, Statistics, scaled_mean


class Vectors:
    """Converts windows to int8 vectors.

    The order is that of features.Plan: mean, statistics, bands and envelope bands of each channel.
    """

    def __init__(self, config: dict[str, Any], ranged: Ranged | None = None):
        """Prepare for a config with all defaults filled in.

        ranged: the learned ranges, if the setting mean is "ranged".
        """
        self.mean = config["mean"]
        self.ranged = ranged
        self.statistics = [word.strip() for word in config["statistics"].split(",") if word.strip()]
        self.beside = [word.strip() for word in config["aside"].split(",") if word.strip()]
        n_window = config["n_window"]
        cut = bands.edges(config)
        self.cut = cut if config["bin_hz"] else []
        self.bands = (
            Bands(n_window, bands.fft_length(n_window), cut) if cut and not self.cut else None
        )
        self.level_free = config["level"] == "free"
        self.envelope = Envelope(config) if config["n_envelope_bands"] else None

    def of(self, windows: Ints) -> Ints:
        """Return vectors, int64 (windows, n_features), of (windows, n_channels, n_window)."""
        return np.concatenate(
            [self._channel(windows[:, c], c) for c in range(windows.shape[1])], axis=1
        )

    def aside(self, windows: Ints) -> Ints:
        """Return the statistics beside the vector, int64 (windows, n_channels * statistics)."""
        out = []
        for c in range(windows.shape[1] if self.beside else 0):
            moments = Statistics(Centred(windows[:, c]))
            out += [Statistics.READINGS[name](moments) for name in self.beside]
        return np.stack(out, axis=1) if out else np.empty((len(windows), 0), dtype=np.int64)

    def widened(self, window: Ints, board: Board) -> tuple[Ints, Ints]:
        """Return (vector, reach) of one window. While the board learns, its ranges grow first."""
        assert self.ranged
        stride = len(self.of(window[None])[0]) // len(window)
        out = np.zeros(stride * len(window), dtype=np.int64)
        grown = False
        while True:
            means = [int(Centred(row[None]).mean_q4[0]) for row in window]
            reach = [self.ranged.reach(c, mean) for c, mean in enumerate(means)]
            out[::stride] = reach
            if board.watching or not any(reach):
                break
            if not grown and board.strays(self.of(window[None])[0], out):
                break
            grown = True
            for c, far in enumerate(reach):
                if far:
                    self.ranged.widen(c)
                    board.halve(c * stride)
        if grown:
            board.refresh()
        return self.of(window[None])[0], out

    def _channel(self, x: Ints, channel: int) -> Ints:
        centred = Centred(x)
        out = []
        if self.ranged:
            out.append(self.ranged.scale(channel, centred.mean_q4)[:, None])
        elif self.mean == "scaled":
            out.append(scaled_mean(centred)[:, None])
        if self.statistics:
            moments = Statistics(centred)
            out += [Statistics.READINGS[name](moments)[:, None] for name in self.statistics]
        if self.bands or self.cut:
            levels = self.bands.of(centred) if self.bands else given.band_levels(x, self.cut)
            out.append(given.level_free(levels) if self.level_free else levels)
        if self.envelope:
            out.append(self.envelope.of(centred))
        return np.concatenate(out, axis=1)


def true_levels(
    x: Ints, n_fft: int, cut: list[tuple[int, int]], floor: int = FLOOR_STEPS
) -> np.ndarray:
    """Return the band levels in steps, float64 (windows, bands), without rounding.

    They are clipped to int8, and to `floor` steps under the strongest bin or band, as the features
    are.
    """
    n = x.shape[1]
    windowed = (x - x.mean(axis=1, keepdims=True)) * np.sin(np.pi * np.arange(n) / n) ** 2
    power = np.abs(np.fft.rfft(windowed, n_fft, axis=1)[:, : n_fft // 2]) ** 2
    power[:, 0] = power[:, 1:].max(axis=1)  # Bin 0 (DC) is replaced by the strongest bin.
    with np.errstate(divide="ignore"):
        levels = np.stack(
            [
                8 * np.log2(power[:, first : first + count].sum(axis=1) / n**2) + BAND_BIAS
                for first, count in [(0, 1), *cut]
            ],
            axis=1,
        )
    held = np.clip(levels, SILENT, 127)
    return np.maximum(held[:, 1:], held.max(axis=1, keepdims=True) - floor)
