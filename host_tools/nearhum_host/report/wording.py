"""Wording: what a log says in numbers and names, in the words of a person who stands beside the
machine.
"""

from __future__ import annotations

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

    n_channels: of the board; the only channel of one is not named. What is no feature's name stays
    as it is.
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
    """Return (channel, low, high) of a band's name, None for any other feature, an envelope's
    band among them.
    """
    found = _FEATURE.fullmatch(name)
    if not found or found[2] or found[3] is None:
        return None
    return int(found[1]), float(found[3]), float(found[4])


def hertz(value: float) -> str:
    """Return a frequency as short as a person says it."""
    return f"{value:.0f}" if value >= 20 else f"{value:.2g}"


def named(words: str, channels: Sequence[str]) -> str:
    """Return words about channels by the names of their columns: "level, Temperatur [°C]"."""

    def name(found: re.Match[str]) -> str:
        i = int(found[1])
        return channels[i] if i < len(channels) and channels[i] else found[0]

    return re.sub(r"\bchannel (\d+)\b", name, words)


def doubt(warning: str, counted: bool = False) -> str:
    """Return what the board doubts of what it learned, as a sentence says it.

    counted: the sentence has just named the number of independent scores and the time in alarm, so
    they are left out here.
    """
    if counted:
        warning = re.sub(r" \(in alarm for up to [\d.]+ % of the time\)", "", warning)
        return re.sub(
            r"^\d+ independent scores? set the threshold, which may", "the threshold may", warning
        )
    return re.sub(r"^1 independent scores set", "1 independent score set", warning)


def plural(n: int, one: str, many: str = "") -> str:
    """Return "1 alarm", "3 alarms", "no alarm"."""
    return f"{n or 'no'} {one if n in (0, 1) else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def together(features: Sequence[str]) -> str:
    """Return features as a sentence lists them; a channel that they share is named once, at the
    end.
    """
    parts = [words.rpartition(", channel ") for words in features]
    channels = {channel for before, _, channel in parts if before}
    if len(channels) == 1 and all(before for before, _, _ in parts):
        return f"{listed([before for before, _, _ in parts])} (channel {channels.pop()})"
    return listed(
        [
            f"{before} (channel {channel})" if before else words
            for (before, _, channel), words in zip(parts, features, strict=True)
        ]
    )


def strangest(event: dict[str, Any], n_channels: int = 0) -> list[tuple[str, int]]:
    """Return what an alarm found strange, [(words, percent of the distance)], the strangest
    first.
    """
    found = event.get("strangest")
    if not isinstance(found, list):
        return []
    out = []
    for item in found:
        if isinstance(item, list) and len(item) == 2 and isinstance(item[1], int | float):
            out.append((feature(str(item[0]), n_channels), max(0, min(100, round(item[1])))))
    return out


def strangest_named(event: dict[str, Any], channels: Sequence[str]) -> list[tuple[str, int]]:
    """Return the same by what the channels are called: a name each, "" for one without."""
    found = strangest(event, len(channels))
    return [(named(words, channels), percent) for words, percent in found]


def learning(name: str, what: dict[str, Any], window_s: float | None) -> tuple[str, str] | None:
    """Return (what happened, the particulars) of an event that is about learning, None for
    another.
    """
    label = str(what.get("label") or "")
    if name == "state" and what.get("state") == "learn" and what.get("paused") is not None:
        return ("learning paused" if what["paused"] else "learning goes on"), ""
    if name == "state" and what.get("state") == "learn":
        mode = what.get("mode")
        return (
            f"began to learn {mode}, a mode of normal" if mode else "began to learn what is normal"
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
            told.append(f"about {what['accepts']:g} % of other windows would be taken for it")
        return f"enrolled {label}", "; ".join(part for part in told if part)
    if name in _CHANGES:
        said, keys = _CHANGES[name]
        if name == "veto" and what.get("off"):
            said = "veto taken back: {label}"
        values = {key: what.get(key) for key in ("label", "was", "to", "what", "n")}
        return said.format(
            **{key: "–" if value is None else value for key, value in values.items()}
        ), "; ".join(f"{key} {what[key]}" for key in keys if what.get(key) is not None)
    return None


_CHANGES = {
    "forgotten": ("forgot {label}", ()),
    "relabelled": ("renamed {was} to {label}", ()),
    "veto": ("vetoed {label}", ()),
    "trusted": ("you trusted what it is now", ()),
    "rollback": ("rolled back to snapshot {to}", ()),
    "reset": ("reset: {what}", ()),
    "prior": ("began with a prior of {n} windows", ()),
    "pending": ("a near miss waits for your word: {label}", ("distance", "limit")),
    "accepted": ("accepted a near miss as {label}", ("by",)),
    "rejected": ("rejected a near miss of {label}", ()),
    "set": ("setting changed", ("key", "value")),
}


def _length(n: Any, window_s: float | None) -> str:
    if not isinstance(n, int):
        return ""
    return plural(n, "window") + (f", {duration(n * window_s)}" if window_s else "")


def promised(what: dict[str, Any]) -> str:
    """Return the false alarms that a threshold stands for, a day and as a share of the time, as
    intervals; "" for none.
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
    counted = isinstance(what.get("independent"), int)
    if counted:
        told.append(f"from {plural(what['independent'], 'independent score')}" + promised(what))
    if what.get("dirt"):
        told.append(f"{what['dirt']} left out as dirt")
    causes = {"length": "full length", "stable": "stable", "stopped": "stopped by hand"}
    told.append(causes.get(str(what.get("cause")), ""))
    if what.get("warning"):
        told.append(doubt(str(what["warning"]), counted))
    return "; ".join(part for part in told if part)
