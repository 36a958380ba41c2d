"""Four virtual boards learn their pumps, and a fifth starts from their prior: python fleet.py"""

import tempfile
import time
from pathlib import Path

import nearhum_host as nh
import numpy as np
from nearhum_host.recordings.nhr import write_nhr

SETTINGS = {"kind": "vibration", "rate_hz": 1000, "n_channels": 2, "n_window": 256, "n_hop": 256}


def pump(n_windows: int, number: int, fault: float = 0) -> np.ndarray:
    random, t = np.random.default_rng(number), np.arange(n_windows * 256) / 1000
    hum = random.normal(900, 40) * np.sin(155 * t) + 600 * fault * np.sin(1320 * t)
    return np.stack([hum + random.normal(0, 90, len(t)) for _ in range(2)], axis=1).astype(np.int16)


def lived(frames: np.ndarray, cue: str, prior: bytes | None = None) -> tuple[bytes, dict]:
    """Run a virtual board to the end of its recording. Returns its learned state and its status."""
    recording = nh.Recording(1000, 2)
    recording.add(frames, cue)
    with tempfile.TemporaryDirectory() as sd:
        write_nhr(recording, Path(sd) / "replay.nhr")
        Path(sd, "replay.json").write_text('{"speed": 0}')
        with nh.VirtualBoard(sd=Path(sd)) as board, nh.connect(board.path) as link:
            nh.deploy(link, "virtual", SETTINGS, prior)
            while link.ask("status")["source"] != "end":
                time.sleep(0.1)
            return nh.backup(link), link.ask("status")


states = {f"pump {i}": lived(pump(120, i), "learn 120")[0] for i in range(4)}
prior = nh.merge(states, {"board": "virtual", **SETTINGS})
print(f"{prior.boards} boards, {prior.windows} windows, threshold {prior.threshold:.2f} octaves")
for name, fault in (("a new pump", 0), ("a new pump with a fault", 1)):
    _, status = lived(pump(60, 9, fault), "", prior.image)
    print(f"{name}: {'ALARM' if status['alarm'] else 'quiet'}")
