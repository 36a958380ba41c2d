"""Poisoning: how far the worst possible input of a day moves what a board has learned.

`make poison`, or `python tests/poison.py`. Prints a table, computed by the firmware under
MicroPython with the defaults of motion (a window in four seconds, 21,600 a day) unless a row says
otherwise. The adversary sees everything inside the board and chooses every embedding, but cannot
give the user's confirmation.

Labels: five examples of a word in 48 dimensions. Every second window is a near miss of it, chosen
    along a direction, the nearest or the farthest possible. The other windows are hits, which the
    board takes for its teacher. Each row shows the worst direction: along one dimension, along all,
    or to and fro along all. Normal: 400 windows are learned, a share of which the adversary
    chooses. Those are just near enough to count as part of a mode.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from math import log2
from typing import Any

import numpy as np
from reference.boards import Call, means, opened, spread

A_DAY = 21600  # Windows.
N = 48
FLOOR = 3  # Steps: the least spread, by the defaults of motion.
ALL = [100] * N
ONE = [100] + [0] * (N - 1)
SCATTER = 4.0  # Steps: the spread of the examples.

# As many windows a day as with motion's defaults, but short ones. Their content does not matter,
# because the adversary chooses the embeddings.
BOARD: dict[str, Any] = {
    "kind": "motion",
    "rate_hz": 8,
    "n_window": 32,
    "n_hop": 32,
    "f_high_hz": 3.5,
}
BY_ITSELF = {**BOARD, "teach": "auto"}
NO_GUARD = {"teach_budget": 1000, "teach_days": 0.001}


@dataclass
class Harm:
    """The result of a day.

    moved, grown, reach: spreads of the anchor. limit: octaves of squared distance.
    """

    moved: float
    grown: float
    limit: float
    reach: float
    before: float
    learned: int

    def __str__(self) -> str:
        return (
            f"{self.learned:8} {self.moved:10.2f} {self.grown:10.2f} {self.limit:+10.2f} "
            f"{self.before:6.1f} -> {self.reach:4.1f}"
        )


def rows(n: int, seed: int, scatter: float = SCATTER) -> list[list[int]]:
    """Return n embeddings around one centre."""
    random = np.random.default_rng(seed)
    return np.clip(np.rint(random.normal(0, scatter, (n, N))), -128, 127).astype(int).tolist()


def attacked(
    settings: dict[str, Any], turns: list[list[int]], far: bool, word: str, n_windows: int
) -> Harm:
    """Return what became of a word after so many windows of lures.

    word: the user's answer to every near miss that waits.
    """
    with opened() as call:
        assert call, "no MicroPython unix port"
        call("new", settings)
        call("say", "enrol word 5")
        _, facts = call("windows", rows(5, 1))
        start = facts["labels"][0][2]
        unit = [
            max(s, root, Fraction(FLOOR))
            for s, root in zip(spread(start), pooled(facts), strict=True)
        ]
        centre, limit = [round(m) for m in means(start)], facts["limit"]
        before = reached(call, centre, turns[0], unit)
        left = n_windows // 2
        while left > 0:
            for direction in turns:
                _, facts = call("lure", direction, min(left, 50), far)
                left -= 50
            for number in range(1, 2000 if word else 0):
                answer, facts = call("say", f"{word} {number}")
                if (
                    not answer["ok"]
                    and "no pending" in answer["error"]
                    and number > facts["labels"][0][1] + 16
                ):
                    break
        now = facts["labels"][0]
        moved = [abs(a - b) / u for a, b, u in zip(means(now[2]), means(start), unit, strict=True)]
        grown = [s / u for s, u in zip(spread(now[2]), unit, strict=True)]
        return Harm(
            float(max(moved)), float(max(grown)), log2(facts["limit"] / limit),
            reached(call, centre, turns[0], unit), before, now[1] - 5,
        )  # fmt: skip


def pooled(facts: dict[str, Any]) -> list[Fraction]:
    return [Fraction(int(v**0.5 * 64), 4096) for v in facts["variance"]]


def reached(call: Call, centre: list[int], direction: list[int], unit: list[Fraction]) -> float:
    """Return the distance of the farthest window along a direction that still has the label, in
    spreads.
    """
    size, _ = call("reach", centre, direction)
    return float(max(abs(d) * Fraction(size, 32) / u for d, u in zip(direction, unit, strict=True)))


def worst(settings: dict[str, Any], word: str, n_windows: int) -> Harm:
    """Return the worst of all directions, with the nearest and with the farthest near misses."""
    to_and_fro = [ALL, [-d for d in ALL]]
    ways = [(turns, far) for turns in ([ALL], [ONE], to_and_fro) for far in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda way: attacked(settings, *way, word, n_windows), ways))
    return max(found, key=lambda harm: (harm.reach - harm.before, harm.moved))


def learned(share: float, n: int = 400) -> tuple[float, float, float]:
    """Return (threshold in octaves, mean moved, own spread) with a share of the adversary's
    windows.
    """
    random = np.random.default_rng(2)
    with opened() as call:
        assert call, "no MicroPython unix port"
        call("new", BOARD)
        clean = rows(n, 3)
        # 5 octaves of squared distance, 5.6 spreads in all dimensions, begin a new mode. These
        # windows stay just below that.
        pull = [5] * N
        stream = [(pull if random.random() < share else x) for x in clean]
        stream = [[round(SCATTER * v) for v in x] if x is pull else x for x in stream]
        call("say", f"learn {n}")
        _, facts = call("windows", stream)
        big = max(range(len(facts["normal"])), key=lambda j: facts["normal"][j])
        mean = facts["modes"][big]
        return (
            facts["threshold"] / 256,
            float(max(abs(m) for m in means(mean))) / SCATTER,
            float(max(spread(mean))) / SCATTER,
        )


def watched(settings: dict[str, Any], n_windows: int) -> tuple[float, float, float]:
    """Return the farthest window without an alarm, before and after a day of them, and the
    threshold's move.

    Distances are in spreads.
    """
    with opened() as call:
        assert call, "no MicroPython unix port"
        call("new", settings)
        call("say", "learn 400")
        _, start = call("windows", rows(400, 3))
        size, _ = call("creep", [0] * N, ALL, 0)
        farthest = before = size
        for _ in range(n_windows // 200):
            size, facts = call("creep", [0] * N, ALL, 200)
            farthest = max(farthest, size)
        unit = 100 / 32 / SCATTER
        return before * unit, farthest * unit, (facts["threshold"] - start["threshold"]) / 256


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--windows", type=int, default=A_DAY, help="of the attack; default: a day")
    given = parser.parse_args()
    print(
        f"A label, after {given.windows} windows. Moved: its mean, and its own spread then, in"
        " spreads as trusted;"
    )
    print(
        "limit of the unknown, octaves; the farthest window that has the label, in spreads, before"
        " and after.\n"
    )
    print(f"{'':44} {'learned':>8} {'moved':>10} {'spread':>10} {'limit':>10} {'reach':>14}")
    for what, settings, word in (
        ("teach = ask (default), nobody accepts", BOARD, ""),
        ("teach = ask, everything is accepted", BOARD, "accept"),
        *(
            (f"teach = auto, teach_budget = {b} in 7 days", {**BY_ITSELF, "teach_budget": b}, "")
            for b in (3, 5)
        ),
        ("teach = auto, no guard", {**BY_ITSELF, **NO_GUARD}, ""),
    ):
        print(f"{what:44} {worst(settings, word, given.windows)}", flush=True)
    print(
        f"\nNormal, watching {given.windows} windows as strange as goes without an alarm; the"
        " farthest, spreads.\n"
    )
    watching = [
        ("defaults", {}),
        ("drift_budget = 3", {"drift_budget": 3}),
        ("drift_budget = 64, no guard", {"drift_budget": 64}),
    ]
    for what, settings in watching:
        before, after, moved = watched({**BOARD, **settings}, given.windows)
        print(
            f"{what:44} {before:6.1f} -> {after:5.1f}; the threshold moved by {moved:+.2f} octaves",
            flush=True,
        )
    print()
    print(f"Normal, learning 400 windows:{'':15} {'threshold':>10} {'moved':>10} {'spread':>10}")
    for share in (0.0, 0.03, 0.05, 0.2, 0.5):
        threshold, mean, grown = learned(share)
        print(
            f"  the adversary has {share:4.0%}{'':20} {threshold:+10.2f} {mean:10.2f} {grown:10.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
