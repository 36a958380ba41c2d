"""nearhum evaluate: the firmware's figures on recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..terminal import Json, note, print_json, print_rows, progress


def evaluate(
    protocol: Annotated[
        str, typer.Argument(help="skab, adi_motor, femto, fsdd, wakeword or watch.", show_default=False)
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of the recordings; without it NEARHUM_DATA.", show_default=False),
    ] = None,
    path: Annotated[str, typer.Option("--path", help="Numeric path of the firmware: fixed or float.")] = "fixed",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="New run folder: the journals and run.json, for `report`.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the firmware over recordings, on this machine, and print how well it did.

    Percentages; the rows below the firmware's are what answers without any board would have got.
    """
    from ..extras import needs

    with needs("eval"):
        from .. import evaluation
    with progress(f"evaluating {protocol}", "sessions") as bar:
        found = evaluation.evaluate(protocol, data, path, out, bar)
    if out is not None:
        note(f"wrote {out}: `nearhum report {out}` draws it")
    if as_json:
        print_json(found)
    else:
        print_result(found)


def print_result(found: dict[str, Any]) -> None:
    """Print the figures as tables in percent: the firmware and the trivial answers, then every file."""
    rows = [{"": "firmware", **found["figures"]}]
    rows += [{"": name.replace("_", " "), **some} for name, some in found["trivial"].items()]
    print(f"{found['protocol']}, {found['path']} path; told: {found['told']}\n")
    print_rows([_percent(row) for row in rows])
    print()
    print_rows([_percent(row) for row in found["files"]])
    print(
        "\nin percent, but for what is per hour; "
        + ", ".join(f"{name} {value}" for name, value in found["versions"].items())
    )


def _percent(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with fractions as percent, counts per hour as they are, and each "x_std" joined to its "x"."""
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
