"""nearhum selftest: does this board compute what it should?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import DeployedAs, Json, print_json, print_rows, progress


def selftest(
    port: Annotated[
        str | None,
        typer.Argument(
            help="Port of a board, or unix, virtual, emulated; found where none is given.",
            show_default=False,
        ),
    ] = None,
    uf2: Annotated[
        Path | None,
        typer.Option(
            "--uf2", help="Firmware image that an emulated RP2040 boots.", show_default=False
        ),
    ] = None,
    board: DeployedAs = None,
    as_json: Json = False,
) -> None:
    """Run every stage of the pipeline on the board itself, on made inputs, and compare with known
    results.

    The detector pauses meanwhile. Ends with 1 and the first stage that differs where one does.
    """
    from ..boards import board_files
    from ..boards import stage_check as testing

    there = board_files.load(board) if board else None
    with progress("testing"):
        found = testing.selftest(port, uf2, there)
    first = found["first"]
    if as_json:
        print_json(found)
    else:
        rows = [
            {**stage, "": "ok" if stage["found"] == stage["wanted"] else "DIFFERS"}
            for stage in found["stages"]
        ]
        print_rows(rows)
        verdict = f"all {len(rows)} stages compute what they should"
        if first:
            verdict = (
                f"{first} is the first stage that differs: deploy again; if it stays, report it"
                " with this table"
            )
        print(f"\n{verdict}")
    if first:
        raise typer.Exit(1)
