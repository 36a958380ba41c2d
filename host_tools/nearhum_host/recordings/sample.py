"""Write a sample recording: an accelerometer on a pump whose bearing begins to ring.

Enters: a path. Leaves: a csv of three axes at 1 kHz in g, with a time column and the true label of
each row. The signal is synthetic and has a fixed seed, so the file is the same everywhere. It is as
long as `score` advises: half of it is learned, which gives the threshold enough independent scores.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

from ..errors import HostError, UsageError

NAME = "pump.csv"
RATE_HZ, SECONDS = 1000, 400
FAULT_S = 300  # From then on the bearing rings at 230 Hz, 29 times per second.


def write_sample(path: Path, seconds: int = SECONDS, fault_s: int = FAULT_S) -> int:
    """Write the sample; returns how many rows.

    seconds: of it; fault_s: when the bearing begins to ring. Raises UsageError where a file is
    there already.
    """
    if path.exists():
        raise UsageError(f"{path} exists already", hint="name another file")
    draw = random.Random(7)
    noise = draw.gauss
    rows = ["timestamp_ms,x (g),y (g),z (g),label"]
    for i in range(RATE_HZ * seconds):
        t = i / RATE_HZ
        turn = 0.08 * math.sin(2 * math.pi * 24.7 * t) + 0.03 * math.sin(2 * math.pi * 49.4 * t)
        ring = 0.0
        if t >= fault_s:
            since = t * 29 % 1 / 29
            ring = 0.25 * math.exp(-since * 90) * math.sin(2 * math.pi * 230 * since)
        x, y, z = turn + noise(0, 0.02), 0.6 * turn + ring + noise(0, 0.02), 1 + noise(0, 0.02)
        rows.append(f"{i},{x:.3f},{y:.3f},{z:.3f},{'normal' if t < fault_s else 'bearing'}")
    try:
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    except OSError as error:
        raise HostError(f"cannot write {path}: {error.strerror}", "name another file") from None
    return len(rows) - 1
