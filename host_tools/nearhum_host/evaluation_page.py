"""The page of the evaluation: every protocol that has recordings, on both numeric paths, as Markdown with pictures.

Enters: the folder of recordings. Leaves: EVALUATION.md and an SVG a protocol. Part one holds pooled figures beside what
must hold, trivial rows, intervals, times and ablations; part two a row a file. No figure is computed here: see
evaluation, confidence, timing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nearhum import config as board_settings

from . import datasets, evaluation, logs, traces
from .confidence import N_RESAMPLES
from .errors import HostError
from .pictures import picture
from .protocols import PROTOCOLS
from .protocols.base import LABEL_ANOMALY, LABEL_NORMAL
from .protocols.runner import interpreter, run_one
from .protocols.serial import differences, run_over_serial
from .protocols.targets import TARGETS, Target
from .svg import duration

PAGE = "EVALUATION.md"
PICTURES = Path("docs") / "evaluation"
PATHS = ("fixed", "float")

LEAST_NORMAL_S = 600  # of what is normal: seconds say nothing about a day

Settings = Mapping[str, Any]
_NO_SMOOTHING: tuple[str, Settings] = ("no smoothing", {"smooth": 256})
_ONE_MODE: tuple[str, Settings] = ("one mode", {"n_modes": 1})
# drift: what the kind's default does without; the guard: the budget within which learning may move anything
_DRIFT: tuple[str, Settings] = ("what creeps is followed", {"drift_budget": 3})
_NO_BUDGET: tuple[str, Settings] = ("what creeps is followed, no guard", {"drift_budget": 64})
_NO_GUARD: Settings = {"teach": "auto", "teach_budget": 1000, "teach_days": 0.001}

# What is left out, or changed, to see what it is worth; on the fixed path.
ABLATIONS: Mapping[str, Sequence[tuple[str, Settings]]] = {
    "skab": (
        ("a spread a feature", {"spread": "diagonal"}),
        ("normal stands still", {"drift_budget": 0}),
        _NO_BUDGET,
        ("an alarm ends at the threshold", {"release": 0}),
        _NO_SMOOTHING,
        _ONE_MODE,
    ),
    "adi_motor": (_NO_SMOOTHING, _ONE_MODE, ("any spread is believed", {"spread_floor": 1}), _DRIFT, _NO_BUDGET),
    "femto": (_NO_SMOOTHING, _ONE_MODE, ("any spread is believed", {"spread_floor": 1}), _DRIFT, _NO_BUDGET),
    "fan": (
        _NO_SMOOTHING,
        _ONE_MODE,
        ("bands with their level", {"level": "kept"}),
        ("12 bands", {"n_bands": 12}),
        _DRIFT,
        _NO_BUDGET,
    ),
    "watch": (
        ("no bands", {"n_bands": 0}),
        ("no means", {"mean": "off"}),
        ("bands alone", {"mean": "off", "statistics": ""}),
        ("near misses teach by themselves", {"teach": "auto"}),
        ("near misses teach by themselves, no guard", _NO_GUARD),
    ),
    "csi": (
        _NO_SMOOTHING,
        ("learned from the first packet on", {"settle_s": 0}),
        ("no means", {"mean": "off"}),
        _DRIFT,
        _NO_BUDGET,
    ),
    "rssi": (_NO_SMOOTHING, ("means alone", {"statistics": ""})),
}


def evaluate_all(
    data: Path | None, note: Callable[[str], None], n_resamples: int = N_RESAMPLES, names: Sequence[str] = ()
) -> tuple[str, dict[str, str]]:
    """Return (page, {file name: picture}) of the protocols that have recordings; names: of some alone.

    note: told what is being done. Raises HostError where no protocol has recordings, or a run fails.
    """
    sets, absent, drawn = [], [], {}
    for name in names or PROTOCOLS:
        try:
            datasets.folder(data, name)
        except HostError:
            if names:
                raise
            absent.append(name)
            continue
        one, svg = _evaluate_one(name, data, note, n_resamples)
        sets.append(one)
        if svg:
            drawn[f"{name}.svg"] = svg
    if not sets:
        datasets.folder(data, next(iter(PROTOCOLS)))  # says what is missing
    return "\n".join(_page(sets, absent, n_resamples)) + "\n", drawn


def _evaluate_one(
    name: str, data: Path | None, note: Callable[[str], None], n_resamples: int
) -> tuple[dict[str, Any], str]:
    found: dict[str, Any] = {}
    svg = ""
    with tempfile.TemporaryDirectory(prefix="nearhum-evaluation-") as folder:
        for path in PATHS:
            note(f"{name}, {path} path")
            out = Path(folder) / path
            found[path] = evaluation.evaluate(name, data, path, out, n_resamples=n_resamples if path == "fixed" else 0)
        chosen = _representative(found["fixed"]["sessions"])
        if chosen:
            log = logs.read_log(Path(folder) / "fixed" / chosen["log"])
            svg = picture(traces.trace(log, chosen["name"], chosen["spans"]), f"{name}, {chosen['name']}")
        found["picture"] = chosen and chosen["name"]
    found["ablations"] = []
    for what, settings in ABLATIONS.get(name, ()):
        note(f"{name}, {what}")
        found["ablations"].append((what, settings, evaluation.evaluate(name, data, settings=settings)))
    note(f"{name}, over the serial line")
    found["serial"] = over_serial(name, data)
    return found, svg


def over_serial(name: str, data: Path | None) -> dict[str, Any]:
    """Run a protocol's first session over a virtual board's serial line and directly, and return what differs."""
    session = evaluation.sessions_of(name, datasets.folder(data, name), {})[0]
    direct, there = run_one(session, "fixed", interpreter()), run_over_serial(session)
    protocol = PROTOCOLS[name]
    differing = differences(there, direct)
    if protocol.judge([(session, direct)]).figures != protocol.judge([(session, there)]).figures:
        differing.append("figures")
    return {"session": session.name, "windows": len(there.scores), "differing": differing}


def _representative(sessions: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first session that has something normal and something that is not, None where there is none."""
    for session in sessions:
        if {LABEL_NORMAL, LABEL_ANOMALY} <= {label for *_, label in session["spans"]}:
            return session
    return next((s for s in sessions if any(label == LABEL_ANOMALY for *_, label in s["spans"])), None)


# ---- the page ----------------------------------------------------------------------------------------


def _page(sets: Sequence[dict[str, Any]], absent: Sequence[str], n_resamples: int) -> Iterator[str]:
    versions = sets[0]["fixed"]["versions"]
    yield "# Evaluation\n"
    yield (
        "Written by `make evaluate`: the firmware itself, run under MicroPython over recordings that nobody here\n"
        "made, with the defaults of each kind of signal and no setting of a set's own. In percent. In brackets the\n"
        f"95 % interval of {n_resamples} resamples of the units (files, wearers, rooms); trivial rows are answers\n"
        "that need no board. Floats are those of the interpreter's ulab or, where it has none, of the fallback.\n"
    )
    yield ", ".join(f"{key} {value}" for key, value in versions.items()) + ".\n"
    if absent:
        yield f"No recordings of {', '.join(absent)} here: not run.\n"
    yield "## What must hold\n"
    yield from _table(
        ["set", "figure", "must", "reach", "fixed", "float", "holds"],
        [
            _target_row(one, figure, t)
            for one in sets
            for figure, t in TARGETS.get(one["fixed"]["protocol"], {}).items()
        ],
    )
    for one in sets:
        yield from _section(one)
    yield "## By file\n"
    yield "Fixed path.\n"
    for one in sets:
        yield f"### {one['fixed']['protocol']}: files\n"
        rows = one["fixed"]["files"]
        columns = list(dict.fromkeys(key for row in rows for key in row if not key.endswith("_std")))
        yield from _table(columns, [[_cell(column, row.get(column)) for column in columns] for row in rows])


def _target_row(one: dict[str, Any], figure: str, target: Target) -> list[str]:
    fixed, floating = one["fixed"], one["float"]
    holds = "" if target.must is None else "yes" if target.holds(fixed["figures"].get(figure)) else "**no**"
    return [
        fixed["protocol"], figure, *target.said(), _with_interval(fixed, figure),
        _cell(figure, floating["figures"].get(figure)), holds,
    ]  # fmt: skip


def _section(one: dict[str, Any]) -> Iterator[str]:
    fixed, floating = one["fixed"], one["float"]
    name = fixed["protocol"]
    kind = fixed["settings"]["kind"]
    yield f"## {name}\n"
    yield f"Kind {kind}. The board was told: {fixed['told']}.\n"
    figures = [figure for figure in fixed["figures"] if not figure.endswith("_std")]
    rows = [["fixed", *(_with_interval(fixed, figure) for figure in figures)]]
    rows.append(["float", *(_cell(figure, floating["figures"].get(figure)) for figure in figures)])
    rows += [
        [trivial.replace("_", " "), *(_cell(figure, some.get(figure)) for figure in figures)]
        for trivial, some in fixed["trivial"].items()
    ]
    targets = TARGETS.get(name, {})
    for row, which in (("must", 0), ("reach", 1)):
        rows.append([row, *(targets[figure].said()[which] if figure in targets else "" for figure in figures)])
    yield from _table(["", *figures], rows)
    yield _timing(fixed)
    if one["ablations"]:
        rows = [["as it is", "", *(_cell(figure, fixed["figures"].get(figure)) for figure in figures)]]
        for what, settings, found in one["ablations"]:
            changed = ", ".join(f"`{key} = {value}`" for key, value in settings.items())
            rows.append([what, changed, *(_cell(figure, found["figures"].get(figure)) for figure in figures)])
        yield "Ablations, fixed path:\n"
        yield from _table(["", "settings", *figures], rows)
    serial = one["serial"]
    same = "differ in " + ", ".join(serial["differing"]) if serial["differing"] else "are the same"
    yield (
        f"Over a virtual board's serial line, session {serial['session']}: scores, thresholds, labels, alarms, events\n"
        f"and figures of its {serial['windows']} windows {same}.\n"
    )
    if one["picture"]:
        yield f"![{one['picture']}]({(PICTURES / f'{name}.svg').as_posix()})\n"
    defaults = board_settings.defaults(kind)
    own = {key: value for key, value in fixed["settings"].items() if key in defaults and value != defaults[key]}
    own.pop("board", None)
    said = ", ".join(f"{key} = {value}" for key, value in own.items()) or "none"
    inputs = fixed["inputs"]
    yield (
        f"Settings of the first session beside the defaults of {kind}: {said}.\n"
        f"Interpreters: {fixed['versions']['interpreter']} (fixed), {floating['versions']['interpreter']} (float).\n"
        f"Inputs: {inputs['files']} files, {inputs['bytes']} bytes, sha256 of their sorted sha256sum lines\n"
        f"`{inputs['sha256']}`.\n"
    )


def _timing(found: dict[str, Any]) -> str:
    t = found["timing"]
    units = f"{found['units']} units." if "units" in found else ""
    if t is None:
        return f"{units}\n"
    out = []
    if t["normal_s"]:
        per_day = ""
        if t["normal_s"] >= LEAST_NORMAL_S:
            per_day = f", {t['false_alarms_per_day']:.3g} a day (upper 95 % bound {t['per_day_at_most']:.3g})"
        out.append(f"False alarms begun: {t['false_alarms']} in {duration(t['normal_s'])} of what is normal{per_day}.")
    if t["anomalies"]:
        delay = "" if t["delay_s"] is None else f", the first alarm after {duration(t['delay_s'])} in the median"
        out.append(f"Of {t['anomalies']} stretches that are not, {t['detected']} with an alarm{delay}.")
    return " ".join([*out, units]).strip() + "\n"


def _with_interval(found: dict[str, Any], figure: str) -> str:
    text = _cell(figure, found["figures"].get(figure))
    spread = found["figures"].get(f"{figure}_std")
    if spread is not None:
        text += f" ±{100 * spread:.1f}"
    interval = found.get("intervals", {}).get(figure)
    return text if interval is None else f"{text} [{_cell(figure, interval[0])}, {_cell(figure, interval[1])}]"


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "–"
    if not isinstance(value, float):
        return str(value)
    if "_per_hour" in column:
        return f"{value:.0f}"
    return f"{100 * value:.{2 if column.startswith('auc') else 1}f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""
