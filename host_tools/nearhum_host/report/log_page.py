"""Collect what the report shows of one log, section by section.

Enters: a log, true labels if there are any, and what was seen of the board. Leaves: the values for
the template: verdict, score over time, alarms with their strange features, now beside normal,
alarms a day, figures against the labels, history of learning, health, events and settings.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from nearhum import wire

from ..boards import keys
from ..evaluation import truth
from ..logs import chained
from ..logs.chronicle import MAX_EVENTS, after, events_of, history, local, when
from ..logs.log_file import Log
from ..logs.seen import Seen
from ..logs.traces import NORMAL, Trace, trace
from . import charts, profile, sensor_health, wording
from .svg import duration, figure
from .verdict import DAY_S, Alarm, alarms, verdict

MAX_ALARMS = 12  # Shown with their score. All of them are counted.
STRIP_WINDOWS = 40  # Windows shown before an alarm and after it, at least.
NARROW = (400, 250)  # Pixels of the same chart on a phone.
MAX_COLUMNS = 90  # Of alarms over time. Narrower columns could not be told apart.


def log_page(
    log: Log,
    name: str,
    spans: Sequence[tuple[int, int, str]],
    seen: Seen | None,
) -> dict[str, Any]:
    """Return the values that the template shows of one log."""
    t = trace(log, name, spans)
    found = alarms(t)
    threshold = _latest(t.thresholds)
    floor = _number(t.config.get("spread_floor"))
    features = profile.features(seen, floor, t.channels) if seen else []
    return {
        "title": str(t.config.get("board") or name),
        "kicker": "nearhum report",
        "subtitle": _listened(t),
        "verdict": verdict(t, found),
        "tiles": _tiles(t, found, threshold),
        "chart": charts.score_chart(t),
        "narrow": charts.score_chart(t, *NARROW),
        "alarms": [_alarm(t, alarm) for alarm in found[: -MAX_ALARMS - 1 : -1]],
        "alarms_left_out": max(0, len(found) - MAX_ALARMS),
        "often": _often(t, found),
        "spectra": profile.spectra(features, t.channels),
        "apart": profile.most_apart(features),
        "seen_at": local(datetime.datetime.fromisoformat(seen.utc).timestamp()) if seen else "",
        "rate": _rate(t, found),
        "histogram": charts.histogram(_groups(t), threshold),
        "histogram_title": "score, octaves",
        **truth.judged([t]),
        "answers": _answers(t),
        "history": history(t),
        "health": sensor_health.health(log, t, seen),
        "tables": [],
        "strips": [],
        "events": (events := events_of(t))[-MAX_EVENTS:],
        "events_left_out": max(0, len(events) - MAX_EVENTS),
        "notes": [
            *([f"The first {t.left_out} windows of the log are not drawn."] if t.left_out else []),
            *(
                f"{gap.before - gap.first} records before record {gap.before} are missing."
                for gap in log.gaps
            ),
            *(
                f"{damage.n_bytes} bytes at byte {damage.offset} are damaged."
                for damage in log.damages
            ),
            *chained.told(chained.check(log, keys.known())),
        ],
        "facts": {**{k: v for k, v in t.about.items() if k != "chain"}, **_flat(t.config)},
    }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 1.0


def _listened(t: Trace) -> str:
    parts = [wording.plural(t.n, "window")]
    if t.window_s:
        parts.append(f"{duration(t.n * t.window_s)} listened")
    if len(t.boots) > 1:
        parts.append(f"{len(t.boots)} starts")
    for key, unit in (("kind", ""), ("n_channels", "channel"), ("rate_hz", "Hz"), ("path", "path")):
        value = t.config.get(key)
        if key == "n_channels" and isinstance(value, int):
            parts.append(wording.plural(value, unit))
        elif value is not None:
            shown = f"{value:g}" if isinstance(value, float) else f"{value}"
            parts.append(f"{shown} {unit}".strip())
    return " · ".join(parts)


def _tiles(t: Trace, found: list[Alarm], threshold: float | None) -> list[tuple[str, str, str]]:
    """Return (name, value, unit or remark) of the most important figures."""
    n_watched, n_learned = int(t.watching.sum()), int(t.learning.sum())
    share = figure(100 * t.alarm.sum() / n_watched, 2) if n_watched else ""
    share += " % of the time watched" if n_watched else ""
    last = t.scores[~np.isnan(t.scores)]
    long = duration if t.window_s else (lambda n: f"{n:g}")
    step = t.window_s or 1
    return [
        ("state", wire.STATE_NAMES[t.states[-1]], "at the end"),
        ("watched", long(n_watched * step), wording.plural(n_watched, "window")),
        ("alarms", f"{len(found)}", share),
        ("last score", f"{last[-1]:.2f}" if len(last) else "–", "octaves"),
        ("threshold", "–" if threshold is None else f"{threshold:.2f}", "octaves"),
        ("learned from", long(n_learned * step), wording.plural(n_learned, "window")),
    ]


def _latest(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else None


def _groups(t: Trace) -> list[tuple[str, np.ndarray]]:
    groups = [("learning", t.scores[t.learning])]
    if t.known.any():
        anomalous = t.known & (t.truth != NORMAL)
        normal = t.known & ~anomalous
        return [
            *groups,
            ("watching, normal", t.scores[normal]),
            ("watching, anomaly", t.scores[anomalous]),
        ]
    return [*groups, ("watching", t.scores[t.watching])]


# ---- alarms --------------------------------------------------------------------------------------


def _alarm(t: Trace, alarm: Alarm) -> dict[str, Any]:
    """Return what is shown of an alarm: time, length, height, strange features, score around it."""
    length = alarm.last - alarm.first + 1
    around = max(STRIP_WINDOWS, length // 2)
    first, last = max(0, alarm.first - around), min(t.n, alarm.last + 1 + around)
    begin = next((e for at, e in t.events if e.name == "alarm" and at == alarm.first), None)
    return {
        "when": when(t, alarm.first, begin),
        "window": alarm.first,
        "lasted": ("still on after " if alarm.lasts else "lasted ") + after(t, length),
        "above": f"{alarm.peak - alarm.threshold:.1f}" if alarm.peak > alarm.threshold else "",
        "strange": [(wording.named(words, t.channels), share) for words, share in alarm.strange],
        "strip": charts.strip(t, first, last, alarm.first, alarm.last + 1),
    }


def _often(t: Trace, found: list[Alarm]) -> list[tuple[str, int, float]]:
    """Return (feature, number of alarms with it, mean share in percent), the largest share first.

    The list is empty for fewer than two alarms.
    """
    explained = [alarm for alarm in found if alarm.strange]
    if len(explained) < 2:
        return []
    weight: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for alarm in explained:
        for words, percent in alarm.strange:
            weight[words] += percent
            count[words] += 1
    return [
        (wording.named(words, t.channels), count[words], whole / len(explained))
        for words, whole in weight.most_common(6)
    ]


def _rate(t: Trace, found: list[Alarm]) -> dict[str, Any] | None:
    """Return the number of alarms a day and over time.

    With true labels, only false alarms are counted: those without any window of an anomaly.
    Returns None if nothing was watched, or if the log does not state the length of a window.
    """
    n_watched = int(t.watching.sum())
    if not t.window_s or not n_watched:
        return None
    judged = bool(t.known.any())
    counted = [a for a in found if not judged or not _is_true(t, a)]
    days = n_watched * t.window_s / DAY_S
    allowed = t.config.get("alarms_per_day")
    allowed = float(allowed) if isinstance(allowed, int | float) else None
    unit, unit_s = ("day", DAY_S) if t.n * t.window_s >= 2 * DAY_S else ("hour", 3600.0)
    n = int(t.n * t.window_s / unit_s) + 1
    grouped = -(-n // MAX_COLUMNS)
    counts = np.zeros(-(-n // grouped))
    for alarm in counted:
        counts[int(alarm.first * t.window_s / unit_s / grouped)] += 1
    unit = unit if grouped == 1 else f"{grouped} {unit}s"
    limit = allowed * unit_s * grouped / DAY_S if allowed is not None else None
    return {
        "judged": judged,
        "n": len(counted),
        "per_day": figure(len(counted) / days, 2) if days >= 1 else None,
        "days": duration(days * DAY_S),
        "allowed": allowed,
        "chart": charts.columns(counts.tolist(), unit, limit) if n >= 3 else None,
        "narrow": charts.columns(counts.tolist(), unit, limit, 400, 190) if n >= 3 else None,
    }


def _is_true(t: Trace, alarm: Alarm) -> bool:
    return any(
        label is not None and label != NORMAL for label in t.truth[alarm.first : alarm.last + 1]
    )


# ---- the rest ------------------------------------------------------------------------------------


def _answers(t: Trace) -> list[tuple[str, int]]:
    """Return (label, number of watched windows), the most frequent first; empty without labels."""
    counts = Counter(label or "unknown" for label in t.labels[t.watching])
    return counts.most_common() if set(counts) - {"unknown"} else []


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for key, value in config.items():
        if isinstance(value, dict):
            out.update({f"{key}.{inner}": some for inner, some in value.items()})
        else:
            out[key] = value
    return out
