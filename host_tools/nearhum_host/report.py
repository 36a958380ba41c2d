"""Report: a log or a run folder as one HTML page that needs nothing else: no network, no script, no font.

Enters: a path, and true labels where somebody has them. Leaves: text, below 300 KB however long the log is.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from nearhum import wire

from . import charts, evaluation, truth
from .logs import Log, read_log
from .svg import duration
from .times import shown
from .traces import NORMAL, Trace, read_labels, trace

MAX_EVENTS = 200
STRIP_COLUMNS = 6000  # of all strips together: about 100 KB
STRIP_WIDTH, STRIP_HEIGHT = 460, 150

FIGURE_NAMES = {
    "f1": "F1",
    "far": "false alarms",
    "far_clean": "false alarms, clean file",
    "mar": "missed alarms",
    "tpr": "detections",
    "auc": "AUC",
    "eer": "equal error rate",
    "early_warning": "early warnings",
}


def report(path: Path, labels: Path | None = None) -> str:
    """Return the report of a log file, of a folder with one, or of a run folder of `nearhum evaluate`.

    labels: a labels file (traces.read_labels) for a log; a run folder has its own.
    Raises HostError where path is none of these or holds no scored window.
    """
    if (path / evaluation.RUN_FILE).is_file():
        return _render(_of_run(path))
    return _render(_of_log(read_log(path), path.name, read_labels(labels) if labels else ()))


def _render(context: dict[str, Any]) -> str:
    loader = jinja2.PackageLoader("nearhum_host")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["percent"] = percent
    made = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return environment.get_template("report.html.j2").render(made=made, **context)


def percent(share: Any, digits: int = 1) -> str:
    """Return a fraction as percent, "–" for none, anything but a float as it is."""
    if share is None:
        return "–"
    return f"{100 * share:.{digits}f} %" if isinstance(share, float) else str(share)


def figures_of(row: dict[str, Any]) -> dict[str, str]:
    """Return a row's figures by name as a person reads them: "accuracy_5" and its "_std" as one."""
    out = {}
    for key, value in row.items():
        if key.endswith("_std"):
            continue
        spread = row.get(f"{key}_std")
        text = f"{value:.1f}" if "_per_hour" in key and isinstance(value, float) else percent(value)
        out[figure_name(key)] = text if spread is None else f"{text.removesuffix(' %')} ± {100 * spread:.1f} %"
    return out


def figure_name(key: str) -> str:
    """Return a figure's name for a person."""
    if key.startswith("accuracy_"):
        return f"{key.removeprefix('accuracy_')}-shot accuracy"
    if key.startswith("unknown_"):
        return f"{key.removeprefix('unknown_')}-shot unknown"
    return FIGURE_NAMES.get(key, key.replace("_", " "))


# ---- a log ----------------------------------------------------------------------------------------------


def _of_log(log: Log, name: str, spans: Sequence[tuple[int, int, str]]) -> dict[str, Any]:
    """Return what the template shows of one log."""
    t = trace(log, name, spans)
    threshold = _latest(t.thresholds)
    events = _events(t)
    groups = [("learning", t.scores[t.learning])]
    if t.known.any():
        anomalous = t.known & (t.truth != NORMAL)
        groups += [
            ("watching, normal", t.scores[t.known & ~anomalous]),
            ("watching, anomaly", t.scores[anomalous]),
        ]
    else:
        groups.append(("watching", t.scores[t.watching]))
    return {
        "title": str(t.config.get("board") or name),
        "kicker": "nearhum log",
        "subtitle": _listened(t),
        "tiles": _tiles(t, threshold),
        "chart": charts.score_chart(t),
        "histogram": charts.histogram(groups, threshold),
        "histogram_title": "score, octaves",
        **truth.judged([t]),
        "answers": _answers(t),
        "tables": [],
        "strips": [],
        "events": events[-MAX_EVENTS:],
        "events_left_out": max(0, len(events) - MAX_EVENTS),
        "notes": [
            *(f"{gap.before - gap.first} records before record {gap.before} are missing." for gap in log.gaps),
            *(f"{damage.n_bytes} bytes at byte {damage.offset} are damaged." for damage in log.damages),
        ],
        "facts": {**t.about, **_flat(t.config)},
    }


def _listened(t: Trace) -> str:
    parts = [f"{t.n} windows"]
    if t.window_s:
        parts.append(f"{duration(t.n * t.window_s)} listened")
    if len(t.boots) > 1:
        parts.append(f"{len(t.boots)} boots")
    for key, unit in (("kind", ""), ("n_channels", " channels"), ("rate_hz", " Hz"), ("path", " path")):
        if t.config.get(key) is not None:
            parts.append(f"{t.config[key]}{unit}")
    return " · ".join(parts)


def _tiles(t: Trace, threshold: float | None) -> list[tuple[str, str, str]]:
    """Return (name, value, unit or remark) of the figures to see first."""
    n_alarms = sum(event.name == "alarm" for _, event in t.events)
    n_watched = int(t.watching.sum())
    in_alarm = float(t.alarm.sum() / n_watched) if n_watched else None
    last = t.scores[~np.isnan(t.scores)]
    return [
        ("state", wire.STATE_NAMES[t.states[-1]], "at the end"),
        ("learned from", f"{int(t.learning.sum())}", "windows"),
        ("watched", f"{n_watched}", "windows"),
        ("alarms", f"{n_alarms}", f"{percent(in_alarm)} of the time watched"),
        ("threshold", "–" if threshold is None else f"{threshold:.2f}", "octaves"),
        ("last score", f"{last[-1]:.2f}" if len(last) else "–", "octaves"),
    ]


def _latest(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else None


def _answers(t: Trace) -> list[tuple[str, int]]:
    """Return how many watched windows had each label, the most frequent first; empty without labels."""
    counts = Counter(label or "unknown" for label in t.labels[t.watching])
    return counts.most_common() if set(counts) - {"unknown"} else []


def _events(t: Trace) -> list[dict[str, str]]:
    rows = []
    seen: set[int] = set()
    for at, event in t.events:
        if event.name == "boot":
            if event.boot in seen:  # the record that begins every segment on flash
                continue
            seen.add(event.boot)
        left = {k: v for k, v in event.what.items() if k not in ("event", "config", "window")}
        for key in ("score", "threshold"):
            if isinstance(left.get(key), int):
                left[key] = "–" if left[key] == wire.NO_SCORE else f"{left[key] / wire.SCORE_ONE:.2f} octaves"
        rows.append(
            {
                "name": event.name,
                "when": shown(event.utc) or (duration(at * t.window_s) if t.window_s else f"window {at}"),
                "window": str(at),
                "what": ", ".join(f"{k.replace('_', ' ')} {_brief(v)}" for k, v in left.items()),
            }
        )
    return rows


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:159] + "…"


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for key, value in config.items():
        if isinstance(value, dict):
            out.update({f"{key}.{inner}": some for inner, some in value.items()})
        else:
            out[key] = value
    return out


# ---- a run folder ---------------------------------------------------------------------------------------


def _of_run(folder: Path) -> dict[str, Any]:
    """Return what the template shows of an evaluation."""
    found = evaluation.read_run(folder)
    traces = [
        trace(read_log(folder / s["log"]), s["name"], [tuple(span) for span in s["spans"]]) for s in found["sessions"]
    ]
    judged = truth.judged(traces)
    rows = [("firmware", found["figures"]), *((n.replace("_", " "), f) for n, f in found["trivial"].items())]
    figures = [{"": who, **figures_of(some)} for who, some in rows]
    strips = []
    if judged["confusion"] is None:
        n_columns = max(60, min(STRIP_WIDTH, STRIP_COLUMNS // len(traces)))
        strips = [(t.name, charts.score_chart(t, STRIP_WIDTH, STRIP_HEIGHT, n_columns)) for t in traces]
    return {
        "title": found["protocol"],
        "kicker": "nearhum evaluation",
        "subtitle": f"{found['path']} path · told: {found['told']}",
        "tiles": [(name, text, "") for name, text in figures_of(found["figures"]).items()],
        "chart": None,
        "histogram": charts.histogram(truth.margins(traces), 0.0) if strips else None,
        "histogram_title": "octaves above the threshold",
        **judged,
        "figures": [],
        "answers": [],
        "tables": [
            _table("Figures", figures, "The rows below the firmware's are what answers without any board get."),
            _table("Files", [figures_of(row) for row in found["files"]]),
        ],
        "strips": strips,
        "events": [],
        "events_left_out": 0,
        "notes": [],
        "facts": {**found.get("versions", {}), **found.get("settings", {})},
    }


def _table(title: str, rows: Sequence[dict[str, str]], remark: str = "") -> dict[str, Any]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(column, "–") for column in columns] for row in rows]
    return {"title": title, "remark": remark, "columns": columns, "rows": cells}
