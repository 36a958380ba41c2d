"""Run the firmware over a csv of sensor counts, on this machine: python examples/score_csv.py
FILE RATE_HZ [KIND]

The first 60 % of the rows are learned as normal, the rest is scored. Prints window, score and
alarm.
"""

import sys
from pathlib import Path

from nearhum_host.evaluation.benchmarks.base import Session
from nearhum_host.evaluation.benchmarks.runner import interpreter, run_one, windows_in
from nearhum_host.recordings.converting import to_nhr
from nearhum_host.recordings.nhr import Recording


def main(file: str, rate_hz: str, kind: str = "vibration") -> None:
    frames = (
        to_nhr(Path(file), Path(file).with_suffix(".nhr"), rate_hz=float(rate_hz))
        .recording.segments[0]
        .frames
    )
    config = {"kind": kind, "rate_hz": float(rate_hz), "n_channels": frames.shape[1]}
    n_learn = int(len(frames) * 0.6)
    recording = Recording(float(rate_hz), frames.shape[1])
    recording.add(frames[:n_learn], f"learn {windows_in(config, n_learn)}")
    recording.add(frames[n_learn:], "~watch")
    run = run_one(Session(file, config, recording), "fixed", interpreter())
    print(f"threshold {run.thresholds[-1] / 256:.2f} octaves")
    for window, (score, alarm) in enumerate(zip(run.scores, run.alarm, strict=True)):
        print(window, f"{score / 256:.2f}", "ALARM" if alarm else "")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
