"""nearhum sample: write a recording to try the tools with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import note, tell


def sample(
    file: Annotated[Path, typer.Argument(help="The csv to write.")] = Path("pump.csv"),
) -> None:
    """Write a sample recording: the accelerometer of a pump whose bearing rings after 300 s."""
    from ..recordings import sample

    n = sample.write_sample(file)
    about = f"x, y and z in g at {sample.RATE_HZ} Hz, with a label"
    tell(f"{file}: {n} rows, {about}; a bearing rings from {sample.FAULT_S} s on")
    note(f"next: nearhum score {file}")
