"""Whitening learned by the firmware against float64: sums, shrinkage, and distances in what its
head makes.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from device.run import micropython
from reference import whitening as float64
from reference.exact import i32
from sklearn.covariance import oas

ROOT = Path(__file__).parents[3]


@dataclass
class Learned:
    """What the firmware made of a case."""

    learn: np.ndarray  # int64 (embeddings, n)
    other: np.ndarray
    floor: int
    out: np.ndarray  # int64, the whitened embeddings of other
    weights: np.ndarray  # int64 (n, n)
    sums: dict[str, list[int]]


def factors(n: int, k: int, strength: float, noise: float, count: int) -> np.ndarray:
    """Embeddings of n dimensions that k common causes move, with noise of their own, int8."""
    random = np.random.default_rng(n + k)
    loads = random.normal(size=(n, k)) * strength
    return clipped(
        random.normal(size=(count, k)) @ loads.T + noise * random.normal(size=(count, n)) - 10
    )


def clipped(x: np.ndarray) -> np.ndarray:
    return np.clip(np.round(x), -128, 127).astype(np.int64)


def singular() -> np.ndarray:
    """Two equal dimensions, one opposite, one the sum of two others, one constant."""
    x = factors(8, 2, 6, 4, 600)
    x[:, 1] = x[:, 0]
    x[:, 2] = -x[:, 0]
    x[:, 5] = clipped(x[:, 3] + x[:, 4])
    x[:, 7] = 77
    return x


# name: (embeddings, spread floor)
CASES: dict[str, Callable[[], tuple[np.ndarray, int]]] = {
    "independent": lambda: (factors(32, 1, 0.01, 5, 1000), 2),
    "gain": lambda: (factors(32, 1, 20, 3, 1000), 2),
    "causes": lambda: (factors(32, 5, 6, 3, 2000), 2),
    "strong causes": lambda: (factors(24, 5, 15, 2, 2000), 1),
    "twelve": lambda: (factors(12, 3, 10, 3, 300), 5),
    "singular": lambda: (singular(), 2),
    "fewer than dimensions": lambda: (factors(32, 3, 8, 4, 20), 2),
    "one dimension": lambda: (factors(1, 1, 10, 1, 100), 2),
    "one embedding": lambda: (factors(6, 1, 10, 1, 1), 3),
    "one embedding again and again": lambda: (np.repeat(factors(6, 1, 10, 1, 1), 50, axis=0), 3),
    "the ends of int8": lambda: (np.random.default_rng(5).choice([-128, 127], (400, 32)), 1),
    "at one end": lambda: (np.full((50, 32), -128), 1),
}


@cache
def learned(name: str) -> Learned:
    interpreter = micropython()
    if interpreter is None:
        pytest.skip("no MicroPython unix port")
    learn, floor = CASES[name]()
    n = learn.shape[1]
    random = np.random.default_rng(1)
    near = learn[random.integers(0, len(learn), 300)]
    apart = random.integers(-40, 41, (300, n)) * (random.random((300, n)) < 0.2)
    other = np.concatenate(
        [near, clipped(near + apart), clipped(near + random.normal(size=(300, n)) * 6)]
    )
    other = np.concatenate([other, random.choice([-128, 127], (100, n))])
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "learn.bin").write_bytes(learn.astype("i1").tobytes())
        (at / "other.bin").write_bytes(other.astype("i1").tobytes())
        script = ROOT / "tests" / "reference" / "run_whitening.py"
        done = subprocess.run(
            [interpreter, "-X", "heapsize=8M", str(script), str(ROOT / "firmware"), f"{at}/",
            str(n), str(floor)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        out = np.frombuffer((at / "out.bin").read_bytes(), "i1").astype(np.int64).reshape(-1, n)
        weights = (
            np.frombuffer((at / "head.bin").read_bytes()[:-4], "i1")[-n * n :]
            .astype(np.int64)
            .reshape(n, n)
        )
        return Learned(
            learn, other, floor, out, weights, json.loads((at / "sums.json").read_text())
        )


@pytest.mark.parametrize("name", CASES)
def test_sums_are_exact(name: str) -> None:
    run = learned(name)
    n = run.learn.shape[1]
    rows, columns = np.triu_indices(n)
    products = run.learn[:, rows] * run.learn[:, columns]
    i32(products + (1 << 24) - 1)  # before their carry
    high, low = np.array(run.sums["outer"]).reshape(-1, 2).T
    assert run.sums["count"] == len(run.learn)
    assert run.sums["sums"] == run.learn.sum(axis=0).tolist()
    assert ((high << 24) + low == products.sum(axis=0)).all()
    assert low.min() >= 0
    assert low.max() < 1 << 24


@pytest.mark.parametrize("name", CASES)
def test_distances_are_mahalanobis(name: str) -> None:
    """Within 3 %, and what rounding n whitened values to int8 may add, where none of them is
    saturated.
    """
    run = learned(name)
    n = run.learn.shape[1]
    wanted = np.sqrt(float64.squared_distances(run.other, run.learn, run.floor))
    found = np.sqrt((run.out**2).sum(axis=1)) / float64.UNIT_STEPS
    inside = (np.abs(run.out) < 127).all(axis=1)
    error = np.abs(found - wanted)[inside]
    far = inside & (wanted > np.sqrt(n))
    relative = (np.abs(found - wanted) / np.maximum(wanted, 1e-9))[far]
    print(
        f"{name}: {inside.sum()} of {len(inside)} not saturated; beyond a typical distance at most"
        f" {relative.max(initial=0):.1%} off,"
        f" {np.sqrt((relative**2).mean()) if len(relative) else 0:.2%} rms"
    )
    assert inside.sum() >= 250
    assert (error <= 0.03 * wanted[inside] + np.sqrt(n) / (2 * float64.UNIT_STEPS)).all()


@pytest.mark.parametrize("name", CASES)
def test_what_is_too_far_saturates(name: str) -> None:
    """It never wraps: the sign is right, and the value the nearest that int8 has."""
    run = learned(name)
    lower = np.linalg.cholesky(float64.covariance(run.learn, run.floor))
    true = float64.UNIT_STEPS * np.linalg.solve(lower, (run.other - run.learn.mean(axis=0)).T).T
    beyond = np.abs(true) > 150
    assert (np.sign(run.out[beyond]) == np.sign(true[beyond])).all()
    assert (np.abs(run.out[beyond]) >= 127).all()


@pytest.mark.parametrize("name", ["independent", "causes", "twelve"])
def test_every_dimension_spreads_by_the_unit(name: str) -> None:
    run = learned(name)
    true = np.linalg.cholesky(float64.covariance(run.learn, run.floor))
    ideal = np.linalg.solve(true, (run.learn - run.learn.mean(axis=0)).T).T.std(axis=0)
    y = run.out[:300]
    assert np.abs(y.mean(axis=0)).max() <= float64.UNIT_STEPS / 4
    assert np.abs(y.std(axis=0) / float64.UNIT_STEPS - ideal).max() <= 0.15  # 300 of the embeddings
    common = np.abs(np.corrcoef(y, rowvar=False) - np.eye(y.shape[1]))
    assert common.max() <= 0.3


def test_shrinkage_is_that_of_scikit_learn() -> None:
    for n, count in ((4, 20), (12, 300), (32, 20)):
        x = factors(n, 2, 5, 5, count)
        standard = (x - x.mean(axis=0)) / x.std(axis=0)
        _, shrinkage = oas(standard)
        assert float64.shrinkage(np.corrcoef(x, rowvar=False), count) == pytest.approx(
            shrinkage, rel=1e-9
        )
        assert shrinkage > float64.MIN_SHRINKAGE


def test_one_dimension_is_a_scale() -> None:
    run = learned("one dimension")
    spread = run.learn.std()
    wanted = float64.UNIT_STEPS * (run.other[:, 0] - run.learn.mean()) / spread
    assert np.abs(run.out[:, 0] - np.clip(wanted, -128, 127)).max() <= 1
    assert run.weights.tolist() == [[127]]


def test_nothing_known_is_a_diagonal() -> None:
    """One embedding, once or often, knows no correlation, and its spreads are the floor."""
    for name in ("one embedding", "one embedding again and again", "at one end"):
        run = learned(name)
        assert (run.weights == 127 * np.eye(len(run.weights))).all()
        wanted = np.clip(float64.UNIT_STEPS * (run.other - run.learn[0]) / run.floor, -128, 127)
        assert np.abs(run.out - wanted).max() <= 1
