"""Compare what the board hears now with what it learned to be normal, feature by feature.

Enters: what was seen of a board. Leaves: a drawing of the bands of each channel, and the features
that differ most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..logs.seen import Seen, vector
from .svg import Frame, ticks
from .wording import band_hz, feature, hertz, named

STEP_DB = 10 * math.log10(2) / 8  # A feature counts eighths of an octave of power: 0.376 dB.
FAR = 3.0  # Spreads. A band further from normal than this is drawn as strange.
MAX_CHANNELS = 8  # Drawn, of a board with more.
SHOWN = 6  # Features in the table of those furthest from normal.


@dataclass
class Feature:
    """One feature.

    words: its name for people. now, normal, spread: dB. apart: now minus normal, in spreads.
    """

    name: str
    words: str
    now: float
    normal: float
    spread: float

    @property
    def apart(self) -> float:
        return (self.now - self.normal) / self.spread


@dataclass
class Spectrum:
    """The bands of a channel.

    areas: (x, y, width, height) of what is normal. normal, now, strange: path data.
    """

    title: str
    frame: Frame
    areas: list[tuple[float, float, float, float]]
    normal: str
    now: str
    strange: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def features(seen: Seen, spread_floor: float = 1, names: Sequence[str] = ()) -> list[Feature]:
    """Return the features of the last window.

    The list is empty if the board has learned nothing, or if a head maps its features.
    spread_floor: in steps, as the setting. names: of the channels, if they have any.
    """
    now = np.frombuffer(vector(seen.look, "embedding"), np.int8)
    variance = np.frombuffer(vector(seen.look, "variance")[: 4 * len(now)], "<i4")
    means = seen.look.get("means") or []
    mode = seen.look.get("mode")
    which = mode if isinstance(mode, int) and 0 <= mode < len(means) else 0
    if not len(now) or not means or len(now) != len(seen.names) or len(variance) != len(now):
        return []
    normal = np.frombuffer(vector({"mean": means[which]}, "mean"), np.int8)
    if len(normal) != len(now):
        return []
    spread = np.maximum(np.sqrt(variance / 4096), max(1.0, spread_floor))
    channels = len({name.partition(".")[0] for name in seen.names})
    return [
        Feature(
            name,
            named(feature(name, channels), names),
            *(float(STEP_DB * some[i]) for some in (now, normal, spread)),
        )
        for i, name in enumerate(seen.names)
    ]


def most_apart(some: list[Feature]) -> list[Feature]:
    """Return the SHOWN features furthest from normal, the furthest first."""
    return sorted(some, key=lambda f: -abs(f.apart))[:SHOWN]


def spectra(
    some: list[Feature], names: Sequence[str] = (), width: int = 460, height: int = 230
) -> list[Spectrum]:
    """Return a drawing of the bands of each channel. names: of the channels, if they have any."""
    by_channel: dict[int, list[tuple[float, float, Feature]]] = {}
    for f in some:
        band = band_hz(f.name)
        if band:
            by_channel.setdefault(band[0], []).append((max(band[1], 0.0), band[2], f))
    levels = [
        v
        for bands in by_channel.values()
        for _, _, f in bands
        for v in (f.now, f.normal - 2 * f.spread)
    ]
    levels += [f.normal + 2 * f.spread for bands in by_channel.values() for _, _, f in bands]
    if not levels:
        return []
    low, high = min(levels) - 1, max(levels) + 1
    one = len(by_channel) == 1
    return [
        _spectrum(
            "" if one else named(f"channel {channel}", names), bands, low, high, width, height
        )
        for channel, bands in sorted(by_channel.items())[:MAX_CHANNELS]
    ]


def _spectrum(
    title: str,
    bands: list[tuple[float, float, Feature]],
    low: float,
    high: float,
    width: int,
    height: int,
) -> Spectrum:
    # Bands of equal width get a linear axis. Bands that widen with frequency get a logarithmic one.
    widths = [top - bottom for bottom, top, _ in bands]
    octaves = max(widths) > 1.5 * min(widths)
    least = next((bottom for bottom, _, _ in bands if bottom > 0), bands[0][1] / 2)
    scale = (lambda hz: math.log2(max(hz, least / 2))) if octaves else (lambda hz: hz)
    first, last = scale(bands[0][0]), scale(bands[-1][1])
    frame = Frame(width, height, first, last, low, high)
    areas, normal, now, strange = [], [], [], []
    for bottom, top, f in bands:
        x0, x1 = frame.x(scale(bottom)), frame.x(scale(top))
        y0, y1 = frame.y(f.normal + 2 * f.spread), frame.y(f.normal - 2 * f.spread)
        areas.append((x0, y0, round(x1 - x0, 1), round(y1 - y0, 1)))
        normal.append(f"M{x0:g} {frame.y(f.normal):g}H{x1:g}")
        (strange if abs(f.apart) > FAR else now).append(f"M{x0:g} {frame.y(f.now):g}H{x1:g}")
    marks = (
        _octave_marks(bands[0][0], bands[-1][1]) if octaves else ticks(bands[0][0], bands[-1][1], 5)
    )
    return Spectrum(
        title,
        frame,
        areas,
        "".join(normal),
        "".join(now),
        "".join(strange),
        [(frame.x(scale(hz)), f"{hz / 1000:g}k" if hz >= 1000 else hertz(hz)) for hz in marks],
        [(frame.y(value), f"{value:g}") for value in ticks(low, high, 4)],
    )


def _octave_marks(low: float, high: float) -> list[float]:
    marks = [c * 10.0**e for e in range(-2, 6) for c in (1, 2, 5) if low <= c * 10.0**e <= high]
    return marks if len(marks) <= 8 else [m for m in marks if f"{m:e}"[0] == "1"] or marks
