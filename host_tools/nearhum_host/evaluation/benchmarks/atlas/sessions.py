"""Sessions of the atlas: a signal is learned, goes on while nothing is wrong, and then changes.

Enters: names of signals, and lengths. Leaves: sessions, each a board of its own with the promise of
    one alarm in 1,000 windows. Telemetry has one channel with the signal and one of white noise.
    Vibration is noise whose strength, in octaves, is the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nearhum import settings as board_settings

from ....recordings.nhr import CONTINUES, Recording
from ..base import SEED, WATCH, Session, WindowsIn
from .signals import SIGNALS

ONE_IN = 1000  # Windows for one promised alarm.
N_OBSERVED = 20 * ONE_IN
N_STEP = 400  # Windows of the step at the end.
STEP = 8.0  # Spreads of what was learned.
LENGTHS = (12, 50, 400, 2000, 10000)
VIBRATION = ("white", "pink", "ar_20", "cycle_30", "two_modes", "levels", "heavy_tails", "burst")
VIBRATION_LENGTHS = (12, 50, 400, 2000)
COUNTS = 100  # One spread of telemetry, and of its white noise. Full scale is 327 spreads.
STRENGTH, OCTAVES = 500, 0.25  # Of vibration: counts RMS, and octaves for one spread.
SIZES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # Of a change, in spreads.
CHANGES = ("step", "tone", "gain", "spread")
N_SEEDS, N_POWER = 10, 400  # Boards for each signal, windows that each of them learns.
N_CHANGED, N_BETWEEN = 200, 200
DAY_S = 86400

_TELEMETRY = {"kind": "telemetry", "rate_hz": 1, "n_channels": 2}
_VIBRATION = {"kind": "vibration", "rate_hz": 640, "n_channels": 1, "n_window": 64, "n_hop": 64}


@dataclass(frozen=True)
class Cell:
    """A session for the promise: watched, with a step of 8 spreads at its end.

    n_learned: windows. settled: whether two of the signal's cycles were learned.
    """

    kind: str
    signal: str
    n_learned: int
    settled: bool


@dataclass(frozen=True)
class Power:
    """A session for the power: after the first two, changed and quiet segments take turns.

    changes: (kind, size) of each changed segment.
    """

    signal: str
    changes: tuple[tuple[str, float], ...]


def cell(kind: str, signal: str, n_learned: int, windows_in: WindowsIn) -> Session:
    """Return the session of a cell."""
    draw = np.random.default_rng([SEED, n_learned, *f"{kind}/{signal}".encode()])
    base = _TELEMETRY if kind == "telemetry" else _VIBRATION
    config = _promising(base)
    least = 2 * board_settings.defaults(kind)["n_range"] if kind == "telemetry" else n_learned
    n_learned = max(n_learned, least)
    # Samples before the first complete window are part of the learning period.
    extra = 0
    while windows_in(config, (n_learned + extra) * _hop(config)) < n_learned:
        extra += 1
    n_first = n_learned + extra
    level = SIGNALS[signal].made(n_first + N_OBSERVED + N_STEP, n_first, draw)
    learned = level[:n_first].std()
    level[n_first + N_OBSERVED :] += STEP * (learned or 1.0)
    frames = _frames(kind, level, draw)
    cuts = [n * _hop(config) for n in (n_first, n_first + N_OBSERVED)]
    recording = Recording(config["rate_hz"], frames.shape[1])
    recording.add(frames[: cuts[0]], f"learn {n_learned}")
    recording.add(frames[cuts[0] : cuts[1]], CONTINUES + WATCH)
    recording.add(frames[cuts[1] :], CONTINUES)
    settles = SIGNALS[signal].settles
    about = Cell(kind, signal, n_learned, settles is not None and 2 * settles <= n_learned)
    return Session(f"{kind}/{signal}/{n_learned}", config, recording, about)


def power(signal: str, seed: int, windows_in: WindowsIn) -> Session:
    """Return the session of one board of telemetry whose signal changes, one change at a time."""
    draw = np.random.default_rng([SEED, seed, *signal.encode()])
    config = _promising(_TELEMETRY)
    window = board_settings.defaults("telemetry")["n_window"]
    n_first = N_POWER + window
    changes = tuple((what, size) for what in CHANGES for size in SIZES)
    n = n_first + N_BETWEEN + len(changes) * (N_CHANGED + N_BETWEEN)
    level = SIGNALS[signal].made(n, n_first, draw)
    mean, spread = level[:n_first].mean(), level[:n_first].std() or 1.0
    recording = Recording(1, 2)
    cuts = [n_first, n_first + N_BETWEEN]
    for what, size in changes:
        some = slice(cuts[-1], cuts[-1] + N_CHANGED)
        level[some] = _changed(what, size, level[some], mean, spread, draw)
        cuts += [some.stop, some.stop + N_BETWEEN]
    frames = _frames("telemetry", level, draw)
    cues = [f"learn {windows_in(config, n_first)}", CONTINUES + WATCH]
    for index, (first, last) in enumerate(zip([0, *cuts], cuts, strict=False)):
        recording.add(frames[first:last], cues[index] if index < 2 else CONTINUES)
    return Session(f"power/{signal}/{seed}", config, recording, Power(signal, changes))


def _changed(
    what: str, size: float, level: np.ndarray, mean: float, spread: float, draw: np.random.Generator
) -> np.ndarray:
    if what == "step":
        return level + size * spread
    if what == "tone":  # Its period is a tenth of the change's length.
        at = np.arange(len(level))
        return level + size * spread * np.sqrt(2) * np.sin(2 * np.pi * 10 * at / len(level))
    if what == "gain":
        return mean + (1 + size) * (level - mean)
    return level + size * spread * draw.normal(size=len(level))


def _promising(base: dict[str, Any]) -> dict[str, Any]:
    per_day = DAY_S * base["rate_hz"] / base.get("n_hop", 1)
    return {**base, "alarms_per_day": per_day / ONE_IN}


def _hop(config: dict[str, Any]) -> int:
    return config.get("n_hop", 1)


def _frames(kind: str, level: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    if kind == "telemetry":
        both = np.stack([level, draw.normal(size=len(level))], axis=1) * COUNTS
    else:
        strength = STRENGTH * 2.0 ** (OCTAVES * np.clip(level, -18, 18))
        hop = _VIBRATION["n_hop"]
        noise = draw.normal(size=(len(level), hop)) * strength[:, None]
        both = noise.reshape(-1, 1)
    return np.clip(np.rint(both), -32768, 32767).astype(np.int16)


def sessions(
    signals: Sequence[str], lengths: Sequence[int], n_seeds: int, windows_in: WindowsIn
) -> list[Session]:
    """Return the cells of both kinds for some signals, and n_seeds boards for each to measure
    power.
    """
    out = {}
    for signal in signals:
        for n in lengths:
            one = cell("telemetry", signal, n, windows_in)
            out.setdefault(one.name, one)
            if signal in VIBRATION and n in VIBRATION_LENGTHS:
                one = cell("vibration", signal, n, windows_in)
                out.setdefault(one.name, one)
        for seed in range(n_seeds):
            one = power(signal, seed, windows_in)
            out[one.name] = one
    return list(out.values())
