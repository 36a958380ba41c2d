"""Prototypes, scores, threshold and smoothing of the fixed path, in exact integers.

Enters: embeddings. Leaves: scores, a threshold, alarms. Written from the docstrings of
kernels/viper_derive.py, kernels/viper_window.py, prototypes, detect and temporal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .exact import Ints, i32, small
from .logarithm import log2_q8, normalised

NO_SCORE = -32768
SHORT_PERIOD_THRESHOLD = 1024  # Four octaves in Q8.
NO_THRESHOLD = 32767
UNIT_STEPS = 4  # int8 steps for one standard deviation of a whitened dimension.
_HELD = 0x3FFFFFFF


def derive(sums: Ints, squares: Ints, count: int) -> tuple[Ints, Ints]:
    """Return (mean int8, variance Q12) from the sums of x and x² over count embeddings."""
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
    """Return (weights 1..255, smallest variance Q12). A weight is 255 * smallest / variance.

    floor: least variance, Q12.
    """
    variance = np.maximum(variance, floor)
    lowest = int(variance.min())
    halvings = max(0, lowest.bit_length() - 21)
    lowered, variance = lowest >> halvings, variance >> halvings
    quotient = i32(i32(255 * lowered) + (variance >> 1)) // variance
    return np.clip(quotient, 1, 255), lowest


@dataclass(eq=False)
class Prototype:
    """Sums of the embeddings learned. mean, variance: as of the last call of derive."""

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
        i32((1 << 24) - 1 + x * x)  # The low word of the sum, before the carry.
        self.squares = self.squares + x * x
        self.count += 1

    def derive(self) -> None:
        self.mean, self.variance = derive(self.sums, self.squares, self.count)


class Modes:
    """The normal prototypes (modes), found while learning.

    See firmware/nearhum/detection/modes.py and prototypes.py.
    """

    capacity = 8

    def __init__(self, n_dims: int, floor: int, learn: int, n_found: int = 8):
        self.n_dims, self.floor, self.n_found = n_dims, floor, n_found
        self.at = 0  # The mode of the last embedding learned.
        self.warm, self.whole = max(8, min(64, learn >> 3)), learn
        self.all: list[Prototype] = []

    @property
    def total(self) -> int:
        return sum(p.count for p in self.all)

    def pool(self) -> None:
        """Update variance, weights and scale, which all modes share."""
        free = sum(p.count - 1 for p in self.all if p.count)
        halvings = max(0, free.bit_length() - 21)
        free >>= halvings
        shares = [((p.count >> halvings) << 8) // free if free > 0 else 0 for p in self.all]
        pooled = sum(
            i32((p.variance >> 5) * share) for p, share in zip(self.all, shares, strict=True)
        )
        self.variance = np.minimum(i32(np.asarray(pooled)) >> 3, 1 << 26)
        self.weights, lowest = weigh(self.variance, self.floor)
        n = np.int64(self.n_dims)
        self.scale = int(log2_q8(np.int64(255)) + log2_q8(np.int64(lowest)) - 12 * 256 + log2_q8(n))

    def scores(self, x: Ints) -> list[int]:
        """Return the squared distance to each mode, relative to a typical member's, octaves Q8."""
        return [distance(x - p.mean, self.weights, self.scale) for p in self.all]

    def halve(self, i: int) -> None:
        """Halve dimension i of all that was learned."""
        for p in self.all:
            p.sums, p.squares = p.sums.copy(), p.squares.copy()
            p.sums[i] >>= 1
            least = -(-(int(p.sums[i]) ** 2) // max(1, p.count))
            p.squares[i] = max(int(p.squares[i]) >> 2, least)
            p.derive()
        if self.all:
            self.pool()

    def learn(self, x: Ints) -> bool:
        """Learn one embedding. Returns True if it may be an outlier."""
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
        self.at = next(k for k, other in enumerate(self.all) if other is p)
        return len(self.all) > 1 and p.count * 20 < max(total, self.whole)

    def _begin(self, nearest: int, total: int) -> int:
        if self.n_found == 1:
            return nearest
        if len(self.all) == min(self.capacity, self.n_found):
            smallest = min(range(len(self.all)), key=lambda j: self.all[j].count)
            if self.all[smallest].count * 20 >= total:
                return nearest
            del self.all[smallest]
        self.all.append(Prototype(self.n_dims))
        return len(self.all) - 1

    def finish(self) -> None:
        """Drop the modes that too few windows belong to."""
        least = max(3, self.total // 20)
        for p in self.all[::-1]:
            if p.count < least and p.count < max(other.count for other in self.all):
                self.all.remove(p)
        self.pool()


def rarity(config: dict[str, Any], slow: int = 0) -> tuple[int, int, int, int, bool]:
    """Return (one_in, tied, skip, held, mean) for a config.

    one_in: number of blocks in which the settings allow one false alarm. tied: windows in a block,
    whose scores depend on each other. skip: first scores that do not count. held: windows for which
    one window over the threshold is an alarm. mean: whether features are averaged over windows.
    """
    rate = config["rate_hz"]
    micro = int(rate * 1000 + 0.5) * 1000 if rate >= 1 else int(rate * 1000000 + 0.5)
    per_day = micro * 864 // (10000 * config["n_hop"])
    tied = config["n_window"] // config["n_hop"] + 512 // config["smooth"] - 2
    tied = max(1, tied + (2 * slow - 1 if slow else 0))
    one_in = max(2, per_day * 1000 // (int(config["alarms_per_day"] * 1000 + 0.5) * tied))
    return one_in, tied, 256 // config["smooth"] - 1, config["alarm_n"], slow > 0


def octaves(n: int) -> int:
    """Return log2 n in Q8, linear between powers of two."""
    octave = n.bit_length() - 1
    return 256 * octave + ((n << 8) >> octave) - 256


def quantile(scores: list[int], part: int, of: int) -> int:
    """Return the quantile part/of of scores, by bins of 1/8 octave from -4 to 12 octaves."""
    counts = np.bincount([min(127, max(0, (s + 1024) // 32)) for s in scores], minlength=128)
    edges = np.cumsum(of * counts)
    i = int(np.argmax((edges >= part * len(scores)) & (counts > 0)))
    inside = part * len(scores) - int(edges[i] - of * counts[i])
    return -1024 + 32 * i + 32 * inside // int(of * counts[i])


def crossings(scores: list[int]) -> int:
    """Return how often scores cross their running mean. The first score counts as a crossing."""
    mean_q8, side, found = 0, 0, 0
    for n, score in enumerate(scores, 1):
        away = 256 * score - mean_q8
        mean_q8 += (2 * away + n) // (2 * n)
        here = 1 if away > 0 else -1
        found += here != side
        side = here
    return found


@dataclass(frozen=True)
class Margins:
    """The constants of a threshold, as the firmware ships them; Q8 octaves but for reach and
    rarer, a shift. one: of a single independent score; one_mean: of one of a mean over windows.
    """

    over: int = 128
    rarer: int = 5
    one: int = 224
    one_mean: int = 192
    reach: int = 4
    least: int = 64


MARGINS = Margins()


def threshold(
    scores: list[int],
    one_in: int,
    tied: int,
    skip: int = 0,
    held: int = 1,
    mean: bool = False,
    margins: Margins = MARGINS,
) -> int:
    """Return the threshold for these smoothed scores, octaves Q8.

    one_in, tied, skip, held, mean: from rarity. See firmware/nearhum/detection/calibration.py.
    """
    late = scores[skip:]
    if len(late) < 2 * skip:  # With so few scores, the first ones count too, after the others.
        late = late + scores[:skip]
    if not late:
        return SHORT_PERIOD_THRESHOLD
    n = len(late)
    independent = max(32, min(256 * n // tied, 256 * crossings(late)))
    beyond = max(0, octaves(one_in) + 2048 - octaves(independent))
    median = quantile(late, 1, 2)
    upper = max(margins.least, quantile(late, 4, 5) - median)
    few = min(max(late), median + margins.reach * upper) + margins.over + (beyond >> margins.rarer)
    few += (margins.one_mean if mean else margins.one) * 256 // independent
    largest = [max(late[at : at + tied]) for at in range(0, n, tied)]
    whole = largest[: n // tied]
    # The firmware keeps the 32 largest of the full blocks, and the block that is not full.
    top = sorted(sorted(whole)[-32:] + largest[n // tied :])
    n_blocks = max(1, len(whole))
    k = max(1, min(32, n_blocks // 4))
    top = top[-k:]
    spread = upper * 304 >> 8
    scale_q8 = (256 * (sum(top) - k * top[0]) + 4 * 32 * spread) // (k - 1 + 4)
    times_q8 = max(0, octaves(k * (one_in + one_in**2 // n_blocks)) - octaves(n_blocks))
    bins = [min(127, max(0, (s + 1024) // 32)) for s in late]
    at = min(127, max(0, (top[0] + 1024) // 32))
    inside = min(32, max(0, 32 * (at + 1) - 1024 - top[0]))
    over_q8 = 256 * sum(b > at for b in bins) + 256 * bins.count(at) * inside // 32
    if over_q8:  # the time in alarm: one score in 100
        times_q8 = max(times_q8, octaves(over_q8 * 100 * held) - octaves(n) - 2048)
    tail = top[0] + (scale_q8 * 177 * times_q8 >> 24)
    return min(tail + (few - tail) * min(512, beyond) // 512, 32766)


class Smoothing:
    """Smooths scores exponentially. The n-th score has a weight of at least 1 / n.

    share: weight of a new score in 1/256.
    """

    def __init__(self, share: int):
        self.share, self.seen, self.q8 = share, 0, 0

    def take(self, score: int) -> int:
        """Return the smoothed score."""
        score = max(-8191, min(8191, score))
        self.seen += 1
        share = max(256 // self.seen, self.share)
        step = small(small(small((score << 8) - self.q8) * share) + 128) if share < 256 else None
        self.q8 = score << 8 if step is None else self.q8 + (step.item() >> 8)
        return (self.q8 + 128) >> 8


class Covariance:
    """Distances by full covariance: exact sums, a whitening in float64, and its int8 rounding.

    See firmware/nearhum/detection/covariance.py and embedding/whitening.py.
    """

    def __init__(self, n_dims: int, floor: int):
        self.n, self.floor = n_dims, floor / 2  # The unit here is two int8 steps.
        self.count = self.known = 0
        self._sums = [0] * n_dims
        self.outer = [[0] * n_dims for _ in range(n_dims)]
        self.layer: dict[str, Any] | None = None
        n = np.int64(n_dims)
        self.scale = int(log2_q8(np.int64(255)) + log2_q8(np.int64(UNIT_STEPS**2)) + log2_q8(n))

    @staticmethod
    def apart(x: Ints, mean: Ints) -> Ints:
        return np.minimum(127, (x - mean + 1) >> 1)

    def learn(self, apart: Ints) -> None:
        self.count += 1
        for i in range(self.n):
            self._sums[i] += int(apart[i])
            for j in range(i, self.n):
                self.outer[i][j] += int(apart[i]) * int(apart[j])

    def halve(self, i: int) -> None:
        self._sums[i] >>= 1
        for row in range(self.n):
            for column in range(row, self.n):
                self.outer[row][column] >>= (row == i) + (column == i)
        if self.count:
            self.outer[i][i] = max(self.outer[i][i], -(-(self._sums[i] ** 2) // self.count))

    def stale(self) -> bool:
        return 16 * self.count >= 17 * self.known

    def refresh(self) -> None:
        if not self.count:
            return
        self.known = self.count
        upper = np.array(self.outer, dtype=float) / self.count
        sums = np.array(self._sums, dtype=float)
        covariance = upper - np.outer(sums, sums) / self.count**2
        covariance = np.triu(covariance) + np.triu(covariance, 1).T
        spread = np.maximum(self.floor, np.sqrt(np.maximum(np.diag(covariance), 0)))
        correlation = covariance / np.outer(spread, spread)
        np.fill_diagonal(correlation, 1)
        squares = float((correlation**2).sum())
        off = (self.count + 1) * (squares - self.n)
        shrink = max(1 / 256, min(1, (squares + self.n**2) / off if off > 0 else 1))
        root = None
        while root is None:
            correlation *= 1 - shrink
            np.fill_diagonal(correlation, 1)
            try:
                root = np.linalg.cholesky(correlation)
            except np.linalg.LinAlgError:
                shrink = 0.5
        rows = np.linalg.inv(root) / spread
        self.layer = self._rounded(rows, root, spread)

    def _rounded(self, rows: np.ndarray, root: np.ndarray, spread: np.ndarray) -> dict[str, Any]:
        weights = np.zeros((self.n, self.n), dtype=np.int64)
        factors, posts = [], []
        for r, row in enumerate(rows):
            largest = np.abs(row).max()
            left = np.zeros(self.n)
            for i in range(self.n - 1, -1, -1):
                wanted = 127 * row[i] / largest
                taken = (root[i + 1 :, i] @ left[i + 1 :]) / root[i, i]
                weights[r, i] = np.clip(math.floor(wanted + taken / spread[i] + 0.5), -127, 127)
                left[i] = (wanted - weights[r, i]) * spread[i]
            limit = min(65535, ((1 << 30) - 1) // (128 * int(np.abs(weights[r]).sum()) + 1))
            gain, post = UNIT_STEPS * largest / 127, 0
            while post < 29 and 2 * gain + 0.5 < limit:
                gain, post = 2 * gain, post + 1
            factors.append(math.floor(gain + 0.5))
            posts.append(post)
        zeros = np.zeros(self.n, dtype=np.int64)
        return {
            "weights": weights, "bias": zeros, "relu": False, "pre": zeros,
            "factor": np.array(factors), "post": np.array(posts),
        }  # fmt: skip

    def score(self, x: Ints, mean: Ints) -> int:
        assert self.layer
        whitened = network(self.apart(x, mean)[None], [self.layer])[0]
        return distance(whitened, np.full(self.n, 255), self.scale)


def distance(apart: Ints, weights: Ints, scale: int) -> int:
    """Return the weighted squared distance relative to a typical member's, octaves Q8."""
    terms = i32(i32(apart * apart) * weights)
    held = min(int(i32(np.cumsum(terms))[-1]), _HELD)
    both = i32((held >> 1) + (i32(len(apart) * int(terms.max())) >> 3))
    return (256 + int(normalised(both)) if both > 1 else 256) - scale


class Part:
    """One view of the data: its modes, covariance, scores and threshold."""

    def __init__(self, n_dims: int, config: dict[str, Any], learn: int, slow: int = 0):
        floor = config["spread_floor"]
        self.modes = Modes(n_dims, floor**2 << 12, learn, config["n_modes"])
        self.rarity = rarity(config, slow)
        self.smoothing = Smoothing(config["smooth"])
        self.covariance = Covariance(n_dims, floor) if config["spread"] == "full" else None
        self.left = self.total = learn
        self.calibration: list[int] = []
        self.threshold = NO_THRESHOLD
        self.dirt = self.stale = False
        self.raw = NO_SCORE
        self.nearest = 0

    def score(self, x: Ints, watching: bool) -> int:
        """Return the score of x, or NO_SCORE if there is none yet."""
        if not watching and self.modes.total < max(1, self.left):
            return NO_SCORE
        if self.covariance and self.covariance.layer:
            scores = [self.covariance.score(x, p.mean) for p in self.modes.all]
        else:
            scores = self.modes.scores(x)
        self.nearest = int(np.argmin(scores))
        return min(scores)

    def learn(self, x: Ints, smoothed: int, stray: bool = False) -> None:
        self.dirt = stray or self.modes.learn(x)
        if not self.dirt:
            if smoothed != NO_SCORE:
                self.calibration.append(max(-8191, min(8191, smoothed)))
            if self.covariance:
                self.covariance.learn(Covariance.apart(x, self.modes.all[self.modes.at].mean))
        self.left -= 1
        if 2 * self.left <= self.total:
            self.stale = bool(self.covariance) and self.covariance.stale()

    def refresh(self) -> None:
        self.stale = False
        if self.covariance:
            self.covariance.refresh()

    def finish(self) -> None:
        self.modes.finish()
        self.threshold = threshold(self.calibration, *self.rarity)
        self.stale = False
        if self.covariance:
            self.covariance.refresh()


class Drift:
    """The offset that follows slow drift. See firmware/nearhum/detection/drift.py."""

    def __init__(self, n_dims: int, budget: int, windows: int):
        self.budget, self.rate_q16 = budget, 65536 // windows
        self.offset = np.zeros(n_dims, dtype=np.int64)
        self.limits = np.zeros(n_dims, dtype=np.int64)

    def apply(self, x: Ints) -> Ints:
        return np.clip(x - ((self.offset + 2048) >> 12), -128, 127)

    def bound(self, variance: Ints) -> None:
        spread_q12 = [math.isqrt(int(v) << 12) for v in variance]
        self.limits = np.minimum(255 << 12, self.budget * np.array(spread_q12, dtype=np.int64))

    def follow(self, y: Ints, mean: Ints) -> None:
        moved = self.offset + ((i32((y - mean) * self.rate_q16) + 8) >> 4)
        self.offset = np.clip(moved, -self.limits, self.limits)


class Alarm:
    """Begins and ends alarms. See firmware/nearhum/detection/temporal.py."""

    def __init__(self, config: dict[str, Any]):
        self.m, self.others = config["alarm_m"], (1 << config["alarm_n"] - 1) - 1
        self.release, self.fade = config["release"], max(1, 65536 // config["fade"])
        self.reset()

    def reset(self) -> None:
        self.bits, self.peak_q8, self.on = 0, -0x10000000, False

    def take(self, score: int, limit: int) -> None:
        self.peak_q8 = max(self.peak_q8 - self.fade, -0x10000000, score << 8)
        rise = ((self.peak_q8 >> 8) - limit) * self.release
        over = score > limit and (score - limit) << 8 > rise
        self.bits = (self.bits & self.others) << 1 | over
        self.on = self.bits > 0 if self.on else self.bits.bit_count() >= self.m


class Board:
    """A board that learns the first windows of a run and then watches."""

    def __init__(self, n_dims: int, config: dict[str, Any], learn: int, n_aside: int = 0):
        self.first = Part(n_dims, config, learn)
        self.modes = self.first.modes
        self.slow = config["slow"]
        self.views = [Part(n_dims, config, learn, self.slow)] if self.slow else []
        self.views += [Part(n_aside, config, learn)] if n_aside else []
        self.mean_q12 = np.zeros(n_dims, dtype=np.int64)
        self.n_averaged = 0
        self.before = self.mean_q12, 0
        budget = config["drift_budget"]
        self.drift = Drift(n_dims, budget, config["drift_windows"]) if budget else None
        self.alarm = Alarm(config)
        self.smoothed = NO_SCORE
        self.watching = self.stray = False
        self.n_strays = 0

    @property
    def left(self) -> int:
        return self.first.left

    @left.setter
    def left(self, value: int) -> None:
        self.first.left = value

    @property
    def threshold(self) -> int:
        return self.first.threshold

    def halve(self, i: int) -> None:
        """Halve dimension i of all that was learned, because the step of its range was doubled."""
        self.modes.halve(i)
        if self.first.covariance:
            self.first.covariance.halve(i)

    def refresh(self) -> None:
        """Recompute the whitenings, after a range has grown or enough was learned."""
        self.first.refresh()
        for view in self.views:
            if view.stale:
                view.refresh()

    def strays(self, x: Ints, reach: Ints) -> bool:
        """Return True if a window that is out of range is an outlier and must not be learned."""
        first = self.first
        if self.n_strays * 10 >= first.total or self.modes.total < 8:
            return False
        first.nearest = int(np.argmin(self.modes.scores(x)))
        near, halvings = self._nearer(x, reach)
        y = self.drift.apply(near) if self.drift else near
        self.stray = first.score(y, True) + 512 * halvings > 5 * 256
        self.n_strays += self.stray
        return self.stray

    def take(self, x: Ints, aside: Ints | None = None, reach: Ints | None = None) -> int:
        """Take one embedding. Returns the smoothed score, or NO_SCORE if there is none yet.

        aside: statistics beside the vector. reach: for each dimension its distance from the centre
        in steps if it is out of range, otherwise 0.
        """
        first = self.first
        beyond = reach is not None and bool(np.any(reach)) and bool(self.modes.all)
        near, halvings = self._nearer(x, reach) if beyond else (x, 0)
        y = self.drift.apply(near) if self.drift else near
        score = first.score(y, self.watching)
        score = score + 512 * halvings if score != NO_SCORE else score
        other = NO_SCORE
        seen = ([self._average(x)] if self.slow else []) + ([] if aside is None else [aside])
        for view, z in zip(self.views, seen, strict=True):
            view.raw = view.score(z, self.watching)
            if view.raw != NO_SCORE and self.slow and view is self.views[0]:
                # a mean of few windows scatters more
                view.raw -= octaves(self.slow) - octaves(self.n_averaged)
            if self.watching:
                smoothed = view.smoothing.take(view.raw)
                other = max(other, smoothed + first.threshold - view.threshold)
        if not self.watching and first.dirt:  # Smoothing starts again after an outlier.
            first.smoothing.seen, self.smoothed = 0, NO_SCORE
        if score != NO_SCORE:
            self.smoothed = max(first.smoothing.take(score), other)
            self.alarm.take(self.smoothed, first.threshold)
        shown = self.smoothed
        if self.watching:
            quiet = not self.alarm.on and self.smoothed < first.threshold
            if self.drift and quiet and not beyond:
                self.drift.follow(y, self.modes.all[first.nearest].mean)
        else:
            self._learn(y, seen)
        return shown

    def _nearer(self, x: Ints, reach: Ints) -> tuple[Ints, int]:
        at = self.modes.all[self.first.nearest].mean
        if self.drift:
            at = at + ((self.drift.offset + 2048) >> 12)
        most, halvings = int(np.abs(reach).max()) + 256, 0
        while most > 96:
            most, halvings = most >> 1, halvings + 1
        far = np.where(reach != 0, reach, x)
        return np.clip(at + ((far - at) >> halvings), -128, 127), halvings

    def _average(self, x: Ints) -> Ints:
        self.before = self.mean_q12, self.n_averaged
        self.n_averaged = min(self.slow, self.n_averaged + 1)
        step = (x << 12) - self.mean_q12
        step = np.sign(step) * (np.abs(step) // self.n_averaged)  # Rounded towards zero.
        self.mean_q12 = self.mean_q12 + step
        return (self.mean_q12 + 2048) >> 12

    def _learn(self, y: Ints, seen: list[Ints]) -> None:
        first = self.first
        left = first.left
        first.learn(y, self.smoothed, self.stray)
        self.stray = False
        if first.dirt:  # The average leaves it out.
            self.mean_q12, self.n_averaged = self.before
        for view, z in zip(self.views, seen, strict=True):
            view.left = left
            if first.dirt:
                view.left -= 1
                continue
            if view.dirt:
                view.smoothing.seen = 0
            smoothed = NO_SCORE if view.raw == NO_SCORE else view.smoothing.take(view.raw)
            view.learn(z, smoothed)
        if not first.left:
            for part in (first, *self.views):
                part.finish()
            if self.drift:
                self.drift.bound(self.modes.variance)
            first.dirt = False
            self.watching = True
            self.alarm.reset()
        elif first.stale or any(view.stale for view in self.views):
            self.refresh()


def network(x: Ints, layers: list[dict[str, Any]]) -> Ints:
    """Run int8 layers on x, (windows, n_in).

    A layer has weights (n_out, n_row), relu, and bias, pre, factor, post (n_out,). A convolution
    also has `channels`, `width` and `stride`, with rows of width * channels. A pooling has only
    `pool`, the number of channels, and takes the maximum of each over all positions.
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
    # The kernel makes both factors unsigned, and first subtracts what this adds. From there its sum
    # only grows, so the start must fit, too.
    i32(layer["bias"] - 128 * layer["weights"].sum(axis=1) - 128 * (x + 128).sum(axis=1)[:, None])
    scaled = i32(_rounded(sums, layer["pre"]) * layer["factor"])
    return np.clip(_rounded(scaled, layer["post"]), 0 if layer["relu"] else -128, 127)


def _rounded(value: Ints, by: Ints) -> Ints:
    return i32(value + ((np.int64(1) << by) >> 1)) >> by


class Ranged:
    """Means of slow channels, scaled by a range that the first n_range windows set.

    40 steps are one standard deviation.
    """

    def __init__(self, windows: Ints):
        """Set the range. windows: int64 (n_range, n_channels, n_window)."""
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

    def reach(self, channel: int, mean_q4: int) -> int:
        """Return the distance from the centre in steps if it is out of range, otherwise 0."""
        step = self.step_q4[channel]
        apart = mean_q4 - self.centre_q4[channel]
        far = abs(apart) // step if abs(apart) > 128 * step else 0
        return far if apart > 0 else -far

    def widen(self, channel: int) -> None:
        self.step_q4[channel] = min(1 << 20, 2 * self.step_q4[channel])
