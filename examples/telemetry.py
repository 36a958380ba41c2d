"""Two slow channels that normally correlate. In the fault they do not: python telemetry.py"""

import nearhum_host as nh
import numpy as np

SETTINGS = {"kind": "telemetry", "rate_hz": 1, "n_channels": 2}
LEARNED, WATCHED = 3600, 1800  # Rows, one a second.


def tank(n: int, apart: float, seed: int) -> np.ndarray:
    """Return pressure and flow in counts. Flow follows pressure, unless a valve sticks (apart)."""
    random, pressure = np.random.default_rng(seed), np.zeros(n)
    for i in range(1, n):
        pressure[i] = 0.9 * pressure[i - 1] + random.normal(0, 100)
    flow = 2 * pressure + random.normal(0, 40, n) - 900 * apart
    return np.stack([8000 + pressure + 600 * apart, 3000 + flow], axis=1).astype(np.int16)


def main() -> None:
    recording = nh.Recording(1, 2)
    recording.add(tank(LEARNED, 0, 1), f"learn {LEARNED - 200}")
    recording.add(tank(WATCHED, 0, 2), "~watch")
    recording.add(tank(WATCHED, 1, 3), "~watch")
    run = nh.run(recording, SETTINGS)
    _, healthy, stuck = (slice(some.start, some.stop) for some in run.windows_of(recording))
    print(f"threshold {run.thresholds[-1] / 256:.2f} octaves, for one false alarm a day")
    for name, part in (("healthy", healthy), ("valve stuck", stuck)):
        print(
            f"{name}: median score {np.median(run.scores[part]) / 256:.2f},"
            f" {run.alarm[part].mean():.0%} in alarm"
        )


if __name__ == "__main__":
    main()
