"""The verdict: the first lines of a report, in plain words.

Enters: a trace. Leaves: its alarms, and a tone, a headline and a few sentences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from nearhum import wire

from ..logs.traces import Trace
from .svg import duration, figure, runs
from .wording import doubt, named, plural, strangest, together

DAY_S = 86400.0
STANDS_OUT = 15  # % of the distance. If the strangest feature has less, no feature stands out.
RARE = 0.01  # If false alarms alone are less likely than this, some alarms are probably real.


@dataclass
class Alarm:
    """One alarm.

    first, last: its first and last window, as indices. peak, threshold: octaves.
    strange: as wording.strangest returns it.
    """

    first: int
    last: int
    peak: float
    threshold: float
    strange: list[tuple[str, int]] = field(default_factory=list)
    lasts: bool = False  # To the end of the log.


@dataclass
class Verdict:
    """tone: good, was (an alarm ended), bad (an alarm is on), busy (learning) or none."""

    tone: str
    headline: str
    sentences: list[str]


def alarms(t: Trace) -> list[Alarm]:
    """Return the alarms that the board raised while it watched, in order."""
    n_channels = t.config.get("n_channels")
    n_channels = n_channels if isinstance(n_channels, int) else 0
    begins = {at: event.what for at, event in t.events if event.name == "alarm"}
    out = []
    for first, last in runs(t.alarm):
        parts = sorted(at for at in begins if first <= at <= last) or [first]
        for begin, after in zip(parts, [*parts[1:], last + 1], strict=True):
            scores = t.scores[begin:after]
            peak = float(np.nanmax(scores)) if np.isfinite(scores).any() else math.nan
            told = strangest(begins.get(begin, {}), n_channels)
            out.append(
                Alarm(begin, after - 1, peak, float(t.thresholds[begin]), told, after == t.n)
            )
    return out


def verdict(t: Trace, found: list[Alarm]) -> Verdict:
    """Return the verdict on a trace. found: its alarms."""
    state = int(t.states[-1])
    n_watched = int(t.watching.sum())
    if state == wire.LEARN:
        n = next((n for n, (first, _) in enumerate(reversed(runs(t.learning))) if first >= 0), 0)
        begun = runs(t.learning)[-1 - n][0]
        sentences = [
            f"It has heard {_time(t, t.n - begun)} of this period so far. It judges nothing before"
            " the period ends."
        ]
        return Verdict(
            "busy", "Still learning what is normal", sentences + _before(t, found, n_watched)
        )
    if not n_watched:
        return Verdict(
            "none",
            "It has not learned yet what is normal",
            ["Let it learn: nearhum learn 10m --wait"],
        )
    if state == wire.IDLE:
        return Verdict("none", "It has forgotten what is normal", _before(t, found, n_watched))
    if found and found[-1].lasts:
        now = found[-1]
        sentences = [
            f"The alarm has been on for {_time(t, now.last - now.first + 1)}{_above_all(t, now)}."
        ]
        return Verdict("bad", "Strange right now", sentences + _before(t, found, n_watched))
    if found:
        last = found[-1]
        ago = t.n - 1 - last.last
        sentences = [
            f"The last alarm ended {_time(t, ago)} before the end of the log{_above_all(t, last)}."
        ]
        return Verdict(
            "was",
            f"Normal now, after {plural(len(found), 'alarm')}",
            sentences + _before(t, found, n_watched),
        )
    return Verdict("good", "Normal, all the time", _before(t, found, n_watched))


def _time(t: Trace, n: int) -> str:
    return duration(n * t.window_s) if t.window_s else plural(n, "window")


def _above_all(t: Trace, alarm: Alarm) -> str:
    if not alarm.strange:
        return ""
    # The strangest feature, and those with at least half of its share.
    most = alarm.strange[0][1]
    words = together([words for words, percent in alarm.strange if percent >= most / 2])
    words = named(words, t.channels)
    return (
        f": above all {words}" if most >= STANDS_OUT else f": many features at once, mostly {words}"
    )


def _before(t: Trace, found: list[Alarm], n_watched: int) -> list[str]:
    """Return how long it watched, how often it alarmed, and whether false alarms explain that."""
    if not n_watched:
        return []
    in_alarm = int(t.alarm.sum())
    watched = f"Watched for {_time(t, n_watched)}"
    if not found:
        return [f"{watched} without an alarm." + _expected(t, 0, n_watched)]
    share = 100 * in_alarm / n_watched
    told = (
        f"{watched}: {plural(len(found), 'alarm')}, {_time(t, in_alarm)} in all "
        f"({figure(share, 2)} % of the time)."
    )
    return [told + _expected(t, len(found), n_watched)]


def _expected(t: Trace, n: int, n_watched: int) -> str:
    per_day = t.config.get("alarms_per_day")
    doubted = doubts(t)
    if not t.window_s or not isinstance(per_day, int | float):
        return f" The threshold is uncertain: {doubted}." if doubted else ""
    mean = per_day * n_watched * t.window_s / DAY_S
    allowed = f" You allowed {per_day:g} false {'alarm' if per_day == 1 else 'alarms'} a day"
    if doubted:
        return f"{allowed}, but the threshold is uncertain: {doubted}."
    if n and at_least(n, mean) < RARE:
        probably = "most of them are probably real" if n > 1 else "this one is probably real"
        return f"{allowed}: {probably}."
    if n:
        return f"{allowed}: in this time about {figure(mean, 2)} of them could be false."
    return f"{allowed}."


def doubts(t: Trace) -> str:
    """Return the warning of the learning period that set the present threshold, "" for none."""
    learned = [event.what for _, event in t.events if event.name == "learned"]
    return doubt(str(learned[-1].get("warning") or "")) if learned else ""


def at_least(n: int, mean: float) -> float:
    """Return the probability of n events or more if `mean` are expected (Poisson)."""
    term = below = math.exp(-mean)
    if n == 0:
        return 1.0
    for i in range(1, n):
        term *= mean / i
        below += term
    return max(0.0, 1 - below)
