"""Learn the hum of a machine, then detect a fault, on this computer: python vibration.py"""

import nearhum_host as nh
import numpy as np

RATE_HZ, WINDOW, LEARNED, WATCHED = 1000, 256, 120, 60
SETTINGS = {"kind": "vibration", "rate_hz": RATE_HZ, "n_channels": 2, "n_window": 256, "n_hop": 256}


def pump(n_windows: int, fault: float, seed: int) -> np.ndarray:
    """Return two axes of a pump in counts. A fault rings at 210 Hz, seven times a second."""
    random, t = np.random.default_rng(seed), np.arange(n_windows * WINDOW) / RATE_HZ
    hum = 900 * np.sin(2 * np.pi * 24.7 * t) + 350 * np.sin(2 * np.pi * 49.4 * t)
    ring = 600 * fault * np.sin(2 * np.pi * 210 * t) * (1 + np.sin(2 * np.pi * 7 * t))
    noise = random.normal(0, 80, (2, len(t)))
    axes = [hum + ring + noise[0], 0.6 * hum + 0.3 * ring + noise[1]]
    return np.stack(axes, axis=1).astype(np.int16)


def main() -> None:
    recording = nh.Recording(RATE_HZ, 2)
    recording.add(pump(LEARNED, 0, 1), f"learn {LEARNED}")
    recording.add(pump(WATCHED, 0, 2), "~watch")
    recording.add(pump(WATCHED, 1, 3), "~watch")
    run = nh.run(recording, SETTINGS)
    print(f"threshold {run.thresholds[-1] / 256:.2f} octaves")
    for name, start in (("healthy", LEARNED), ("faulty", LEARNED + WATCHED)):
        part = slice(start, start + WATCHED)
        score, share = np.median(run.scores[part]) / 256, run.alarm[part].mean()
        print(f"{name}: median score {score:.2f}, {share:.0%} in alarm")
    alarm = next(event.what for event in run.events if event.name == "alarm")
    strange = ", ".join(f"{name} {percent} %" for name, percent in alarm["strangest"])
    print("the first alarm was strange in", strange)


if __name__ == "__main__":
    main()
