"""nearhum selftest: check that a board computes the right results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import DeployedAs, Json, print_json, print_rows, progress


def selftest(
    port: Annotated[
        str | None,
        typer.Argument(
            help="Port of a board, or unix, virtual, emulated. Default: the only board.",
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
    """Run every stage of the pipeline on the board itself and compare with known results.

    The inputs are synthetic. The detector pauses meanwhile. If a stage differs, the command names
    the first one and exits with 1.
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
        verdict = f"all {len(rows)} stages are right"
        if first:
            verdict = (
                f"{first} is the first stage that differs. Deploy again; if it still differs,"
                " report it with this table"
            )
        print(f"\n{verdict}")
    if first:
        raise typer.Exit(1)
