"""nearhum record: record labelled samples of a board for `nearhum train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..amounts import plural
from .terminal import Json, Port, Resume, note, print_json, progress, tell


def record(
    label: Annotated[
        str, typer.Argument(help="What the sensor measures. It becomes the name of a folder.")
    ],
    length: Annotated[str, typer.Argument(help="Duration: 30s, 10m, 1h.")] = "10s",
    into: Annotated[
        Path, typer.Option("--into", help="The data set: a folder with one folder for each label.")
    ] = Path("recorded"),
    form: Annotated[
        str,
        typer.Option(
            "--as", help="nhr (exact, with gaps), npz, csv, parquet, wav, ei-json, ei-cbor."
        ),
    ] = "nhr",
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Record the samples of the board's sensor under a label. The detector keeps running.

    In csv, parquet and ei-* files, samples of an accelerometer are in g, others are counts.
    """
    from ..boards.checking import sensor_units
    from ..extras import needs
    from ..serial_line.link import connect

    with needs("train"):
        from ..recordings import capturing
    capturing.check_label(label)
    seconds = capturing.seconds_of(length)
    with connect(port, resume) as link, progress("recording", "frames") as bar:
        captured = capturing.capture(link, seconds, bar)
    units = sensor_units.units(captured.settings)
    files = capturing.write(into, label, captured, form, units)
    recording = captured.recording
    if captured.ended:
        note("the source ended early")
    if captured.missed:
        note(
            f"{plural(captured.missed, 'frame')} lost before they could be fetched: there are gaps"
        )
    if as_json:
        print_json(
            {
                "files": [str(file) for file in files],
                "n_frames": recording.n_frames,
                "n_segments": len(recording.segments),
                "missed": captured.missed,
                "ended": captured.ended,
                "rate_hz": recording.rate_hz,
            }
        )
    else:
        shown = files[0] if len(files) == 1 else f"{len(files)} files in {files[0].parent}"
        segments = plural(len(recording.segments), "segment")
        tell(f"{shown}: {recording.n_frames / recording.rate_hz:.1f} s in {segments}")
