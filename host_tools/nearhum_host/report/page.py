"""Make the report: one HTML page of a log or of a run folder, without network, script or font.

Enters: a path, and true labels if there are any. Leaves: text, below 300 KB for a log of any
length.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from ..evaluation import assessment, truth
from ..logs import seen
from ..logs.log_file import log_path, read_log
from ..logs.traces import read_labels, trace
from . import charts
from .log_page import log_page

STRIP_COLUMNS = 6000  # Of all sessions together: about 100 KB.
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
    """Return the report of a log file, of a folder with one, or of a run folder of `nearhum
    evaluate`.

    labels: a labels file (traces.read_labels) for a log. A run folder has its own labels.
    Raises HostError if path is none of these or has no scored window.
    """
    if (path / assessment.RUN_FILE).is_file():
        return _render(_of_run(path))
    log = read_log(path)
    spans = read_labels(labels, log) if labels else ()
    return _render(log_page(log, path.name, spans, seen.load(log_path(path))))


def _render(context: dict[str, Any]) -> str:
    loader = jinja2.PackageLoader("nearhum_host.report")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["percent"] = percent
    made = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return environment.get_template("report.html.j2").render(made=made, **context)


def percent(share: Any, digits: int = 1) -> str:
    """Return a fraction as percent, "–" for None. Anything else that is no float stays as it is."""
    if share is None:
        return "–"
    return f"{100 * share:.{digits}f} %" if isinstance(share, float) else str(share)


def figures_of(row: dict[str, Any]) -> dict[str, str]:
    """Return a row's figures as text, by their names for people. "x" and "x_std" become one."""
    out = {}
    for key, value in row.items():
        if key.endswith("_std"):
            continue
        spread = row.get(f"{key}_std")
        text = f"{value:.1f}" if "_per_hour" in key and isinstance(value, float) else percent(value)
        out[figure_name(key)] = (
            text if spread is None else f"{text.removesuffix(' %')} ± {100 * spread:.1f} %"
        )
    return out


def figure_name(key: str) -> str:
    """Return a figure's name for people."""
    if key.startswith("accuracy_"):
        return f"{key.removeprefix('accuracy_')}-shot accuracy"
    if key.startswith("unknown_"):
        return f"{key.removeprefix('unknown_')}-shot unknown"
    return FIGURE_NAMES.get(key, key.replace("_", " "))


# ---- a run folder --------------------------------------------------------------------------------


def _of_run(folder: Path) -> dict[str, Any]:
    """Return the values that the template shows of an evaluation."""
    found = assessment.read_run(folder)
    traces = [
        trace(read_log(folder / s["log"]), s["name"], [tuple(span) for span in s["spans"]])
        for s in found["sessions"]
    ]
    judged = truth.judged(traces)
    rows = [
        ("firmware", found["figures"]),
        *((n.replace("_", " "), f) for n, f in found["trivial"].items()),
    ]
    figures = [{"": who, **figures_of(some)} for who, some in rows]
    strips = []
    if judged["confusion"] is None:
        n_columns = max(60, min(STRIP_WIDTH, STRIP_COLUMNS // len(traces)))
        strips = [
            (t.name, charts.score_chart(t, STRIP_WIDTH, STRIP_HEIGHT, n_columns)) for t in traces
        ]
    return {
        "title": found["protocol"],
        "kicker": "nearhum evaluation",
        "subtitle": f"{found['path']} path · learned from: {found['told']}",
        "verdict": None,
        "tiles": [(name, text, "") for name, text in figures_of(found["figures"]).items()],
        "chart": None,
        **dict.fromkeys(("alarms", "often", "spectra", "apart", "history", "health"), ()),
        "rate": None,
        "histogram": charts.histogram(truth.margins(traces), 0.0) if strips else None,
        "histogram_title": "octaves above the threshold",
        **judged,
        "figures": [],
        "answers": [],
        "tables": [
            _table(
                "Figures",
                figures,
                "The rows below the firmware's are trivial answers, such as never an alarm.",
            ),
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
