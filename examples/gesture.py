"""The board recognises two gestures after three examples each, and no others.

python gesture.py
"""

import nearhum_host as nh
import numpy as np

RATE_HZ, WINDOW = 50, 200  # A window has 200 samples: 4 s.
SETTINGS = {"kind": "motion", "rate_hz": RATE_HZ, "n_channels": 6}
AXES = {"still": (0, 0, 0), "wave": (40, 6, 3), "knock": (2, 5, 60), "shake": (9, 50, 9)}
HZ = {"still": 0.0, "wave": 1.2, "knock": 4.0, "shake": 2.5}


def gesture(name: str, n_windows: int, seed: int) -> np.ndarray:
    """Return three axes of acceleration and three of rotation. Strength and pace vary by seed."""
    random, t = np.random.default_rng(seed), np.arange(n_windows * WINDOW) / RATE_HZ
    strength = random.normal(1, 0.08)
    turn = [2 * np.pi * HZ[name] * random.normal(1, 0.02) * t + k for k in range(3)]
    hum = [100 * strength * a * np.sin(turn[k]) for k, a in enumerate(AXES[name])]
    axes = [*hum, *(0.5 * axis for axis in hum)]
    return np.stack([axis + random.normal(0, 60, len(t)) for axis in axes], axis=1).astype(np.int16)


def main() -> None:
    recording = nh.Recording(RATE_HZ, 6)
    for shown in ("wave", "knock"):
        recording.add(gesture(shown, 3, len(shown)), f"enrol {shown} 3")
    asked = ["wave", "knock", "shake", "still", "knock", "wave"]
    for seed, name in enumerate(asked):
        recording.add(gesture(name, 5, 100 + seed))
    run = nh.run(recording, SETTINGS)
    for name, windows in zip(asked, run.windows_of(recording)[2:], strict=True):
        print(f"{name}: {', '.join(run.labels[i] or 'unknown' for i in windows)}")


if __name__ == "__main__":
    main()
