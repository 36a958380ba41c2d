"""Check that a target computes the same bits as the unix port, on real recordings.

`python tests/bits.py [--target unix|virtual|emulated|PORT] [--uf2 F]`. Windows of a smartwatch's
recordings (in the wheel of seglearn) go through the whole pipeline on the target. CRCs of features,
embedding, score, threshold, label and learned state are compared with
tests/vectors/real_windows.json, which the unix port made (tests/vectors/make.py). The unix port
takes 11,000 windows, the others the first 240.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from nearhum_host.boards import stage_check
from nearhum_host.recordings.datasets import gestures
from nearhum_host.virtual.targets import UNIX, open_target

TESTS = Path(__file__).resolve().parent
VECTORS = TESTS / "vectors" / "real_windows.json"
ALL, FEW = 11000, 240  # Windows for the unix port, and for the other targets.
TIMEOUT_S = 1800
_HOP, _WINDOW = 12, 128  # Frames, as device/real_windows.py sets them.


def recording(n_windows: int) -> bytes:
    """Return the frames of n_windows, int16 of 6 channels, of all wearers in one recording."""
    wearers = gestures.seglearn_watch()
    frames = np.concatenate(
        [wearers[key][name] for key in sorted(wearers) for name in sorted(wearers[key])]
    )
    n_frames = _WINDOW + _HOP * n_windows
    if len(frames) < n_frames:
        raise ValueError(
            f"{n_windows} windows need {n_frames} frames, the recordings have {len(frames)}"
        )
    return np.ascontiguousarray(frames[:n_frames], "<i2").tobytes()


def found(target: str, n_windows: int, uf2: Path | None = None) -> dict[str, str]:
    """Return {window and stage: CRC-32 in hex} as computed on the target."""
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "frames.bin"
        frames.write_bytes(recording(n_windows))
        modules = [TESTS / "device" / f"{name}.py" for name in ("harness", "fakes", "real_windows")]
        with open_target(target, (*modules, frames), uf2, TIMEOUT_S) as there:
            path = there.root + frames.name
            return stage_check.crcs(
                there.run(
                    f"import real_windows\nreal_windows.main({there.root!r}, {path!r},"
                    f" {n_windows})\n"
                )
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--target", default=UNIX, help="unix, virtual, emulated, or the port of a board"
    )
    parser.add_argument(
        "--uf2",
        default=os.environ.get("NEARHUM_UF2"),
        type=Path,
        help="firmware image, for emulated",
    )
    given = parser.parse_args()
    n_windows = ALL if given.target == UNIX else FEW
    there = found(given.target, n_windows, given.uf2 if given.target == "emulated" else None)
    n_differ = 0
    for name, wanted in stage_check.load(VECTORS).items():
        if int(name[:5]) <= n_windows:
            same = there.get(name) == wanted
            n_differ += not same
            print(f"{name:20} {there.get(name)} {'as in the file' if same else f'NOT {wanted}'}")
    print(f"{n_windows} windows of real recordings on {given.target}: {n_differ} differences")
    return 1 if n_differ else 0


if __name__ == "__main__":
    sys.exit(main())
