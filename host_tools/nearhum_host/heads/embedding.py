"""Features, embeddings and answers of the firmware, for training: MicroPython runs it over
recordings and vectors.

Enters: recordings and settings, or feature vectors, heads, and what is to be enrolled and asked.
Leaves: arrays.
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

N_CEPSTRA = 10  # of a frame of an utterance
HEAP = "256M"  # all vectors and embeddings at once
_ON_BOARD = Path(__file__).parents[1] / "device_scripts"


@dataclass(frozen=True)
class Round:
    """One board's labels.

    head: its number. enrolled: (vector, label) each; asked: numbers of vectors.
    """

    head: int
    enrolled: list[tuple[int, str]]
    asked: list[int]


def extracted(
    recordings: Sequence[Labelled], config: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (recording, features, n) of every window: int (w,), int8 as float (w, n_features).

    n: every n-th window of a recording shares no sample with the one before. Raises HostError with
    what the firmware said.
    """
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        recording = Recording(config["rate_hz"], recordings[0].frames.shape[1])
        for i, labelled in enumerate(recordings):
            recording.add(labelled.frames, str(i))
        write_nhr(recording, root / "training.nhr")
        source = {"driver": "replay", "path": (root / "training.nhr").as_posix(), "speed": 0}
        given = {**config, "n_channels": recording.n_channels, "source": source}
        (root / "nearhum.json").write_text(json.dumps(given))
        _run("extract.py", root)
        about = json.loads((root / "about.json").read_text())
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
    """Return (embeddings of x by each network, int8 as float; the labels answered in each round, ""
    for unknown).

    x: features, (n, n_features). networks: head files, "" for none. settings: complete. Raises
    HostError.
    """
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        root = Path(folder)
        (root / "vectors.bin").write_bytes(x.astype(np.int8).tobytes())
        names = _heads(networks, root)
        tasks = {key: settings[key] for key in ("spread_floor", "reject")}
        tasks |= {"n_features": x.shape[1], "heads": names, "rounds": [astuple(r) for r in rounds]}
        (root / "tasks.json").write_text(json.dumps(tasks))
        _run("embed.py", root)
        outs = [(root / f"embedded.{i}.bin").read_bytes() for i in range(len(names))]
        answers = json.loads((root / "answers.json").read_text())
    return [np.frombuffer(out, np.int8).reshape(len(x), -1).astype(float) for out in outs], answers


def spoken(
    recordings: Sequence[Labelled], config: Mapping[str, Any]
) -> tuple[np.ndarray, list[np.ndarray], int]:
    """Return (recording of each utterance that the board hears, its cepstra, bands of a frame).

    Cepstra: int8 as float (n_frames, 10). Recordings are cut close to the word: each is played in
    noise as loud as their quiet parts. Raises HostError.
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
            json.dumps({**config, "n_channels": 1, "source": source})
        )
        _run("utterances.py", root)
        n_bands = json.loads((root / "about.json").read_text())["n_bands"]
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
    """Return (what each network makes of utterances, like them; the labels answered in each round,
    "" for unknown).

    frames: cepstra, (n_frames, 10) each. networks: head files, "" for none. Raises HostError.
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
        (root / "tasks.json").write_text(json.dumps(tasks))
        _run("embed_words.py", root)
        outs = [(root / f"embedded.{i}.bin").read_bytes() for i in range(len(networks))]
        answers = json.loads((root / "answers.json").read_text())
    edges = np.cumsum([len(some) for some in frames])[:-1]
    made = [
        np.split(np.frombuffer(out, np.int8).reshape(-1, N_CEPSTRA).astype(float), edges)
        for out in outs
    ]
    return made, answers


def _heads(networks: Sequence[bytes | str], root: Path) -> list[str]:
    """Write head files and return their names, "" for none."""
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
