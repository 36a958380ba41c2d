"""nearhum bench: measure the cost of each stage, on this machine or on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .terminal import DeployedAs, Json, print_json, print_rows, progress, tell


def bench(
    target: Annotated[
        str,
        typer.Option(
            "--target",
            help="unix, virtual, emulated (an RP2040, cycle by cycle), or a board's port.",
        ),
    ] = "unix",
    uf2: Annotated[
        Path | None,
        typer.Option(
            "--uf2",
            help="Firmware image for the emulated RP2040. Default: NEARHUM_UF2.",
            show_default=False,
        ),
    ] = None,
    board: DeployedAs = None,
    growth: Annotated[
        bool,
        typer.Option(
            "--growth", help="Also measure longer windows, more bands, dimensions and prototypes."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Time the stages of the firmware, and the same work in ulab and in plain bytecode.

    Figures are microseconds of one call: the median of five, less the time of an empty call. On a
    chip, interrupts are off.
    """
    from ..boards import board_files
    from ..evaluation import stage_costs as measuring

    there = board_files.load(board) if board else None
    with progress(f"timing on {target}", "runs") as bar:
        found = measuring.bench(target, uf2, growth, bar, there)
    if as_json:
        print_json(found)
        return
    versions = ", ".join(f"{name} {value or 'none'}" for name, value in found["versions"].items())
    clock = f"{found['clock_hz'] / 1e6:.0f} MHz" if found["clock_hz"] else "clock not known"
    tell(f"{found['target']}, {clock}; {versions}\n")
    print_rows([_row(stage) for stage in found["stages"]])
    for stage in found["stages"]:
        if stage["name"].startswith("audio_512") and found["clock_hz"]:
            spare = 100 * (1 - stage["us"] / measuring.AUDIO_HOP_US)
            tell(
                f"\n{stage['name']}: {spare:.1f} % of the time between two windows (16 ms) is left"
            )


def _row(stage: dict[str, Any]) -> dict[str, Any]:
    out = {key: stage[key] for key in ("name", "us", "cycles", "bytes")}
    for rival in ("ulab", "bytecode"):
        rival_us = stage[f"{rival}_us"]
        out[rival] = (
            f"{rival_us:.0f} us, x{rival_us / stage['us']:.1f}"
            if rival_us and stage["us"]
            else None
        )
    return out
