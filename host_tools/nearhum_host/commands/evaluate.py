"""nearhum evaluate: the firmware's figures on recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import HostError, UsageError
from .terminal import DayFirst, Json, note, print_json, print_rows, progress


def evaluate(
    protocol: Annotated[
        str | None,
        typer.Argument(
            help=(
                "A folder of labelled recordings of your own, or one recording (pump.nhr, with "
                "--set kind=KIND); or one of skab, nab, femto, adi_motor, fan, csi, rssi, watch, "
                "fsdd, wakeword, atlas; all with --write."
            ),
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Folder of the recordings; without it NEARHUM_DATA.", show_default=False
        ),
    ] = None,
    path: Annotated[
        str, typer.Option("--path", help="Numeric path of the firmware: fixed or float.")
    ] = "fixed",
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE: a setting of every session, for an ablation."),
    ] = None,
    resamples: Annotated[
        int,
        typer.Option(
            "--resamples",
            min=0,
            max=10000,
            help="Of the bootstrap that gives 95 % intervals; 0: none.",
        ),
    ] = 0,
    detector: Annotated[
        Path | None,
        typer.Option(
            "--detector",
            help="A file of Python with a class that has learn_one and score_one: runs on what the"
            " firmware computes of each window, beside it.",
            show_default=False,
        ),
    ] = None,
    no_peers: Annotated[
        bool, typer.Option("--no-peers", help="The firmware alone, and what needs no board.")
    ] = False,
    over_serial: Annotated[
        bool,
        typer.Option(
            "--over-serial",
            help="Run a session over a virtual board's serial line too, and compare.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="New run folder: the journals and run.json, for `report`.",
            show_default=False,
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write", help="Folder for EVALUATION.md and its pictures: all protocols, both paths."
        ),
    ] = None,
    names: Annotated[
        str, typer.Option("--names", help="Of own recordings: where {label} and {group} stand.")
    ] = "{label}/*",
    label_column: Annotated[
        str | None, typer.Option("--label-column", help="Column of the label, in tables.")
    ] = None,
    group_column: Annotated[
        str | None, typer.Option("--group-column", help="Column of the machine, in tables.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Columns of samples, with commas.")
    ] = None,
    day_first: DayFirst = None,
    normal: Annotated[
        str | None, typer.Option("--normal", help="The label that is normal; normal, healthy, ok …")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Kind of signal; guessed.")] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Samples a second, where files do not say it.")
    ] = None,
    scale: Annotated[
        str | None, typer.Option("--scale", help="Counts per unit, one or one a column; guessed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the firmware over recordings, on this machine, and print how well it did.

    Percentages; the rows below the firmware's are what answers without any board would have got,
    and what a user would take instead, on the same windows.
    """
    from ..boards.checking.configuration import setting
    from ..extras import needs

    with needs("eval"):
        from ..evaluation import all_protocols, assessment, one_recording
        from ..evaluation.peers import own as own_detector
    if write is not None:
        _write(write, data, [protocol] if protocol else [], resamples)
        return
    if protocol is None:
        raise UsageError(
            "no protocol was named",
            hint="`nearhum evaluate PROTOCOL`, or --write FOLDER for all of them",
        )
    settings = dict(setting(text) for text in changed or [])
    own = {}
    if detector is not None:
        name, cls = own_detector.load(detector)
        own[name] = lambda: own_detector.Own(cls)
    if Path(protocol).is_dir() and protocol not in assessment.PROTOCOLS:
        from ..evaluation import own_recordings
        from ..recordings.counts import scales
        from ..recordings.tables.meaning import Named

        named = Named(
            columns.split(",") if columns else None, label_column, group_column, day_first
        )
        with progress(f"evaluating {protocol}", "sessions") as bar:
            found = own_recordings.evaluate(
                Path(protocol),
                names,
                named,
                normal,
                kind,
                rate,
                scales(scale),
                settings,
                path,
                out,
                bar,
                own,
                not no_peers,
                note,
            )
        if out is not None:
            note(f"wrote {out}: `nearhum report {out}` draws it")
        print_json(found) if as_json else print_result(found)
        return
    if protocol.endswith(".nhr"):
        found = one_recording.evaluate(Path(protocol), settings, path, own, not no_peers)
    else:
        with progress(f"evaluating {protocol}", "sessions") as bar:
            found = assessment.evaluate(
                protocol,
                data,
                path,
                out,
                bar,
                settings=settings,
                n_resamples=resamples,
                peers=not no_peers,
                own=own,
            )
    if over_serial:
        found["serial"] = all_protocols.over_serial(protocol, data)
    if out is not None:
        note(f"wrote {out}: `nearhum report {out}` draws it")
    if as_json:
        print_json(found)
    else:
        print_result(found)
    if over_serial and found["serial"]["differing"]:
        raise HostError(f"over the serial line differ: {', '.join(found['serial']['differing'])}")


def _write(folder: Path, data: Path | None, names: list[str], resamples: int) -> None:
    from ..evaluation import all_protocols, results_page
    from ..evaluation.confidence import N_RESAMPLES

    page, pictures = all_protocols.evaluate_all(data, note, resamples or N_RESAMPLES, names)
    try:
        (folder / results_page.PICTURES).mkdir(parents=True, exist_ok=True)
        for name, svg in pictures.items():
            (folder / results_page.PICTURES / name).write_text(svg, encoding="utf-8")
        (folder / results_page.PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise HostError(
            f"cannot write {folder}: {error.strerror}", "name another folder with --write"
        ) from None
    note(f"wrote {folder / results_page.PAGE}")


def print_result(found: dict[str, Any]) -> None:
    """Print the figures as tables in percent: the firmware and the trivial answers, then every
    file.
    """
    rows = [{"": "firmware", **found["figures"]}]
    for name, index in (("95 % from", 0), ("to", 1)):
        if found.get("intervals"):
            rows.append(
                {
                    "": name,
                    **{figure: interval[index] for figure, interval in found["intervals"].items()},
                }
            )
    rows += [{"": name.replace("_", " "), **some} for name, some in found["trivial"].items()]
    rows += [{"": name, **some} for name, some in found.get("peers", {}).items()]
    print(f"{found['protocol']}, {found['path']} path; told: {found['told']}\n")
    print_rows([_percent(row) for row in rows])
    print()
    print_rows([_percent(row) for row in found["files"]])
    versions = ", ".join(f"{name} {value}" for name, value in found["versions"].items())
    rows += found["files"]
    per_hour = any("_per_hour" in name for row in rows for name in row)
    print(f"\nin percent{', but for what is per hour' if per_hour else ''}; {versions}")
    if "serial" in found:
        serial = found["serial"]
        same = ", ".join(serial["differing"]) or "nothing"
        print(
            f"over the serial line, {serial['session']}, {serial['windows']} windows: {same}"
            " differs"
        )


def _percent(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with fractions as percent, counts per hour as they are, and each "x_std"
    joined to its "x".
    """
    out = {}
    for name, value in row.items():
        if name.endswith("_std"):
            continue
        text = value
        if isinstance(value, float):
            text = f"{value:.1f}" if "_per_hour" in name else f"{100 * value:.1f}"
        spread = row.get(f"{name}_std")
        out[name] = text if spread is None else f"{text} ±{100 * spread:.1f}"
    return out
