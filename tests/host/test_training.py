"""Training: a head from labelled recordings, in int8 as good as in floats, the same bytes every time."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nearhum import wire
from nearhum_host import training
from nearhum_host.errors import HostError, UsageError
from nearhum_host.protocols import runner
from nearhum_host.training import Labelled, Layer

CONFIG = {"kind": "vibration", "rate_hz": 1000, "n_window": 128, "n_hop": 128}
TONES = {"low": (60, 90), "middle": (90, 150), "high": (150, 60)}


@pytest.fixture(autouse=True)
def _micropython() -> None:
    try:
        runner.interpreter()
    except HostError as error:
        pytest.skip(error.message)


def tones(seed: int, n: int = 128 * 12) -> list[Labelled]:
    """Recordings of two channels, 5 a label: the tones of its label in noise, each at a level of its own."""
    random = np.random.default_rng(seed)
    out = []
    for label, hz in TONES.items():
        for _ in range(5):
            t = np.arange(n)[:, None] / 1000
            wave = np.sin(2 * np.pi * np.array(hz) * t + random.uniform(0, 6, 2)) * 10 ** random.uniform(2, 3.5)
            out.append(Labelled(label, np.rint(wave + random.normal(0, 120, (n, 2))).astype(np.int16)))
    return out


@pytest.mark.parametrize("method", training.METHODS)
def test_a_head_is_worth_its_place(method: str) -> None:
    recordings = tones(1)
    trained = training.train(recordings, CONFIG, method, 6)
    figures = trained.figures
    assert (figures["labels"], figures["asked"], figures["windows"]) == (3, 36, 144)
    assert figures["nearest_mean_int8"] >= max(0.9, figures["nearest_mean_without_head"])
    assert abs(figures["nearest_mean_int8"] - figures["nearest_mean_float"]) <= 0.03
    assert figures["majority"] == pytest.approx(1 / 3)
    assert trained.head == training.train(recordings, CONFIG, method, 6).head
    assert trained.head != training.train(tones(2), CONFIG, method, 6).head


def test_layers_in_int8_are_near_those_in_floats() -> None:
    """The firmware's embedding of a known network: two layers, rows of very different size, a large bias."""
    random = np.random.default_rng(3)
    recordings = tones(4)
    _, x, _ = training.extracted(recordings, CONFIG)
    n = x.shape[1]
    sizes = 10.0 ** np.arange(-3, 5)[:, None]
    first = Layer(random.normal(size=(8, n)) * sizes, random.normal(size=8) * 40 * sizes[:, 0], True)
    second = Layer(random.normal(size=(5, 8)) / sizes.T, random.normal(size=5), False)
    layers = [
        Layer(first.weights / sizes, first.bias / sizes[:, 0], True),
        Layer(second.weights * sizes.T, second.bias, False),
    ]
    head = training.quantised(layers, x)
    _, _, found = training.extracted(recordings, CONFIG, head)
    wanted = training._forward(layers, x)
    gain = (found * wanted).sum() / (wanted**2).sum()
    inside = np.abs(found) < 127
    assert np.abs(found - gain * wanted)[inside].max() < 10
    assert wire.unseal(wire.HEAD_MAGIC, head, "head")[2][:4] == bytes([n, 0, 2, 0])


def test_too_little_is_refused() -> None:
    few = tones(1)
    with pytest.raises(UsageError):
        training.train(few[:5], CONFIG)
    with pytest.raises(UsageError):
        training.train([*few[:5], few[5]], CONFIG)
    with pytest.raises(UsageError):
        training.train([Labelled(r.label, r.frames[:100]) for r in few], CONFIG)
    with pytest.raises(UsageError):
        training.train(few, CONFIG, "svm")
    with pytest.raises(HostError, match="n_bands"):
        training.train(few, {**CONFIG, "n_bands": 99})


def test_the_command_reads_a_folder_a_label(tmp_path: Path) -> None:
    for i, recording in enumerate(tones(5)):
        folder = tmp_path / "in" / recording.label
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{i:02}.npy", recording.frames)
    out = tmp_path / "head.nhh"
    command = [sys.executable, "-m", "nearhum_host.cli", "train", str(tmp_path / "in"), "--out", str(out), "--json"]
    command += ["--kind", "vibration", "--rate", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == 3
    assert out.read_bytes()[:4] == wire.HEAD_MAGIC
    empty = subprocess.run([*command[:4], str(tmp_path / "none")], capture_output=True, text=True, timeout=60)
    assert empty.returncode == 2
