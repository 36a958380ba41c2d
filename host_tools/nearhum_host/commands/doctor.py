"""nearhum doctor: check that the sensor is wired, mounted and timed correctly."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from .terminal import Json, Port, print_json, progress, tell


def doctor(
    port: Port = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=20, help="Seconds to measure the sensor.")
    ] = 3.0,
    as_json: Json = False,
) -> None:
    """Check the board and its sensor: chip, gravity, axes, noise, true rate, overruns, memory.

    If the sensor does not answer, the output lists the other devices on the bus. The detector
    pauses during the check. Paste the output into a bug report. The exit code is 1 if something is
    wrong.
    """
    from ..boards import sensor_check
    from ..boards.findings import FAIL

    with progress("measuring the sensor"):
        found = sensor_check.examine(port, seconds)
    told = sensor_check.verdicts(found)
    if as_json:
        print_json({**found, "verdicts": [asdict(verdict) for verdict in told]})
    else:
        for name, value in sensor_check.facts(found).items():
            tell(f"{name:12} {value}")
        print()
        for verdict in told:
            tell(f"{verdict.state:6} {verdict.what:9} {verdict.found}")
            if verdict.remedy:
                tell(f"{'':16} -> {verdict.remedy}")
    if any(verdict.state == FAIL for verdict in told):
        raise typer.Exit(1)
