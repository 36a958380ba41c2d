"""nearhum sample: write a recording to try the tools with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import note, tell


def sample(
    file: Annotated[Path, typer.Argument(help="The csv to write.")] = Path("pump.csv"),
) -> None:
    """Write a sample recording: the accelerometer of a pump whose bearing rings after 45 s."""
    from ..recordings import sample

    n = sample.write_sample(file)
    tell(f"{file}: {n} rows, x, y and z in g at {sample.RATE_HZ} Hz, with a label")
    note(f"next: nearhum score {file}")
