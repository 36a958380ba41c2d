"""Test training: heads as accurate in int8 as in floats, with the same bytes every time."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nearhum import wire
from nearhum.settings import SETTINGS
from nearhum_host import paths
from nearhum_host.errors import HostError, UsageError
from nearhum_host.evaluation.benchmarks import runner
from nearhum_host.heads import card, cost, embedding, fitting, layers, training
from nearhum_host.heads.labelled import Labelled
from nearhum_host.heads.layers import Layer
from reference.heads import head_file, random_layers

CONFIG = {"kind": "vibration", "rate_hz": 1000, "n_window": 128, "n_hop": 128}
TONES = {"low": (60, 90), "middle": (90, 150), "high": (150, 60), "wide": (240, 60)}


@pytest.fixture(autouse=True)
def _micropython() -> None:
    try:
        runner.interpreter()
    except HostError as error:
        pytest.skip(error.message)


def tones(seed: int, n: int = 128 * 12) -> list[Labelled]:
    """Recordings of two channels, 6 a label and 2 a group: the tones of its label in noise,
    each at its own level.
    """
    random = np.random.default_rng(seed)
    out = []
    for label, hz in TONES.items():
        for i in range(6):
            t = np.arange(n)[:, None] / 1000
            wave = np.sin(
                2 * np.pi * np.array(hz) * t + random.uniform(0, 6, 2)
            ) * 10 ** random.uniform(2, 3.5)
            frames = np.rint(wave + random.normal(0, 120, (n, 2))).astype(np.int16)
            out.append(Labelled(label, frames, f"machine {i % 3}", "", f"{label}{i}"))
    return out


def rows(figures: dict, table: str, of: str) -> list[dict]:
    return [row for row in figures[table] if row["asked of"] == of]


@pytest.mark.parametrize("method", fitting.METHODS)
def test_a_head_is_worth_its_place(method: str) -> None:
    recordings = tones(1)
    trained = training.train(recordings, CONFIG, method, 6)
    figures = trained.figures
    assert (figures["labels"], figures["groups"], figures["windows"]) == (4, 3, 4 * 5 * 12)
    for of in ("recordings held out", "groups never seen"):
        (row,) = rows(figures, "accuracy", of)
        assert row["most frequent"] == pytest.approx(1 / 4)
        assert row["cut, int8"] >= max(0.85, row["without head"] - 0.05), of
        assert abs(row["cut, int8"] - row["cut"]) <= 0.03
        assert abs(row["softmax, int8"] - row["softmax"]) <= 0.03
    for of in ("groups never seen", "labels never seen"):
        assert [row["examples"] for row in rows(figures, "few_shot", of)] == [1, 3, 5]
    assert rows(figures, "few_shot", "groups never seen")[2]["with head"] >= 0.9
    assert trained.head == training.train(recordings[::-1], CONFIG, method, 6).head
    assert trained.head != training.train(tones(2), CONFIG, method, 6).head


WORDS = {
    "up": (200, 250, 400, 700, 1000, 1300),
    "down": (1300, 1000, 700, 400, 250, 200),
    "hill": (200, 700, 1300, 400),
}


def said(seed: int) -> list[Labelled]:
    """Words of two speakers, 5 takes each: tones that follow each other, each take of other
    lengths.
    """
    random = np.random.default_rng(seed)
    out = []
    for label, tones in WORDS.items():
        for i in range(10):
            parts = [
                np.sin(
                    2 * np.pi * hz * (1 + i % 2 / 10) * np.arange(random.integers(400, 700)) / 8000
                )
                for hz in tones
            ]
            sound = np.concatenate([np.zeros(800), 3000 * np.concatenate(parts), np.zeros(800)])
            frames = np.rint(sound + random.normal(0, 20, len(sound))).astype(np.int16)[:, None]
            out.append(Labelled(label, frames, f"speaker {i % 2}", "", f"{label}{i}"))
    return out


def test_a_head_for_words() -> None:
    config = {"kind": "audio", "rate_hz": 8000, "n_window": 256, "n_hop": 128}
    trained = training.train(said(1), config)
    file = card.unpack(trained.head)
    assert (file.n_in, file.n_out, file.card["method"]) == (30, 10, "lda")
    (row,) = rows(trained.figures, "accuracy", "recordings held out")
    assert row["cut, int8"] >= max(0.8, row["cut"] - 0.01)
    assert trained.head == training.train(said(1)[::-1], config).head
    with pytest.raises(UsageError, match="'conv' for words"):
        training.train(said(1), config, "conv")
    silent = [Labelled(r.label, r.frames * (r.label != "up"), r.group, "", r.name) for r in said(1)]
    with pytest.raises(UsageError, match="no word in the recordings of 'up', such as up0"):
        training.train(silent, config)


def test_labels_are_not_read_off_the_answer() -> None:
    """What no feature tells apart is guessed: a head that saw what it is asked would know it."""
    recordings = [
        Labelled(r.label, tones(7)[0].frames + i, r.group, "", r.name)
        for i, r in enumerate(tones(7))
    ]
    figures = training.train(recordings, CONFIG, "softmax", 6).figures
    for row in figures["accuracy"]:
        assert row["softmax"] < 0.5
    for row in figures["few_shot"]:
        assert row["with head"] < 0.7


def test_layers_in_int8_are_near_those_in_floats() -> None:
    """The firmware's embedding of known networks: a large bias, convolutions, pooling."""
    random = np.random.default_rng(3)
    _, x, _ = embedding.extracted(tones(4), CONFIG)
    n = x.shape[1]
    dense = [
        Layer(random.normal(size=(8, n)), random.normal(size=8) * 40, True),
        Layer(random.normal(size=(5, 8)), random.normal(size=5), False),
    ]
    convolution = Layer(
        random.normal(size=(4, 5)), random.normal(size=4), True, layers.CONVOLUTION, 1, 2
    )
    pooled = [
        convolution,
        layers.pooling(4),
        Layer(random.normal(size=(3, 4)), random.normal(size=3), False),
    ]
    for net in (dense, pooled, [convolution, *_flat(random, convolution, n)]):
        head = layers.quantised(net, x)
        (found,), _ = embedding.embedded(x, [head], [], {"spread_floor": 2, "reject": 0})
        wanted = layers.forward(net, x)
        gain = (found * wanted).sum() / (wanted**2).sum()
        off = np.abs(found - gain * wanted)[np.abs(found) < 127]
        assert np.median(off) < 2
        assert np.percentile(off, 99) < 8
        assert card.unpack(head).n_out == wanted.shape[1]
    with pytest.raises(HostError, match="row does not fit"):
        layers.quantised([Layer(np.full((1, n), 1e-6), np.full(1, 1e6), False)], x)


def _flat(random: np.random.Generator, before: Layer, n_in: int) -> list[Layer]:
    return [
        Layer(
            random.normal(size=(6, before.n_out(n_in))), random.normal(size=6), False, name="flat"
        )
    ]


def test_the_gradients_of_the_convolution_are_right() -> None:
    from nearhum_host.heads import convolution

    random = np.random.default_rng(5)
    x, y = random.normal(size=(7, 20)), np.arange(7) % 3
    net = [
        convolution.drawn_layer(random, 3, 5, True, layers.CONVOLUTION, 1),
        convolution.drawn_layer(random, 4, 9, True, layers.CONVOLUTION, 3, 2),
    ]
    n = net[1].n_out(net[0].n_out(20))
    net += [
        convolution.drawn_layer(random, 5, n, False, layers.DENSE),
        convolution.drawn_layer(random, 3, 5, False, layers.DENSE),
    ]

    def loss() -> float:
        out = layers.forward(net, x)
        return float(np.mean(np.log(np.exp(out).sum(axis=1)) - out[np.arange(7), y]))

    for layer, (by_weight, by_bias) in zip(net, convolution.gradients(net, x, y), strict=True):
        for values, gradient in ((layer.weights, by_weight), (layer.bias, by_bias)):
            at = tuple(random.integers(0, n) for n in values.shape)
            before = values[at]
            moved = []
            for step in (1e-5, -1e-5):
                values[at] = before + step
                moved.append(loss())
            values[at] = before
            assert gradient[at] == pytest.approx((moved[0] - moved[1]) / 2e-5, abs=1e-6)


def test_what_a_board_cannot_run_is_refused() -> None:
    x = np.zeros((3, 20))
    for net, words in (
        ([Layer(np.ones((129, 20)), np.ones(129), False, name="fc")], "fc has 129 rows"),
        ([Layer(np.ones((4, 21)), np.ones(4), False, name="fc")], "fc takes 21 values"),
        (
            [Layer(np.ones((4, 30)), np.ones(4), False, layers.CONVOLUTION, 1, name="c1")],
            "c1: 20 values are shorter",
        ),
        (
            [Layer(np.ones((4, 9)), np.ones(4), False, layers.CONVOLUTION, 3, name="c1")],
            "c1: 20 values in 3",
        ),
        (
            [Layer(np.ones((9, 1)), np.ones(9), False, layers.CONVOLUTION, 1, name="c1")],
            "embedding of 180",
        ),
        ([], "embedding of no"),
    ):
        with pytest.raises(HostError, match=words):
            layers.quantised(net, x)


def test_too_little_is_refused() -> None:
    few = tones(1)
    with pytest.raises(UsageError, match="one label"):
        training.train(few[:6], CONFIG)
    with pytest.raises(UsageError, match="'middle' has 1 recordings"):
        training.train(few[:7], CONFIG)
    with pytest.raises(UsageError, match="window's length"):
        training.train([Labelled(r.label, r.frames[:100]) for r in few], CONFIG)
    with pytest.raises(UsageError, match="no method 'svm'"):
        training.train(few, CONFIG, "svm")
    with pytest.raises(UsageError, match="ranged"):
        training.train(few, {**CONFIG, "mean": "ranged"})
    with pytest.raises(UsageError, match="no word"):
        training.train(few, {"kind": "audio", "rate_hz": 1000})
    with pytest.raises(HostError, match="n_bands"):
        training.train(few, {**CONFIG, "n_bands": 99})


def test_the_card_names_every_setting_that_features_hang_on() -> None:
    modules = [
        paths.firmware_dir() / "nearhum" / name
        for name in ("features/plan.py", "features/envelope.py")
    ]
    read = {
        key for module in modules for key in re.findall(r'config\["(\w+)"\]', module.read_text())
    }
    assert read
    read.remove("slow")  # detection averages what the head makes
    assert read <= set(training.FEATURES) <= SETTINGS.keys()


def test_the_card_says_what_is_in_the_file(tmp_path: Path) -> None:
    trained = training.train(tones(1), CONFIG, "conv", 6, {"about": "made up"})
    path = tmp_path / "head.nhh"
    card.write(path, trained.head)
    found = card.read(path)
    assert (found.card["about"], found.card["method"], found.n_out) == ("made up", "conv", 6)
    assert found.card["trained_on"]["labels"] == sorted(TONES)
    assert [of["kind"] for of in found.card["layers"]] == ["convolution", "convolution", "dense"]
    assert found.card["settings"]["n_window"] == 128
    assert found.card["figures"]["accuracy"][0]["most frequent"] == 0.25
    assert trained.figures["on_the_board"] == cost.cost(found.n_in, found.layers, len(trained.head))
    of_macs = sum(of["weights"] * of["n_out"] // of["rows"] for of in found.card["layers"])
    assert trained.figures["on_the_board"]["multiplications"] == of_macs
    # damage: of the network, of the card, a card of another network, half a file
    other = training.train(tones(2), CONFIG, "lda", 2).head
    n = len(found.network)
    for broken, words in (
        (trained.head[: n - 9], "should have"),
        (trained.head[:-3], "card"),
        (trained.head[:-9] + b"?" + trained.head[-8:], "card.*CRC"),
        (found.network + other[len(card.unpack(other).network) :], "another network"),
        (b"", "short"),
    ):
        with pytest.raises(HostError, match=words):
            card.unpack(broken)
    assert card.unpack(found.network).card == {}
    with pytest.raises(HostError, match="cannot read"):
        card.read(tmp_path / "none.nhh")


def test_layers_are_read_back_as_the_board_reads_them() -> None:
    shapes = [
        {"channels": 4, "width": 5, "stride": 2, "n_out": 6},
        {"channels": 6, "width": 3, "stride": 1, "n_out": 5},
        {"pool": 5},
        {"n_in": 5, "n_out": 4},
    ]
    made = random_layers(shapes)
    found = card.unpack(head_file(64, made))
    assert (found.n_in, found.n_out, len(found.layers)) == (64, 4, 4)
    for layer, wanted in zip(found.layers, made, strict=True):
        if "pool" in wanted:
            assert (layer.kind, layer.n_channels) == ("pooling", 5)
            continue
        assert (layer.weights == wanted["weights"]).all()
        assert (layer.bias == wanted["bias"]).all()


def test_the_command_reads_a_folder_a_label(tmp_path: Path) -> None:
    for i, recording in enumerate(tones(5)):
        folder = tmp_path / "in" / recording.label
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{recording.group}_{i:02}.npy", recording.frames)
    out = tmp_path / "head.nhh"
    command = [
        sys.executable,
        "-m",
        "nearhum_host.commands.cli",
        "train",
        str(tmp_path / "in"),
        "--out",
        str(out),
        "--json",
    ]
    command += [
        "--kind",
        "vibration",
        "--rate",
        "1000",
        "--names",
        "{label}/{group}_*",
        "--set",
        "n_window=512",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == 4
    assert json.loads(done.stdout)["groups"] == 3
    assert out.read_bytes()[:4] == wire.HEAD_MAGIC
    told = subprocess.run(
        [*command[:3], "head", str(out), "--json"], capture_output=True, text=True, timeout=60
    )
    assert json.loads(told.stdout)["settings"]["n_window"] == 512
    plain = subprocess.run(
        [*command[:3], "head", str(out)], capture_output=True, text=True, timeout=60
    )
    assert "groups never seen" in plain.stdout
    empty = subprocess.run(
        [*command[:4], str(tmp_path / "none")], capture_output=True, text=True, timeout=60
    )
    assert empty.returncode == 2
