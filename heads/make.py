"""Make the heads that come with nearhum: `make heads`.

The same bytes every time, from what may be redistributed.

exercises: seven arm exercises on a wrist, of the smartwatch recordings in seglearn 1.2.5 (BSD-3),
wearers 1 to 6. rotating: five states of rotating machines, made up by synthesis.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import synthesis
from nearhum_host.heads import card, training
from nearhum_host.heads.labelled import Labelled
from nearhum_host.recordings.datasets import gestures

HERE = Path(__file__).parent


def exercises() -> training.Trained:
    """Return the head of a wrist's motion: 6 channels at 50 Hz, ±4 g and ±1000 deg/s over an
    int16, windows of 4 s.
    """
    some = [
        Labelled(label, frames, wearer, side, f"{wearer}_{side}_{label}")
        for (wearer, side), of in gestures.seglearn_watch().items()
        for label, frames in of.items()
    ]
    about = (
        "smartwatch recordings in seglearn 1.2.5 (BSD-3-Clause; D. Burns et al., 2018), wearers 1"
        " to 6"
    )
    return training.train(
        some, {"kind": "motion", "rate_hz": 50, "n_channels": 6}, "softmax", 24, {"about": about}
    )


def rotating() -> training.Trained:
    """Return the head of a rotating machine's vibration: 3 axes, windows of 1024 samples, 12
    bands and RMS an axis.
    """
    config = {"kind": "vibration", "rate_hz": synthesis.RATE_HZ, "n_channels": 3}
    about = f"made up: heads/synthesis.py of nearhum, seed {synthesis.SEED} (MIT)"
    return training.train(synthesis.recordings(), config, "conv", 16, {"about": about})


READY: dict[str, Callable[[], training.Trained]] = {"exercises": exercises, "rotating": rotating}


def main() -> int:
    for name, make in READY.items():
        made = make()
        card.write(HERE / f"{name}{card.SUFFIX}", made.head)
        print(name, made.figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
