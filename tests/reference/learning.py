"""Prototypes, scores, threshold and smoothing of the fixed path, in exact integers. See the docstrings of
kernels/viper_derive.py and viper_window.py, prototypes, detect and temporal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .exact import Ints, i32, small
from .logarithm import log2_q8, normalised
from .tables import normal_quantiles

NO_SCORE = -32768
SHORT_PERIOD_THRESHOLD = 1024  # four octaves
_HELD = 0x3FFFFFFF


def derive(sums: Ints, squares: Ints, count: int) -> tuple[Ints, Ints]:
    """Return (mean int8, variance Q12) of raw sums over count embeddings."""
    i32(sums)
    small(squares >> 24)
    q, rest = sums // count, sums % count
    f = (rest << 20) // count
    a = squares // count
    g = ((squares % count) << 20) // count
    f_q14 = i32(f) >> 6
    part = i32(i32(i32(g) - i32(2 * q * f)) - (i32(f_q14 * f_q14) >> 8)) >> 8
    variance = i32(i32(i32(a - i32(q * q)) << 12) + part)
    return np.minimum(127, q + (f >> 19)), np.maximum(0, variance)


def weigh(variance: Ints, floor: int) -> tuple[Ints, int]:
    """Return (weights 1..255, smallest variance Q12): 255 smallest / variance, rounded."""
    variance = np.maximum(variance, floor)
    lowest = int(variance.min())
    halvings = max(0, lowest.bit_length() - 21)
    lowered, variance = lowest >> halvings, variance >> halvings
    quotient = i32(i32(255 * lowered) + (variance >> 1)) // variance
    return np.clip(quotient, 1, 255), lowest


@dataclass(eq=False)
class Prototype:
    """Raw sums of what was learned; mean and variance as of the last derive."""

    n_dims: int
    name: str = ""
    count: int = 0
    sums: Ints = field(init=False)
    squares: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros(self.n_dims, dtype=np.int64)
        self.squares = np.zeros(self.n_dims, dtype=np.int64)
        self.mean = np.zeros(self.n_dims, dtype=np.int64)
        self.variance = np.zeros(self.n_dims, dtype=np.int64)

    def learn(self, x: Ints) -> None:
        self.sums = i32(self.sums + x)
        i32((1 << 24) - 1 + x * x)  # the low word before its carry
        self.squares = self.squares + x * x
        self.count += 1

    def derive(self) -> None:
        self.mean, self.variance = derive(self.sums, self.squares, self.count)


class Modes:
    """The normal prototypes, found on the way. See firmware/nearhum/modes.py and prototypes.py."""

    capacity = 8

    def __init__(self, n_dims: int, floor: int, learn: int):
        self.n_dims, self.floor = n_dims, floor
        self.warm, self.whole = max(8, min(64, learn >> 3)), learn
        self.all: list[Prototype] = []

    @property
    def total(self) -> int:
        return sum(p.count for p in self.all)

    def pool(self) -> None:
        """Bring weights and scale up to date: all share one spread."""
        free = sum(p.count - 1 for p in self.all if p.count)
        halvings = max(0, free.bit_length() - 21)
        free >>= halvings
        shares = [((p.count >> halvings) << 8) // free if free > 0 else 0 for p in self.all]
        pooled = sum(i32((p.variance >> 5) * share) for p, share in zip(self.all, shares, strict=True))
        self.weights, lowest = weigh(np.minimum(i32(np.asarray(pooled)) >> 3, 1 << 26), self.floor)
        n = np.int64(self.n_dims)
        self.scale = int(log2_q8(np.int64(255)) + log2_q8(np.int64(lowest)) - 12 * 256 + log2_q8(n))

    def scores(self, x: Ints) -> list[int]:
        """Return octaves of squared distance in Q8 to each mode, against a typical member."""
        return [self._score(x, p) for p in self.all]

    def _score(self, x: Ints, p: Prototype) -> int:
        apart = x - p.mean
        terms = i32(i32(apart * apart) * self.weights)
        distance = min(int(i32(np.cumsum(terms))[-1]), _HELD)
        both = i32((distance >> 1) + (i32(self.n_dims * int(terms.max())) >> 3))
        log = 256 + int(normalised(both)) if both > 1 else 256
        return log - self.scale

    def learn(self, x: Ints) -> bool:
        """Learn one embedding; return True where it may be dirt."""
        total = self.total
        if not self.all:
            self.all.append(Prototype(self.n_dims))
        j = len(self.all) - 1
        if self.all[j].count and (j or total >= 8):
            scores = self.scores(x)
            j = int(np.argmin(scores))
            if scores[j] > (5 if total >= self.warm else 8) * 256:
                j = self._begin(j, total)
        p = self.all[j]
        p.learn(x)
        p.derive()
        self.pool()
        near = self.scores(p.mean)
        for k, other in enumerate(self.all):
            if other is not p and near[k] < 256:
                first, second = (p, other) if j < k else (other, p)
                first.sums, first.squares = first.sums + second.sums, first.squares + second.squares
                first.count += second.count
                self.all.remove(second)
                first.derive()
                self.pool()
                p = first
                break
        return len(self.all) > 1 and p.count * 20 < max(total, self.whole)

    def _begin(self, nearest: int, total: int) -> int:
        if len(self.all) == self.capacity:
            smallest = min(range(len(self.all)), key=lambda j: self.all[j].count)
            if self.all[smallest].count * 20 >= total:
                return nearest
            del self.all[smallest]
        self.all.append(Prototype(self.n_dims))
        return len(self.all) - 1

    def finish(self) -> None:
        """Drop what too few windows belong to."""
        least = max(3, self.total // 20)
        for p in self.all[::-1]:
            if p.count < least and p.count < max(other.count for other in self.all):
                self.all.remove(p)
        self.pool()


def rarity(config: dict[str, Any]) -> tuple[int, int]:
    """Return (blocks in which the settings allow one false alarm, windows tied to a block)."""
    per_day = int(config["rate_hz"] * 1000 + 0.5) * 86400 // (1000 * config["n_hop"])
    tied = max(1, config["n_window"] // config["n_hop"] + 512 // config["smooth"] - 2)
    return max(2, per_day * 1000 // (int(config["alarms_per_day"] * 1000 + 0.5) * tied)), tied


def octaves(n: int) -> int:
    """Return log2 n in Q8, linear between powers of two."""
    octave = n.bit_length() - 1
    return 256 * octave + ((n << 8) >> octave) - 256


def threshold(scores: list[int], one_in: int, tied: int) -> int:
    """Return the threshold of these smoothed scores. See firmware/nearhum/calibration.py."""
    n = len(scores)
    if not n:
        return SHORT_PERIOD_THRESHOLD
    total, squares = sum(scores), sum(s * s for s in scores)
    variance = max(0, squares // n - total * total // (n * n))
    # fewer scores than four blocks have: typical ones, of 0 and a spread of an octave, in the place of the others
    lacking = max(0, 4 * tied - n)
    variance = (n * variance + 65536 * lacking) // (n + lacking)
    spread = max(1, math.isqrt(variance - 1) + 1 if variance > 1 else 1)
    body = total // (n + lacking) + (spread * quantile(one_in) >> 8)
    if lacking:
        return min(body, 32766)
    largest = [max(scores[at : at + tied]) for at in range(0, n, tied)]
    whole = largest[: n // tied]
    # what is kept are the 32 largest of the whole blocks, and the one that is not full
    top = sorted(sorted(whole)[-32:] + largest[n // tied :])
    n_blocks = max(1, len(whole))
    k = max(1, min(32, n_blocks // 4))
    top = top[-k:]
    scale_q8 = (256 * (sum(top) - k * top[0]) + 4 * 32 * spread) // (k - 1 + 4)
    times_q8 = max(0, octaves(k * one_in) - octaves(n_blocks))
    tail = top[0] + (scale_q8 * 177 * times_q8 >> 24)
    return min(body + (tail - body) * min(n, 512) // 512, 32766)


def quantile(one_in: int) -> int:
    """Return the normal quantile exceeded once in one_in draws, Q8, linear between powers of two."""
    table = normal_quantiles()
    octave = min(one_in.bit_length() - 1, 40)
    octave = min(octave, len(table) - 1)
    low, high = table[octave - 1], table[octave]
    return low + (high - low) * (((one_in << 8) >> octave) - 256) // 256


class Board:
    """Learns the first windows of a run, then watches: the scores and the threshold that a board would have."""

    def __init__(self, n_dims: int, config: dict[str, Any], learn: int):
        self.modes = Modes(n_dims, config["spread_floor"] ** 2 << 12, learn)
        self.share = config["smooth"]
        self.one_in, self.tied = rarity(config)
        self.left = learn
        self.calibration: list[int] = []
        self.threshold: int | None = None
        self.smoothed = NO_SCORE
        self.dirt = False
        self._smoothed_q8 = 0

    def take(self, x: Ints) -> int:
        """Take one embedding; return the smoothed score, NO_SCORE where there is none yet."""
        if self.dirt:  # what follows it is not smoothed with it
            self.smoothed = NO_SCORE
        if 2 * self.modes.total >= max(2, self.left):  # the first third has no scores; then, and watching, all have
            self._smooth(min(self.modes.scores(x)))
        shown = self.smoothed
        self.dirt = self._learn(x) if self.left else False
        return shown

    def _smooth(self, score: int) -> None:
        if self.smoothed == NO_SCORE:
            self._smoothed_q8 = small(score << 8).item()
        else:
            step = small(small(small((score << 8) - self._smoothed_q8) * self.share) + 128)
            self._smoothed_q8 += step.item() >> 8
        self.smoothed = (self._smoothed_q8 + 128) >> 8

    def _learn(self, x: Ints) -> bool:
        dirt = self.modes.learn(x)
        if self.smoothed != NO_SCORE and not dirt:
            self.calibration.append(max(-8191, min(8191, self.smoothed)))
        self.left -= 1
        if not self.left:
            self.modes.finish()
            self.threshold = threshold(self.calibration, self.one_in, self.tied)
        return dirt and bool(self.left)


def network(x: Ints, layers: list[dict[str, Any]]) -> Ints:
    """Run int8 layers on x (windows, n_in). A layer: weights (n_out, n_row), bias, pre, factor, post (n_out,), relu.

    A convolution has `channels`, `width` and `stride` too, and a row of width x channels; a layer of `pool` channels
    alone takes the largest of each over positions.
    """
    for layer in layers:
        if "pool" in layer:
            x = x.reshape(len(x), -1, layer["pool"]).max(axis=1)
        elif "stride" in layer:
            n = layer["channels"] * layer["width"]
            starts = range(0, x.shape[1] - n + 1, layer["channels"] * layer["stride"])
            x = np.concatenate([_rows(x[:, at : at + n], layer) for at in starts], axis=1)
        else:
            x = _rows(x, layer)
    return x


def _rows(x: Ints, layer: dict[str, Any]) -> Ints:
    products = x[:, None, :] * layer["weights"][None]
    sums = i32(np.cumsum(products, axis=2) + layer["bias"][None, :, None])[:, :, -1]
    # the kernel makes both factors unsigned and takes off first what that adds; from there its sum only grows
    i32(layer["bias"] - 128 * layer["weights"].sum(axis=1) - 128 * (x + 128).sum(axis=1)[:, None])
    scaled = i32(_rounded(sums, layer["pre"]) * layer["factor"])
    return np.clip(_rounded(scaled, layer["post"]), 0 if layer["relu"] else -128, 127)


def _rounded(value: Ints, by: Ints) -> Ints:
    return i32(value + ((np.int64(1) << by) >> 1)) >> by


class Ranged:
    """Means of slow channels, scaled by a range learned from the first n_range windows, 40 steps a spread."""

    def __init__(self, windows: Ints):
        """windows: int64 (n_range, n_channels, n_window): those that set the range."""
        n_channels = windows.shape[1]
        count = windows.shape[0] * windows.shape[2]
        self.centre_q4, self.step_q4 = [], []
        for c in range(n_channels):
            total, squares = int(windows[:, c].sum()), int((windows[:, c] ** 2).sum())
            variance_q8 = max(0, 256 * squares // count - (16 * total) ** 2 // count**2)
            self.centre_q4.append((16 * total + count // 2) // count)
            self.step_q4.append(max(4, math.isqrt(variance_q8) // 40))

    def scale(self, channel: int, mean_q4: Ints) -> Ints:
        step = self.step_q4[channel]
        apart = small(mean_q4 - self.centre_q4[channel])
        near = np.clip(apart, -128 * step, 128 * step)
        scaled = np.minimum(127, small(small(near * ((1 << 20) // step)) + (1 << 19)) >> 20)
        return np.where(apart > 128 * step, 127, np.where(apart < -128 * step, -128, scaled))
