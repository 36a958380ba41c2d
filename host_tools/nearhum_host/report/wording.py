"""Turn the names and numbers of a log into words for a person who stands beside the machine.

Enters: names of features, events of the journal. Leaves: text for the report, the live view and
the alerts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from .svg import duration, figure

_STATISTICS = {
    "mean": "level",
    "rms": "strength (RMS)",
    "peak": "peak",
    "crest": "crest factor",
    "kurtosis": "peakedness (kurtosis)",
    "zero_crossings": "zero crossings",
}
_NUMBER = r"(-?[\d.]+(?:e[+-]\d+)?)"
_FEATURE = re.compile(rf"c(\d+)\.(env\.)?(?:{_NUMBER}-{_NUMBER}Hz|(\w+))")


def feature(name: str, n_channels: int = 0) -> str:
    """Return a feature's name in words: c1.env.20-30Hz is "envelope at 20–30 Hz, channel 1".

    n_channels: number of channels of the board. A single channel is not named. Any other text is
    returned as it is.
    """
    found = _FEATURE.fullmatch(name)
    if not found:
        return name
    channel, envelope, low, high, statistic = found.groups()
    if low is not None:
        words = f"{'envelope at ' if envelope else ''}{hertz(float(low))}–{hertz(float(high))} Hz"
        if float(high) >= 10000:
            words = (
                f"{'envelope at ' if envelope else ''}"
                f"{float(low) / 1000:.3g}–{float(high) / 1000:.3g} kHz"
            )
    else:
        words = _STATISTICS.get(statistic, statistic.replace("_", " "))
    return words if n_channels == 1 else f"{words}, channel {channel}"


def band_hz(name: str) -> tuple[int, float, float] | None:
    """Return (channel, low, high) of a band's name, in Hz.

    Returns None for any other feature, also for a band of the envelope.
    """
    found = _FEATURE.fullmatch(name)
    if not found or found[2] or found[3] is None:
        return None
    return int(found[1]), float(found[3]), float(found[4])


def hertz(value: float) -> str:
    """Return a frequency as text, rounded to what a person would say."""
    return f"{value:.0f}" if value >= 20 else f"{value:.2g}"


def named(words: str, channels: Sequence[str]) -> str:
    """Replace "channel 1" in a text by the channel's name: "level, Temperatur [°C]"."""

    def name(found: re.Match[str]) -> str:
        i = int(found[1])
        return channels[i] if i < len(channels) and channels[i] else found[0]

    return re.sub(r"\bchannel (\d+)\b", name, words)


def doubt(warning: str) -> str:
    """Return the board's warning about its threshold, with the right plural."""
    return re.sub(r"^1 independent scores set", "1 independent score set", warning)


def plural(n: int, one: str, many: str = "") -> str:
    """Return "1 alarm", "3 alarms", "no alarms"."""
    return f"{n or 'no'} {one if n == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def together(features: Sequence[str]) -> str:
    """Return features as a list in a sentence.

    A channel that they share, or a feature that the channels share, is named once.
    """
    parts = [words.rpartition(", channel ") for words in features]
    called = list(dict.fromkeys(before for before, _, _ in parts))
    channels = list(dict.fromkeys(channel for _, _, channel in parts))
    if all(called) and (len(channels) == 1 or len(called) == 1):
        return f"{listed(called)} on {listed([f'channel {channel}' for channel in channels])}"
    return listed(
        [
            f"{before} on channel {channel}" if before else words
            for (before, _, channel), words in zip(parts, features, strict=True)
        ]
    )


def strangest(event: dict[str, Any], n_channels: int = 0) -> list[tuple[str, int]]:
    """Return the strange features of an alarm, [(words, percent of the distance)], largest first.

    A feature whose share rounds to 0 % says nothing and is left out.
    """
    found = event.get("strangest")
    if not isinstance(found, list):
        return []
    out = []
    for item in found:
        if isinstance(item, list) and len(item) == 2 and isinstance(item[1], int | float):
            percent = min(100, round(item[1])) if math.isfinite(item[1]) else 0
            if percent > 0:
                out.append((feature(str(item[0]), n_channels), percent))
    return out


def strangest_named(event: dict[str, Any], channels: Sequence[str]) -> list[tuple[str, int]]:
    """Return `strangest` with the channels' names. channels: a name each, "" if it has none."""
    found = strangest(event, len(channels))
    return [(named(words, channels), percent) for words, percent in found]


def learning(name: str, what: dict[str, Any], window_s: float | None) -> tuple[str, str] | None:
    """Return (what happened, details) of an event about learning, None for any other event."""
    label = str(what.get("label") or "")
    if name == "state" and what.get("state") == "learn" and what.get("paused") is not None:
        return ("learning paused" if what["paused"] else "learning resumed"), ""
    if name == "state" and what.get("state") == "learn":
        mode = what.get("mode")
        return (
            f"began to learn the mode {mode}" if mode else "began to learn what is normal"
        ), _length(what.get("windows"), window_s)
    if name == "learned":
        return "learned what is normal", _learned(what, window_s)
    if name == "enrolled":
        told = [
            f"{plural(int(what['count']), 'example')}" if isinstance(what.get("count"), int) else ""
        ]
        if what.get("close"):
            told.append(f"too close to {what['close']}")
        if isinstance(what.get("accepts"), int | float):
            told.append(f"about {what['accepts']:g} % of other windows would be mistaken for it")
        return f"enrolled {label}", "; ".join(part for part in told if part)
    if name in _CHANGES:
        said, keys = _CHANGES[name]
        if name == "veto" and what.get("off"):
            said = "veto removed: {label}"
        keys_said = ("label", "was", "to", "what", "n", "key", "value")
        values = {key: what.get(key) for key in keys_said}
        return said.format(
            **{key: "–" if value is None else value for key, value in values.items()}
        ), "; ".join(f"{key} {what[key]}" for key in keys if what.get(key) is not None)
    return None


_CHANGES = {
    "forgotten": ("forgot {label}", ()),
    "relabelled": ("renamed {was} to {label}", ()),
    "veto": ("vetoed {label}", ()),
    "trusted": ("what it has learned was trusted", ()),
    "rollback": ("rolled back to snapshot {to}", ()),
    "reset": ("reset: {what}", ()),
    "prior": ("started from a prior of {n} windows", ()),
    "pending": ("possible {label}, just outside its limit: accept or reject it", ()),
    "accepted": ("accepted a near miss as {label}", ("by",)),
    "rejected": ("rejected a near miss of {label}", ()),
    "set": ("setting changed: {key} = {value}", ()),
}


def _length(n: Any, window_s: float | None) -> str:
    if not isinstance(n, int):
        return ""
    return plural(n, "window") + (f", {duration(n * window_s)}" if window_s else "")


def promised(what: dict[str, Any]) -> str:
    """Return the false alarms to expect with a threshold, "" if the event does not say.

    They are intervals: alarms a day, and the share of the time in alarm.
    """
    alarms, percent = _between(what.get("alarms_per_day")), _between(what.get("alarm_percent"))
    if not alarms:
        return ""
    told = f": {alarms} false {'alarm' if alarms == '1' else 'alarms'} a day"
    return told + (f", in alarm for {percent} % of the time" if percent else "")


def _between(interval: object) -> str:
    if not isinstance(interval, list) or len(interval) != 2:
        return ""
    low, high = interval
    return f"{figure(low)} to {figure(high)}" if high > low else figure(low)


def _learned(what: dict[str, Any], window_s: float | None) -> str:
    told = [_length(what.get("n"), window_s)]
    modes = what.get("modes")
    if isinstance(modes, list) and len(modes) > 1:
        told.append(f"{len(modes)} modes of {listed([str(n) for n in modes])} windows")
    if isinstance(what.get("threshold"), int):
        told.append(f"threshold {what['threshold'] / 256:.2f} octaves")
    if isinstance(what.get("independent"), int):
        told.append(f"from {plural(what['independent'], 'independent score')}" + promised(what))
    if what.get("dirt"):
        told.append(f"{what['dirt']} left out as outliers")
    causes = {"length": "full length", "stable": "stable", "stopped": "stopped by hand"}
    told.append(causes.get(str(what.get("cause")), ""))
    if what.get("warning"):
        told.append(doubt(str(what["warning"])))
    return "; ".join(part for part in told if part)
