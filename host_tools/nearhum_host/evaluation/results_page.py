"""The page of the evaluation, as Markdown.

Enters: the results of all_protocols, one dict for each protocol. Leaves: the lines of
    EVALUATION.md. The first part has pooled figures, targets, trivial answers, intervals, times and
    ablations, the second part one row for each file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nearhum import settings as board_settings

from ..report.svg import duration
from .benchmarks.bars import TARGETS, Target

PAGE = "EVALUATION.md"
PICTURES = Path("docs") / "evaluation"

LEAST_NORMAL_S = 600  # With less normal signal than this, no rate a day is stated.


def page(sets: Sequence[dict[str, Any]], absent: Sequence[str], n_resamples: int) -> Iterator[str]:
    versions = sets[0]["fixed"]["versions"]
    yield "# Evaluation\n"
    yield (
        "`make evaluate` writes this page. It runs the firmware itself, under MicroPython, on"
        " recordings that nobody\nhere made, with the default settings of each kind of signal."
        " Figures are in percent, except counts. Brackets\nhold the 95 % interval of"
        f" {n_resamples} bootstrap resamples of the units (files, wearers, rooms). Rows such as"
        ' "always\nalarm" and "random" need no board. Rows in italics are peers, other detectors'
        " and classifiers. They saw the\nsame windows and learned from the same period. Their"
        " threshold is the largest score of that period, or the one\nthat was published with them."
        " Some public sets are here only in part: do not compare their figures with those\n"
        "published for a whole set. The float path uses the interpreter's ulab, or the firmware's"
        " own fallback where there\nis none.\n"
    )
    yield ", ".join(f"{key} {value}" for key, value in versions.items()) + ".\n"
    if absent:
        yield f"No recordings of {', '.join(absent)} here: not run.\n"
    yield "## What must hold\n"
    yield (
        "`must` is the bar, and `reach` is the goal. Where the firmware misses the bar, `kept` is"
        " what it reaches today\nand may not fall behind. The best peer is the best on that one"
        " figure, and often poor on the others.\n"
    )
    yield from _table(
        ["set", "figure", "must", "reach", "fixed", "float", "best peer", "holds"],
        [
            _target_row(one, figure, t)
            for one in sets
            for figure, t in TARGETS.get(one["fixed"]["protocol"], {}).items()
        ],
    )
    yield from _missed(sets)
    for one in sets:
        yield from _section(one)
    yield "## By file\n"
    yield "Fixed path.\n"
    for one in sets:
        yield f"### {one['fixed']['protocol']}: files\n"
        rows = one["fixed"]["files"]
        columns = list(
            dict.fromkeys(key for row in rows for key in row if not key.endswith("_std"))
        )
        yield from _table(
            columns, [[_cell(column, row.get(column)) for column in columns] for row in rows]
        )


def _missed(sets: Sequence[dict[str, Any]]) -> Iterator[str]:
    missed = [
        f"- {one['fixed']['protocol']}, {figure}: {target.limit}."
        for one in sets
        for figure, target in TARGETS.get(one["fixed"]["protocol"], {}).items()
        if target.limit and not target.holds(one["fixed"]["figures"].get(figure))
    ]
    if missed:
        yield "What limits the figures that miss their bar; docs/method.md has what was tried:\n"
        yield from missed
        yield ""


def _target_row(one: dict[str, Any], figure: str, target: Target) -> list[str]:
    fixed, floating = one["fixed"], one["float"]
    must, reach, kept = target.said()
    holds = "" if target.must is None else "yes"
    if target.must is not None and not target.holds(fixed["figures"].get(figure)):
        holds = "**no**" + (f", kept {kept}" if kept else "")
    peers = [
        (some[figure], name)
        for name, some in fixed["peers"].items()
        if some.get(figure) is not None
    ]
    best = min(peers) if target.at_most and peers else max(peers, default=None)
    return [
        fixed["protocol"], figure, must, reach, _with_interval(fixed, figure),
        _cell(figure, floating["figures"].get(figure)) if floating else "–",
        f"{_cell(figure, best[0])} ({best[1]})" if best else "–", holds,
    ]  # fmt: skip


def _section(one: dict[str, Any]) -> Iterator[str]:
    fixed, floating = one["fixed"], one["float"]
    name = fixed["protocol"]
    kind = fixed["settings"]["kind"]
    yield f"## {name}\n"
    yield f"Kind: {kind}. The board is given {fixed['told']}.\n"
    figures = [figure for figure in fixed["figures"] if not figure.endswith("_std")]
    rows = [["fixed", *(_with_interval(fixed, figure) for figure in figures)]]
    if floating:
        rows.append(["float", *(_cell(f, floating["figures"].get(f)) for f in figures)])
    rows += [
        [trivial.replace("_", " "), *(_cell(figure, some.get(figure)) for figure in figures)]
        for trivial, some in fixed["trivial"].items()
    ]
    rows += [
        [f"*{peer}*", *(_cell(figure, some.get(figure)) for figure in figures)]
        for peer, some in fixed["peers"].items()
    ]
    targets = TARGETS.get(name, {})
    for row, which in (("must", 0), ("reach", 1)):
        rows.append(
            [
                row,
                *(targets[figure].said()[which] if figure in targets else "" for figure in figures),
            ]
        )
    yield from _table(["", *figures], rows)
    timing = _timing(fixed)
    if timing:
        yield f"{timing}\n"
    if one["ablations"]:
        rows = [
            ["defaults", "", *(_cell(figure, fixed["figures"].get(figure)) for figure in figures)]
        ]
        for what, settings, found in one["ablations"]:
            changed = ", ".join(f"`{key} = {value}`" for key, value in settings.items())
            rows.append(
                [
                    what,
                    changed,
                    *(_cell(figure, found["figures"].get(figure)) for figure in figures),
                ]
            )
        yield "Ablations, fixed path:\n"
        yield from _table(["", "settings", *figures], rows)
    serial = one["serial"]
    if serial:
        differing = serial["differing"]
        same = "differ in " + ", ".join(differing) if differing else "are the same"
        yield (
            f"Over a virtual board's serial line, session {serial['session']}: scores, thresholds,"
            f" labels, alarms, events\nand figures of its {serial['windows']} windows {same}.\n"
        )
    if one["picture"]:
        yield f"![{one['picture']}]({(PICTURES / f'{name}.svg').as_posix()})\n"
    defaults = board_settings.defaults(kind)
    own = {
        key: value
        for key, value in fixed["settings"].items()
        if key in defaults and value != defaults[key]
    }
    own.pop("board", None)
    said = ", ".join(f"{key} = {value}" for key, value in own.items()) or "none"
    inputs = fixed["inputs"]
    interpreters = f"{fixed['versions']['interpreter']} (fixed)"
    if floating:
        interpreters += f", {floating['versions']['interpreter']} (float)"
    yield (
        f"Settings of the first session that differ from the defaults of {kind}: {said}.\n"
        f"Interpreters: {interpreters}.\n"
        f"Inputs: {inputs['files']} files, {inputs['bytes']} bytes, sha256 of their sorted"
        f" sha256sum lines\n`{inputs['sha256']}`.\n"
    )


def _timing(found: dict[str, Any]) -> str:
    t = found["timing"]
    units = f"{found['units']} units." if "units" in found else ""
    if t is None:
        return units
    out = []
    if t["normal_s"]:
        per_day = ""
        if t["normal_s"] >= LEAST_NORMAL_S:
            per_day = (
                f", {t['false_alarms_per_day']:.3g} a day (upper 95 % bound"
                f" {t['per_day_at_most']:.3g})"
            )
        n = t["false_alarms"]
        out.append(
            f"{n} false alarm{'' if n == 1 else 's'} in {duration(t['normal_s'])} of normal"
            f" signal{per_day}."
        )
    if t["anomalies"]:
        delay = (
            ""
            if t["delay_s"] is None
            else f", in the median {duration(t['delay_s'])} after they began"
        )
        out.append(f"{t['detected']} of {t['anomalies']} anomalies raised an alarm{delay}.")
    return " ".join([*out, units]).strip()


def _with_interval(found: dict[str, Any], figure: str) -> str:
    text = _cell(figure, found["figures"].get(figure))
    spread = found["figures"].get(f"{figure}_std")
    if spread is not None:
        text += f" ±{100 * spread:.1f}"
    interval = found.get("intervals", {}).get(figure)
    return (
        text
        if interval is None
        else f"{text} [{_cell(figure, interval[0])}, {_cell(figure, interval[1])}]"
    )


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
