"""An imaginary pump, for tests and pictures: its hum, and a failing bearing, as a sensor delivers
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nearhum_host.recordings.nhr import Recording, write_nhr

RATE_HZ = 1000
SETTINGS = {
    "kind": "vibration", "rate_hz": RATE_HZ, "n_channels": 2, "n_window": 256, "n_hop": 256,
    "n_bands": 12, "statistics": "rms,kurtosis", "f_low_hz": 10, "f_high_hz": 480,
}  # fmt: skip
WINDOW_S = SETTINGS["n_hop"] / RATE_HZ


def hum(n_windows: int, fault: float = 0.0, load: float = 1.0, seed: int = 1) -> np.ndarray:
    """Return int16 (n, 2) of two axes.

    fault: strength of the bearing's ringing at 210 Hz, where 1 is clear. load: strength of the hum.
    """
    random = np.random.default_rng(seed)
    n = n_windows * SETTINGS["n_hop"]
    t = np.arange(n) / RATE_HZ
    wave = 900 * load * np.sin(2 * np.pi * 24.7 * t) + 350 * load * np.sin(2 * np.pi * 49.4 * t + 1)
    wave += 160 * np.sin(2 * np.pi * 98.8 * t + 2)
    ring = np.sin(2 * np.pi * 210 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 7.3 * t)) * 700 * fault
    axes = [
        wave + ring + random.normal(0, 90, n),
        0.6 * wave + 0.3 * ring + random.normal(0, 70, n),
    ]
    return np.clip(np.rint(np.stack(axes, axis=1)), -32768, 32767).astype(np.int16)


def card(folder: Path, *stretches: tuple[np.ndarray, str] | np.ndarray, speed: float = 0) -> Path:
    """Make the SD card of a virtual board with a recording.

    stretches: samples, each optionally with a console line to carry out before it. With a line that
        begins with "~" there is no gap before the stretch. speed: 1 as recorded, 0 as fast as the
        board computes.
    """
    recording = Recording(RATE_HZ, 2)
    for stretch in stretches:
        frames, cue = stretch if isinstance(stretch, tuple) else (stretch, "~")
        recording.add(frames, cue)
    folder.mkdir(parents=True, exist_ok=True)
    write_nhr(recording, folder / "replay.nhr")
    (folder / "replay.json").write_text(f'{{"speed": {speed}}}')
    return folder


def story(lengths: Sequence[int] = (300, 900, 40, 700, 24, 600)) -> list[tuple[np.ndarray, str]]:
    """Return some days of a machine in short: learning, watching, a ringing bearing, quiet, a
    second load.
    """
    learned, quiet, ringing, again, short, last = lengths
    return [
        (hum(learned, seed=1), f"learn {learned}"),
        (hum(quiet, seed=2), "~watch"),
        (hum(ringing, fault=0.6, seed=3), "~"),
        (hum(again, seed=4), "~"),
        (hum(12, load=1.9, seed=5), "enrol full-load 8"),
        (hum(short, fault=1.4, seed=6), "~"),
        (hum(last, seed=7), ""),
    ]
