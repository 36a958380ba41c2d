"""Utterances and words of the firmware against an independent oracle in exact integers."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device.run import micropython
from reference import words as oracle

ROOT = Path(__file__).parents[3]


def firmware(calls: list[list[Any]]) -> list[Any]:
    script = ROOT / "tests" / "reference" / "run_words.py"
    asked = "\n".join(json.dumps(call) for call in calls)
    done = subprocess.run(
        [micropython(), "-X", "heapsize=8M", str(script), str(ROOT / "firmware")],
        input=asked, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def speech(seed: int, n_bands: int = 20, loud: float = 60) -> np.ndarray:
    """Frames of stretches of sound whose spectrum moves, of many lengths and levels, in a
    background that wanders.
    """
    random = np.random.default_rng(seed)
    rows = []
    floor = random.normal(-60, 15, n_bands)
    for _ in range(14):
        floor += random.normal(0, 3, n_bands)
        n = int(random.integers(4, 50))
        rows.append(floor + random.normal(0, 5, (n, n_bands)))
        n = int(random.integers(1, 130))
        t = np.arange(n)[:, None] / 20
        shape = np.cos(
            random.uniform(0, 3)
            + t * random.normal(0, 2)
            + np.arange(n_bands) * random.uniform(0.1, 0.9)
        )
        rows.append(
            floor + random.uniform(0, loud) + 20 * shape + random.normal(0, 4, (n, n_bands))
        )
    rows.append(floor + random.normal(0, 5, (40, n_bands)))
    return np.clip(np.rint(np.concatenate(rows)), -128, 127).astype(np.int64)


def blocks(n_bands: int, *levels: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.full((n, n_bands), level) for n, level in levels])


def checkered(n_bands: int) -> np.ndarray:
    """The largest cepstra and deviations there are, between silences."""
    signs = (
        np.cos(np.pi * np.arange(10)[:, None] * (2 * np.arange(n_bands) + 1) / (2 * n_bands)) >= 0
    )
    frames = np.where(np.tile(signs, (5, 1)), 127, -128)
    frames[1::2] = -1 - frames[1::2]
    return np.concatenate([blocks(n_bands, (20, -128)), frames, blocks(n_bands, (20, -128))])


CASES = {
    "speech": speech(1),
    "soft": speech(2, loud=25),
    "ten bands": speech(3, 10),
    "most bands": speech(4, 32, 120),
    "constant": blocks(20, (30, -128), (40, 127), (30, -128)),
    "too short": blocks(20, (30, -60), (5, 60), (30, -60)),
    "just long enough": blocks(20, (30, -60), (6, 60), (30, -60)),
    "for ever": blocks(20, (30, -60), (400, 60), (30, -60)),
    "checkered": checkered(32),
    "nothing": np.zeros((0, 20), np.int64),
    "settling": blocks(20, (9, 10)),
}


@cache
def heard() -> dict[str, list[tuple[int, np.ndarray]]]:
    found = firmware(
        [["hear", f.shape[1], f.astype(np.int8).tobytes().hex()] for f in CASES.values()]
    )
    return {
        name: [
            (t, np.frombuffer(bytes.fromhex(x), np.int8).reshape(-1, 10).astype(np.int64))
            for t, x in some
        ]
        for name, some in zip(CASES, found, strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_utterances_and_their_cepstra(name: str) -> None:
    frames = CASES[name]
    wanted = [oracle.cepstra(frames[first:end]) for first, end in oracle.hear(frames)]
    found = [x for _, x in heard()[name]]
    assert [len(x) for x in found] == [len(x) for x in wanted]
    for x, y in zip(found, wanted, strict=True):
        assert np.array_equal(x, y)


def test_the_cases_have_what_they_are_for() -> None:
    counts = {name: len(some) for name, some in heard().items()}
    assert counts["speech"] > 5
    assert counts["most bands"] > 5
    assert (
        counts["too short"],
        counts["just long enough"],
        counts["for ever"],
        counts["nothing"],
    ) == (0, 1, 1, 0)
    assert len(heard()["for ever"][0][1]) == oracle.MAX_FRAMES


def test_cepstra_are_near_those_of_floats() -> None:
    """Mean 0, spread 32, and near a cosine transform in float64; cosines of 8 bits cost weak
    ones a step more.
    """
    for frames in (CASES["speech"], CASES["most bands"]):
        n = frames.shape[1]
        k, b = np.arange(10)[:, None], np.arange(n)[None]
        for (first, end), (_, found) in zip(oracle.hear(frames), heard_of(frames), strict=True):
            if end - first > oracle.MAX_FRAMES:
                continue
            c = frames[first:end] @ np.cos(np.pi * k * (2 * b + 1) / (2 * n)).T
            spread = c.std(axis=0)
            wanted = np.clip(32 * (c - c.mean(axis=0)) / spread, -127, 127)
            off = np.abs(found - wanted)[:, spread > 8]
            assert off.max() <= 3
            assert off.mean() < 0.5


def heard_of(frames: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return next(some for name, some in heard().items() if CASES[name] is frames)


def test_distances() -> None:
    random = np.random.default_rng(8)
    examples = [x for some in heard().values() for _, x in some][:14]
    for n in (6, 9, 64):
        examples += [
            random.integers(-127, 128, (n, 10)),
            np.full((n, 10), 127),
            np.full((n, 10), -127),
        ]
    pairs = [(a, b) for a in examples for b in examples]
    asked = [["align", *(x.astype(np.int8).tobytes().hex() for x in pair)] for pair in pairs]
    found = firmware(asked)
    assert found == [oracle.distance(a, b) for a, b in pairs]
    assert all(d == 0 for (a, b), d in zip(pairs, found, strict=True) if a is b)
    assert max(found) < 4 * 20 * 255


def test_time_may_run_unevenly() -> None:
    """The same course at two thirds of the pace is nearer than another course at the same pace."""
    t = np.linspace(0, 6, 48)[:, None]
    course = np.rint(60 * np.sin(t + np.arange(10)))
    slower, other = (
        course[::3].repeat(2, axis=0).astype(np.int64),
        np.rint(60 * np.cos(2 * t + np.arange(10))),
    )
    a = course.astype(np.int64)
    assert oracle.distance(a, slower) * 3 < oracle.distance(a, other.astype(np.int64))
