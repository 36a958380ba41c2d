"""Run the firmware under MicroPython to get features, embeddings and answers for training.

Enters: recordings and settings, or feature vectors, heads, and lists of what to enrol and to ask.
Leaves: arrays, and the labels that the firmware answered.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import HostError
from ..evaluation.benchmarks.runner import TIMEOUT_S, firmware, interpreter
from ..evaluation.benchmarks.spoken import add, quiet_level
from ..recordings.nhr import Recording, write_nhr
from .labelled import Labelled

N_CEPSTRA = 10  # Cepstra a frame of an utterance, as in the firmware's embedding/context.py.
HEAP = "256M"  # MicroPython's heap: it holds all vectors and embeddings at once.
_ON_BOARD = Path(__file__).parents[1] / "device_scripts"


@dataclass(frozen=True)
class Round:
    """One board: which head it runs, which examples it is shown, which vectors it is asked about.

    head: index into the networks given. enrolled: (index of a vector, label) for each example.
    asked: indices of vectors.
    """

    head: int
    enrolled: list[tuple[int, str]]
    asked: list[int]


def extracted(
    recordings: Sequence[Labelled], config: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Have the firmware compute the features of every window of the recordings.

    config: a board's settings, without source.
    Returns (recording, features, n). recording: (w,) int, the index of each window's recording.
    features: (w, n_features), int8 values as floats. n: windows that are n apart share no sample.
    Raises HostError with the firmware's message if it refuses the settings.
    """
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        recording = Recording(config["rate_hz"], recordings[0].frames.shape[1])
        for i, labelled in enumerate(recordings):
            recording.add(labelled.frames, str(i))
        write_nhr(recording, root / "training.nhr")
        source = {"driver": "replay", "path": (root / "training.nhr").as_posix(), "speed": 0}
        given = {**config, "n_channels": recording.n_channels, "source": source}
        (root / "nearhum.json").write_text(json.dumps(given), encoding="utf-8")
        _run("extract.py", root)
        about = json.loads((root / "about.json").read_text(encoding="utf-8"))
        n = about["n_features"]
        rows = np.frombuffer((root / "vectors.bin").read_bytes(), np.uint8).reshape(
            -1, 2 + n + about["n_out"]
        )
    values = np.ascontiguousarray(rows[:, 2 : 2 + n]).view(np.int8).astype(float)
    return rows[:, :2].astype(int) @ (1, 256), values, about["n_apart"]


def embedded(
    x: np.ndarray,
    networks: Sequence[bytes | str],
    rounds: Sequence[Round],
    settings: Mapping[str, Any],
) -> tuple[list[np.ndarray], list[list[str]]]:
    """Have the firmware embed feature vectors with each network, and answer the rounds.

    x: (n, n_features), int8 values as floats. networks: head files, "" for no head.
    settings: with all defaults filled in.
    Returns (embeddings, answers). embeddings: for each network (n, n_out), int8 values as floats.
    answers: for each round the labels answered, "" for unknown.
    Raises HostError with the firmware's message if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        (root / "vectors.bin").write_bytes(x.astype(np.int8).tobytes())
        names = _heads(networks, root)
        tasks = {key: settings[key] for key in ("spread_floor", "reject")}
        tasks |= {"n_features": x.shape[1], "heads": names, "rounds": [astuple(r) for r in rounds]}
        (root / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
        _run("embed.py", root)
        outs = [(root / f"embedded.{i}.bin").read_bytes() for i in range(len(names))]
        answers = json.loads((root / "answers.json").read_text(encoding="utf-8"))
    return [np.frombuffer(out, np.int8).reshape(len(x), -1).astype(float) for out in outs], answers


def spoken(
    recordings: Sequence[Labelled], config: Mapping[str, Any]
) -> tuple[np.ndarray, list[np.ndarray], int]:
    """Have the firmware find the utterances in recordings of words.

    Recordings are often cut close to the word, but the firmware needs silence to find a word's
    ends. Each recording is therefore placed in noise as loud as the recordings' quiet parts.

    Returns (recording, cepstra, n_bands). recording: for each utterance the index of its recording.
    cepstra: for each utterance (n_frames, N_CEPSTRA), int8 values as floats. n_bands: bands of a
    frame. Raises HostError with the firmware's message if it fails.
    """
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        recording = Recording(config["rate_hz"], 1)
        level = quiet_level([labelled.frames[:, 0] for labelled in recordings], config["rate_hz"])
        for i, labelled in enumerate(recordings):
            add(recording, labelled.frames[:, 0], level, draw, str(i))
        write_nhr(recording, root / "training.nhr")
        source = {"driver": "replay", "path": (root / "training.nhr").as_posix(), "speed": 0}
        (root / "nearhum.json").write_text(
            json.dumps({**config, "n_channels": 1, "source": source}), encoding="utf-8"
        )
        _run("utterances.py", root)
        n_bands = json.loads((root / "about.json").read_text(encoding="utf-8"))["n_bands"]
        body = (root / "utterances.bin").read_bytes()
    whose, frames, at = [], [], 0
    while at < len(body):
        end = at + 3 + body[at + 2] * N_CEPSTRA
        whose.append(body[at] | body[at + 1] << 8)
        frames.append(
            np.frombuffer(body[at + 3 : end], np.int8).reshape(-1, N_CEPSTRA).astype(float)
        )
        at = end
    return np.array(whose, int), frames, n_bands


def embedded_words(
    frames: Sequence[np.ndarray],
    networks: Sequence[bytes | str],
    rounds: Sequence[Round],
    n_bands: int,
    reject: int,
) -> tuple[list[list[np.ndarray]], list[list[str]]]:
    """Have the firmware embed utterances with each network, and answer the rounds.

    frames: for each utterance (n_frames, N_CEPSTRA), int8 values as floats.
    networks: head files, "" for no head. n_bands: bands of a frame. reject: the setting.
    Returns (embeddings, answers). embeddings: for each network a list shaped like frames.
    answers: for each round the labels answered, "" for unknown.
    Raises HostError with the firmware's message if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        body = b"".join(bytes([len(some)]) + some.astype(np.int8).tobytes() for some in frames)
        (root / "utterances.bin").write_bytes(body)
        tasks: dict[str, Any] = {
            "n_bands": n_bands,
            "reject": reject,
            "heads": _heads(networks, root),
        }
        tasks["rounds"] = [astuple(r) for r in rounds]
        (root / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
        _run("embed_words.py", root)
        outs = [(root / f"embedded.{i}.bin").read_bytes() for i in range(len(networks))]
        answers = json.loads((root / "answers.json").read_text(encoding="utf-8"))
    edges = np.cumsum([len(some) for some in frames])[:-1]
    made = [
        np.split(np.frombuffer(out, np.int8).reshape(-1, N_CEPSTRA).astype(float), edges)
        for out in outs
    ]
    return made, answers


def _heads(networks: Sequence[bytes | str], root: Path) -> list[str]:
    """Write the head files below root. Return their names, "" for no head."""
    names = []
    for i, network in enumerate(networks):
        names.append(f"head.{i}.nhh" if network else "")
        if isinstance(network, bytes):
            (root / names[i]).write_bytes(network)
    return names


def _run(script: str, root: Path) -> None:
    command = [
        interpreter(),
        "-X",
        f"heapsize={HEAP}",
        str(_ON_BOARD / script),
        firmware(),
        f"{root.as_posix()}/",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise HostError(
            f"the firmware refused: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
        )
