"""Merge the learned states of many boards into a prior, by running the firmware over them.

Enters: backups (.nhs) and the settings that the boards share. Leaves: one state image, for
`deploy --prior` and `fleet deploy`.

This module does not read states itself. device_scripts/fleet_merge.py runs under MicroPython and
has the firmware read, merge and write them, so that format and rules are defined once.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.sources import recording
from nearhum.storage import signing

from ..boards import state_image
from ..errors import HostError, UsageError
from ..paths import firmware_dir

SCRIPT = Path(__file__).parents[1] / "device_scripts" / "fleet_merge.py"
LEAST_TRIMMED = 4  # Boards: a fourth of them must be at least one board.
_TIMEOUT_S = 1200
_OTHER_SETTINGS = "give --board the file that these boards were deployed with"
# MicroPython's heap: for the firmware's sources and its work, and for the sums of each board.
_HEAP_BYTES = (24 << 20, 40_000)


@dataclass
class Merged:
    """A prior and how it was made.

    image: a state image. boards: number of boards merged. windows: number in all their modes.
    modes: [{label, windows, boards}]. dropped: windows of modes that were too rare to keep.
    scaled: factor on all counts, below 1 only where the sums would not fit their fields.
    threshold: octaves. labels: {name: number of examples}.
    examples_left: examples for which there was no room.
    left_out: [{file, apart}] for boards that trim left out, apart in median deviations.
    """

    image: bytes
    boards: int = 0
    windows: int = 0
    modes: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0
    scaled: float = 1.0
    threshold: float = 0.0
    labels: dict[str, int] = field(default_factory=dict)
    examples_left: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)


def merge(
    states: Mapping[str, bytes],
    config: Mapping[str, Any],
    *,
    trim: bool = False,
    head: bytes | None = None,
) -> Merged:
    """Merge the states of at least two boards into a prior.

    states: {name: state image, signed or not}. The result does not depend on their order.
    config: the settings that the boards share, as Board.config gives them.
    trim: leave out the fourth of the boards that lies furthest from the median board. This needs
        at least four boards.
    head: the bytes of the head file, if the settings name one.
    Raises UsageError that names the states which cannot be merged: other settings, unfinished
    learning, or the same state twice. Raises HostError if the firmware fails.
    """
    from ..evaluation.benchmarks.runner import interpreter

    if len(states) < (LEAST_TRIMMED if trim else 2):
        least = (
            f"{LEAST_TRIMMED} boards at least to say which stands apart"
            if trim
            else "two boards at least"
        )
        raise UsageError(f"{len(states)} states to merge", hint=least)
    _check_one_kind(states)
    with tempfile.TemporaryDirectory(prefix="nearhum-fleet-") as folder:
        root = f"{Path(folder).as_posix()}/"
        files = []
        for i, (name, image) in enumerate(states.items()):
            path = Path(folder) / f"{i}.nhs"
            path.write_bytes(signing.unsigned(image))
            files.append([name, path.as_posix()])
        _settings(Path(folder), config, head)
        (Path(folder) / "fleet.json").write_text(
            json.dumps({"files": files, "trim": trim}), encoding="utf-8"
        )
        heap = _HEAP_BYTES[0] + _HEAP_BYTES[1] * len(files)
        command = [
            interpreter(),
            "-X",
            f"heapsize={heap}",
            str(SCRIPT),
            firmware_dir().as_posix(),
            root,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise HostError(
                f"merging {len(files)} states did not end within {_TIMEOUT_S} s"
            ) from None
        if done.returncode:
            last = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
            raise HostError(
                f"the firmware stopped over the states: {last}",
                hint="are the settings those of the boards?",
            )
        told = json.loads(done.stdout.strip().splitlines()[-1])
        if "error" in told:
            others = "other features" in told["error"]
            raise UsageError(told["error"], hint=_OTHER_SETTINGS if others else told["hint"])
        told["threshold"] /= wire.SCORE_ONE
        return Merged((Path(folder) / "prior.nhs").read_bytes(), **told)


def _check_one_kind(states: Mapping[str, bytes]) -> None:
    """Raise UsageError that names the images which are damaged or have other features."""
    kinds: dict[int, list[str]] = {}
    for name, image in states.items():
        try:
            fingerprint = state_image.opened(image, name)[0]
        except FormatError as error:
            raise UsageError(error.message, hint=error.hint) from None
        kinds.setdefault(fingerprint, []).append(name)
    if len(kinds) > 1:
        few = min(kinds.values(), key=len)
        raise UsageError(
            f"{', '.join(few[:5])}{' ...' if len(few) > 5 else ''}: learned with other features"
            " than the rest",
            hint=(
                "merge boards of one kind, with the same channels and settings, and other ones"
                " apart"
            ),
        )


def _settings(root: Path, config: Mapping[str, Any], head: bytes | None) -> None:
    """Write the settings below root, with a recording of one frame as the sensor.

    The firmware must start to read the states, but it needs no samples.
    """
    from nearhum.config import frame_values

    from ..boards.checking.configuration import completed
    from ..evaluation.benchmarks.runner import OF_BOARDS

    config = {
        **config,
        **OF_BOARDS,
        "prior": "",
        "source": {"driver": "replay", "path": (root / "none.nhr").as_posix(), "speed": 0},
    }
    if config.get("head"):
        if head is None:
            raise UsageError(
                f"the settings name a trained head, {config['head']}",
                hint="give its file with --head",
            )
        (root / "head.nhh").write_bytes(head)
        config["head"] = (root / "head.nhh").as_posix()
    n = frame_values(completed(config))
    header = recording.pack_recording_header(
        n, 1, int(completed(config)["rate_hz"] * 1000 + 0.5), 1
    )
    (root / "none.nhr").write_bytes(header + recording.pack_segment_header(1) + bytes(2 * n))
    (root / "nearhum.json").write_text(json.dumps(config), encoding="utf-8")


def read_states(paths: Sequence[Path]) -> dict[str, bytes]:
    """Read backups. A folder stands for the .nhs files in it.

    Returns {path: state image}. Raises UsageError if there are none, if one is named twice, or if
    one is damaged.
    """
    files = [
        found
        for path in paths
        for found in (sorted(path.glob("*.nhs")) if path.is_dir() else [path])
    ]
    if not files:
        raise UsageError(
            f"no backup (.nhs) in {', '.join(map(str, paths))}", hint="`nearhum backup` makes one"
        )
    out: dict[str, bytes] = {}
    for file in files:
        if str(file) in out:
            raise UsageError(f"{file} is named twice", hint="name each backup once")
        try:
            out[str(file)] = state_image.load(file)
        except FormatError as error:
            raise UsageError(error.message, hint=error.hint) from None
    return out
