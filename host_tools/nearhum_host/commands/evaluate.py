"""nearhum evaluate: the firmware's figures on recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import HostError, UsageError
from ..terminal import Json, note, print_json, print_rows, progress


def evaluate(
    protocol: Annotated[
        str | None,
        typer.Argument(help="skab, adi_motor, femto, fan, watch, csi or rssi; all with --write.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of the recordings; without it NEARHUM_DATA.", show_default=False),
    ] = None,
    path: Annotated[str, typer.Option("--path", help="Numeric path of the firmware: fixed or float.")] = "fixed",
    changed: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of every session, for an ablation.")
    ] = None,
    resamples: Annotated[
        int, typer.Option("--resamples", min=0, max=10000, help="Of the bootstrap that gives 95 % intervals; 0: none.")
    ] = 0,
    over_serial: Annotated[
        bool, typer.Option("--over-serial", help="Run a session over a virtual board's serial line too, and compare.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="New run folder: the journals and run.json, for `report`.", show_default=False),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Folder for EVALUATION.md and its pictures: all protocols, both paths."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the firmware over recordings, on this machine, and print how well it did.

    Percentages; the rows below the firmware's are what answers without any board would have got.
    """
    from ..extras import needs

    with needs("eval"):
        from .. import evaluation, evaluation_page
    if write is not None:
        _write(write, data, [protocol] if protocol else [], resamples)
        return
    if protocol is None:
        raise UsageError("no protocol was named", hint="`nearhum evaluate PROTOCOL`, or --write FOLDER for all of them")
    settings = dict(evaluation.setting(text) for text in changed or [])
    with progress(f"evaluating {protocol}", "sessions") as bar:
        found = evaluation.evaluate(protocol, data, path, out, bar, settings=settings, n_resamples=resamples)
    if over_serial:
        found["serial"] = evaluation_page.over_serial(protocol, data)
    if out is not None:
        note(f"wrote {out}: `nearhum report {out}` draws it")
    if as_json:
        print_json(found)
    else:
        print_result(found)
    if over_serial and found["serial"]["differing"]:
        raise HostError(f"over the serial line differ: {', '.join(found['serial']['differing'])}")


def _write(folder: Path, data: Path | None, names: list[str], resamples: int) -> None:
    from .. import evaluation_page

    page, pictures = evaluation_page.evaluate_all(data, note, resamples or evaluation_page.N_RESAMPLES, names)
    try:
        (folder / evaluation_page.PICTURES).mkdir(parents=True, exist_ok=True)
        for name, svg in pictures.items():
            (folder / evaluation_page.PICTURES / name).write_text(svg, encoding="utf-8")
        (folder / evaluation_page.PAGE).write_text(page, encoding="utf-8")
    except OSError as error:
        raise HostError(f"cannot write {folder}: {error.strerror}", "name another folder with --write") from None
    note(f"wrote {folder / evaluation_page.PAGE}")


def print_result(found: dict[str, Any]) -> None:
    """Print the figures as tables in percent: the firmware and the trivial answers, then every file."""
    rows = [{"": "firmware", **found["figures"]}]
    for name, index in (("95 % from", 0), ("to", 1)):
        if found.get("intervals"):
            rows.append({"": name, **{figure: interval[index] for figure, interval in found["intervals"].items()}})
    rows += [{"": name.replace("_", " "), **some} for name, some in found["trivial"].items()]
    print(f"{found['protocol']}, {found['path']} path; told: {found['told']}\n")
    print_rows([_percent(row) for row in rows])
    print()
    print_rows([_percent(row) for row in found["files"]])
    print("\nin percent; " + ", ".join(f"{name} {value}" for name, value in found["versions"].items()))
    if "serial" in found:
        serial = found["serial"]
        same = ", ".join(serial["differing"]) or "nothing"
        print(f"over the serial line, {serial['session']}, {serial['windows']} windows: {same} differs")


def _percent(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with fractions as percent, and each "x_std" joined to its "x"."""
    out = {}
    for name, value in row.items():
        if name.endswith("_std"):
            continue
        text = f"{100 * value:.1f}" if isinstance(value, float) else value
        spread = row.get(f"{name}_std")
        out[name] = text if spread is None else f"{text} ±{100 * spread:.1f}"
    return out
