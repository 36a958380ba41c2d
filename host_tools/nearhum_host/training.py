"""Training of heads: labelled recordings to a head file, an int8 network whose last layer is cut off.

Enters: recordings with a label each, and a board's settings. Leaves: the bytes of a head file (the format stands in
firmware/nearhum/head.py) and what it is worth. Features and int8 embeddings are those of the firmware, run under
MicroPython; only the weights come from here. The same recordings give the same bytes.
"""

from __future__ import annotations

import json
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nearhum import wire

from . import metrics
from .errors import HostError, UsageError
from .protocols.runner import HEAP, TIMEOUT_S, firmware, interpreter
from .recordings import Recording, to_nhr, write_nhr
from .samples import SUFFIXES_OF_SAMPLES

EXTRACT = Path(__file__).with_name("on_board") / "extract.py"
METHODS = ("lda", "dense")
HELD_OUT = 5  # every fifth recording of a label is for testing
HIDDEN = 32  # rows of the first of two dense layers
SEED = 1
_PRODUCT = (1 << 30) - 1  # bound of (sum * factor), see head.py


@dataclass(frozen=True)
class Labelled:
    """A recording of one label. frames: int16 (n, n_channels)."""

    label: str
    frames: np.ndarray


@dataclass(frozen=True)
class Layer:
    """out = weights @ x + bias in real numbers, negative ones set to 0 where relu. weights: (n_out, n_in)."""

    weights: np.ndarray
    bias: np.ndarray
    relu: bool


@dataclass(frozen=True)
class Trained:
    """head: the bytes of the file. figures: shares of right answers on what was held out, and counts."""

    head: bytes
    figures: dict[str, Any]


def labelled(folder: Path, rate_hz: float, scale: float | None = None) -> list[Labelled]:
    """Return the recordings below folder, a folder a label, in the order of their names; a segment is one of its own.

    rate_hz: of files that do not say it, and what all must have. scale: counts per unit, see recordings.to_nhr. Raises
    UsageError where there are none, HostError as to_nhr.
    """
    out = []
    for path in sorted(p for p in folder.glob("*/*") if p.suffix.lower() in (*SUFFIXES_OF_SAMPLES, ".nhr")):
        own = None if path.suffix.lower() in (".wav", ".nhr") else rate_hz
        with tempfile.TemporaryDirectory(prefix="nearhum-") as scratch:
            made = to_nhr(path, Path(scratch) / "one.nhr", rate_hz=own, scale=scale, board_rate_hz=rate_hz)
        out += [Labelled(path.parent.name, segment.frames) for segment in made.recording.segments]
    if not out:
        raise UsageError(f"{folder} holds no recordings", hint="a folder for each label, with its files in it")
    return out


def write(path: Path, head: bytes) -> None:
    """Write a head file. Raises HostError."""
    try:
        path.write_bytes(head)
    except OSError as error:
        raise HostError(f"cannot write {path}: {error.strerror}", "name another place with --out") from None


def train(recordings: Sequence[Labelled], config: Mapping[str, Any], method: str = "lda", n_out: int = 16) -> Trained:
    """Return a head trained on four of five recordings of each label, and how it does on the fifth.

    config: settings of the board, without source and head. method: "lda" (one layer, linear discriminants, at most one
    fewer than labels) or "dense" (two rectified layers under a softmax that is cut off). n_out: dimensions of the
    embedding. Raises UsageError where a label has one recording alone, HostError where the firmware fails.
    """
    if method not in METHODS:
        raise UsageError(f"no method {method!r}", hint="one of " + ", ".join(METHODS))
    order = sorted(recordings, key=lambda r: r.label)
    labels = sorted({r.label for r in order})
    counts = {label: sum(r.label == label for r in order) for label in labels}
    few = [label for label, n in counts.items() if n < 2]
    if len(labels) < 2 or few:
        raise UsageError(
            f"{len(labels)} labels, {few[0] if few else labels} with too few recordings",
            hint="at least two labels of two recordings each: some are held out to test the head",
        )
    nth = dict.fromkeys(labels, 0)
    test = []
    for i, r in enumerate(order):
        nth[r.label] += 1
        if nth[r.label] % HELD_OUT == 0 or counts[r.label] < HELD_OUT and nth[r.label] == counts[r.label]:
            test.append(i)
    segment, x, _ = extracted(order, config)
    y = np.array([labels.index(order[i].label) for i in segment])
    asked = np.isin(segment, test)
    if not asked.any() or set(y[~asked]) != set(y[asked]):
        raise UsageError("a label has no window to learn from, or none to test", hint="longer recordings, or more")
    layers, answer = _fitted(method, x[~asked], y[~asked], n_out)
    head = quantised(layers, x[~asked])
    _, _, embedded = extracted(order, config, head)
    float_out = _forward(layers, x)
    figures = {
        "labels": len(labels),
        "windows": int((~asked).sum()),
        "asked": int(asked.sum()),
        "classifier": metrics.accuracy(y[asked], answer(x[asked])),
        "nearest_mean_float": _nearest_mean(float_out, y, asked),
        "nearest_mean_int8": _nearest_mean(embedded, y, asked),
        "nearest_mean_without_head": _nearest_mean(x, y, asked),
        "majority": float(np.bincount(y[asked]).max() / asked.sum()),
        "head_bytes": len(head),
        "n_out": embedded.shape[1],
    }
    return Trained(head, figures)


def extracted(
    recordings: Sequence[Labelled], config: Mapping[str, Any], head: bytes | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (segment, features, embeddings) of every window, int (n,), int8 as float (n, n_features), (n, n_out).

    The firmware computes them. segment: which of the recordings. Raises HostError with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        recording = Recording(config["rate_hz"], recordings[0].frames.shape[1])
        for i, labelled in enumerate(recordings):
            recording.add(labelled.frames, str(i))
        write_nhr(recording, root / "training.nhr")
        source = {"driver": "replay", "path": (root / "training.nhr").as_posix(), "speed": 0}
        given = {**config, "n_channels": recording.n_channels, "source": source}
        if head is not None:
            (root / "head.nhh").write_bytes(head)
            given["head"] = (root / "head.nhh").as_posix()
        (root / "nearhum.json").write_text(json.dumps(given))
        command = [interpreter(), "-X", f"heapsize={HEAP}", str(EXTRACT), firmware(), f"{root.as_posix()}/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        if done.returncode:
            raise HostError(f"the firmware refused: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        about = json.loads((root / "about.json").read_text())
        n, n_out = about["n_features"], about["n_out"]
        rows = np.frombuffer((root / "vectors.bin").read_bytes(), np.uint8).reshape(-1, 2 + n + n_out)
    segment = rows[:, :2].astype(int) @ (1, 256)
    values = np.ascontiguousarray(rows[:, 2:]).view(np.int8).astype(float)
    return segment, values[:, :n], values[:, n:]


def _fitted(method: str, x: np.ndarray, y: np.ndarray, n_out: int):
    """Return (layers up to the embedding, function from features to label indices)."""
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1)
    if method == "lda":
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        model = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(x, y)
        weights = model.scalings_[:, : min(n_out, model.scalings_.shape[1], len(model.classes_) - 1)].T
        weights = weights * np.where(weights[:, np.abs(weights).argmax(axis=1)].diagonal() < 0, -1, 1)[:, None]
        return [Layer(weights, -weights @ mean, False)], lambda some: np.asarray(model.predict(some))
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier((HIDDEN, n_out), alpha=1e-3, max_iter=400, random_state=SEED)
    network.fit((x - mean) / spread, y)
    first = network.coefs_[0].T / spread
    layers = [Layer(first, network.intercepts_[0] - first @ mean, True)]
    layers.append(Layer(network.coefs_[1].T, network.intercepts_[1], True))
    return layers, lambda some: np.asarray(network.predict((some - mean) / spread))


def _forward(layers: Sequence[Layer], x: np.ndarray) -> np.ndarray:
    for layer in layers:
        x = x @ layer.weights.T + layer.bias
        x = np.maximum(x, 0) if layer.relu else x
    return x


def quantised(layers: Sequence[Layer], x: np.ndarray) -> bytes:
    """Return the head file of layers; x: features that say how large each layer's outputs are.

    Weights in 127 steps a row; all rows of a layer share one gain, so that distances keep their proportions: 127 is the
    99.9th percentile of its outputs. A factor has the most bits for which no product leaves int32 (head.py proves it).
    Raises HostError where no factor does.
    """
    body = struct.pack("<HBB", x.shape[1], len(layers), 0)
    scale = 1.0  # of the input: int8 steps a unit
    for layer in layers:
        out = _forward([layer], x)
        gain = 127 / max(float(np.percentile(np.abs(out), 99.9)), 1e-9)
        weights = layer.weights / scale
        step = np.maximum(np.abs(weights).max(axis=1), 1e-12) / 127
        whole = np.rint(weights / step[:, None]).astype(int)
        bias = np.rint(layer.bias / step).astype(int)
        bounds = np.abs(bias) + 128 * np.abs(whole).sum(axis=1)
        rescale = [_factor(gain * s, int(b)) for s, b in zip(step, bounds, strict=True)]
        body += struct.pack("<HBB", len(whole), layer.relu, 0)
        body += bias.astype("<i4").tobytes() + b"".join(rescale) + whole.astype("i1").tobytes()
        x, scale = out, gain
    return wire.seal(wire.HEAD_MAGIC, zlib.crc32(body), 0, body)


def _factor(gain: float, bound: int) -> bytes:
    """Return (pre, factor, post) with factor / 2^post = gain for sums up to bound."""
    limit = min(65535, _PRODUCT // (bound + 1))
    post = 0
    while post < 29 and 2 * gain + 0.5 < limit:
        gain *= 2
        post += 1
    factor = int(gain + 0.5)
    if bound > _PRODUCT or not 1 <= factor <= limit:
        raise HostError("a row of the head does not fit int8 weights", "another method, or fewer dimensions")
    return struct.pack("<HHH", 0, factor, post)


def _nearest_mean(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> float | None:
    """Return the share of the windows asked whose nearest label mean, of the others, is the right one."""
    means = np.stack([x[~asked & (y == label)].mean(axis=0) for label in range(y.max() + 1)])
    away = ((x[asked][:, None] - means) ** 2).sum(axis=2)
    return metrics.accuracy(y[asked], away.argmin(axis=1))
