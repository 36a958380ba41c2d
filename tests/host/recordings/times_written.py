"""A table under a column of times, and what was read as its start."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nearhum_host.recordings.reading import Reading

XYZ = np.round(np.random.default_rng(3).normal(0, 1, (400, 3)), 4)


def rows_of(path: Path, name: str, times: Sequence[object], named: bool = True) -> Path:
    some = [f"{at},{','.join(map(str, XYZ[i % 400]))}" for i, at in enumerate(times)]
    path.write_text("\n".join(([f"{name},x,y,z"] if named else []) + some) + "\n")
    return path


def start_of(found: Reading) -> str:
    start_ns = found.stretches[0].start_ns
    return "" if start_ns is None else str(np.datetime64(start_ns, "ns").astype("M8[ms]"))
