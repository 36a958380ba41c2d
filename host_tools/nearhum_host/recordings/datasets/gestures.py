"""Smartwatch recordings of exercises, as raw counts of an IMU.

Enters: a folder of .npz files, or the seglearn wheel. Leaves: int16 frames by wearer, side and
exercise.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from ...errors import HostError
from ...extras import install_line
from ..counts import to_counts
from .folders import files_of

ACCELERATION_COUNTS_PER_G = 8192  # An IMU at ±4 g.
ANGULAR_RATE_COUNTS_PER_RAD_S = 1877  # An IMU at ±1000 deg/s.
WATCH_RATE_HZ = 50
WATCH_SCALE = (ACCELERATION_COUNTS_PER_G,) * 3 + (ANGULAR_RATE_COUNTS_PER_RAD_S,) * 3
SEGLEARN_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
PUBLIC_WEARERS = range(1, 7)  # The other wearers are kept for verification.
# By (wearer, side) and exercise: int16 (n, 6), 50 Hz.
Wearers = dict[tuple[str, str], dict[str, np.ndarray]]


def watch(root: Path) -> Wearers:
    """Return the smartwatch recordings below root: ax ay az wx wy wz, arrays named
    sNN_{L,R}_{exercise}.
    """
    out: Wearers = {}
    for path in files_of(root, "*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            for key in sorted(arrays.files):
                wearer, side, exercise = key.split("_", 2)
                frames, _ = to_counts(arrays[key], WATCH_SCALE, f"{path}[{key}]")
                out.setdefault((wearer, side), {})[exercise] = frames
    return out


def seglearn_watch() -> Wearers:
    """Return the smartwatch recordings of wearers 1-6 that the seglearn wheel carries, as watch()
    does.

    The file is a pickle, which runs whatever is in it: its SHA-256 is checked before it is opened.
    Raises HostError where seglearn is not installed or the file is another one.
    """
    spec = importlib.util.find_spec("seglearn")
    if spec is None or spec.origin is None:
        raise HostError("seglearn is not installed", install_line("seglearn==1.2.5"))
    path = Path(spec.origin).parent / "data" / "watch_dataset.npy"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SEGLEARN_SHA256:
        raise HostError(
            f"{path} is not the file of seglearn 1.2.5",
            "pip install --force-reinstall seglearn==1.2.5",
        )
    content = np.load(path, allow_pickle=True).item()
    out: Wearers = {}
    for samples, label, wearer, side in zip(
        content["X"], content["y"], content["subject"], content["side"], strict=True
    ):
        if int(wearer) not in PUBLIC_WEARERS:
            continue
        frames, _ = to_counts(np.asarray(samples)[:, :6], WATCH_SCALE, "watch_dataset")
        key = (f"s{int(wearer):02d}", "R" if int(side) else "L")
        out.setdefault(key, {})[content["y_labels"][int(label)]] = frames
    return out
