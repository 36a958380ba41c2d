"""Series of one value each, as the Numenta Anomaly Benchmark publishes them.

Enters: its folder: data/<group>/<name>.csv, labels/combined_windows.json, profiles.json. Leaves:
int16 frames with the windows in which something is anomalous.
"""

import csv
import json
import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...errors import HostError
from ..counts import to_counts
from .folders import files_of

FULL_SCALE = 32767


@dataclass(frozen=True)
class Series:
    """A series of one channel.

    rate_hz: rows a second; frames: int16 (n, 1); anomalies: (first row, last row), in order.
    """

    name: str
    rate_hz: float
    frames: np.ndarray
    anomalies: tuple[tuple[int, int], ...]


def nab(root: Path) -> list[Series]:
    """Return the series below root that its labels name, in the order of their names.

    The counts of a series have the largest power of two as their scale that keeps all of it within
    int16: a sensor's full scale is known beforehand.
    """
    windows = _json(root / "labels" / "combined_windows.json")
    data = root / "data"
    out = []
    for path in files_of(data, "*/*.csv"):
        name = path.relative_to(data).as_posix()
        if name not in windows:
            raise HostError(f"{path} has no labels", "take the files as they are published")
        try:
            with path.open(newline="", encoding="utf-8") as lines:
                rows = [(_time(t), float(v)) for t, v in list(csv.reader(lines))[1:]]
            spans = [(_time(first), _time(last)) for first, last in windows[name]]
        except ValueError as error:
            raise HostError(f"{path}: {error}", "take the files as they are published") from None
        times = [t for t, _ in rows]
        values = np.array([[v] for _, v in rows])
        step_s = float(np.median([(b - a).total_seconds() for a, b in pairwise(times)]))
        scale = 2.0 ** math.floor(math.log2(FULL_SCALE / max(1e-6, float(np.abs(values).max()))))
        frames, _ = to_counts(values, scale, str(path))
        anomalies = tuple((bisect_left(times, a), bisect_right(times, b) - 1) for a, b in spans)
        out.append(Series(name.removesuffix(".csv"), 1 / step_s, frames, anomalies))
    return out


def nab_profile(root: Path, name: str = "standard") -> dict[str, float]:
    """Return the weights of a profile: tpWeight, fpWeight, fnWeight."""
    return _json(root / "profiles.json")[name]["CostMatrix"]


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "take the whole set") from None
    except ValueError as error:
        raise HostError(f"{path} is not JSON: {error}", "take the whole set") from None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
