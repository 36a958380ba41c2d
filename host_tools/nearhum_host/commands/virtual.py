"""nearhum virtual: a virtual board in the foreground, until Ctrl-C or SIGTERM."""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError


def virtual(
    model: Annotated[str, typer.Option(help="The board it stands in for: rp2040 or esp32.")] = "rp2040",
    image: Annotated[
        Path | None,
        typer.Option(help="Flash image that keeps its files; made when absent. Default: forget them."),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Recording the board plays back as its sensor, at /sd/replay.nhr.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(min=0, help="Play back so many times as fast as it was recorded; 0: as fast as it computes."),
    ] = 1,
    rate: Annotated[float | None, typer.Option(help="Rate of a .csv, .npy or .npz recording, Hz.")] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of a .csv, by name or number: x,y,z.")] = None,
    scale: Annotated[float | None, typer.Option(help="Counts per unit, where samples are not whole numbers.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="The same as --speed 0.")] = False,
    sensor: Annotated[
        list[str] | None,
        typer.Option(
            help="A sensor on its bus, register by register: mpu6050, lis3dh@0x19, adxl345@spi; again for more."
        ),
    ] = None,
    link: Annotated[Path | None, typer.Option(help="Keep a link of this name pointing to the port.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Run a virtual board: real MicroPython on a serial port of this machine, until Ctrl-C."""
    from ..virtual import VirtualBoard

    # Blocked before any thread starts, so that sigwait below is the one that gets them.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with tempfile.TemporaryDirectory(prefix="nearhum-sd-") as sd:
        if replay:
            _insert_card(replay, 0 if fast else speed, Path(sd), rate, columns, scale)
        with VirtualBoard(model, image, sd=Path(sd) if replay else None, link=link, sensors=sensor or ()) as board:
            port = str(link) if link else board.path
            if as_json:
                described = {
                    "port": port,
                    "model": model,
                    "image": str(image) if image else None,
                    "pid": os.getpid(),
                }
                print(json.dumps(described), flush=True)
            else:
                print(port, flush=True)
                print(f"next: nearhum deploy --board virtual --port {port}", flush=True)
            print("Ctrl-C switches the board off", file=sys.stderr, flush=True)
            signal.sigwait(signals)


def _insert_card(
    recording: Path, speed: float, sd: Path, rate: float | None, columns: str | None, scale: float | None
) -> None:
    if not recording.is_file():
        raise UsageError(f"there is no recording {recording}")
    inserted = sd / "replay.nhr"
    if recording.suffix == ".nhr":
        inserted.symlink_to(recording.resolve())  # the card shows it; nothing is copied
    else:
        from .. import recordings  # reads other formats; needs NumPy, which a bare .nhr does not

        made = recordings.to_nhr(
            recording, inserted, rate_hz=rate, columns=columns.split(",") if columns else None, scale=scale
        )
        print(
            f"{recording}: {made.recording.n_channels} channels at {made.recording.rate_hz:g} Hz, "
            f"{made.recording.n_frames} frames; deploy a board file with n_channels and rate_hz as these",
            *made.notes,
            sep="\n",
            file=sys.stderr,
            flush=True,
        )
    (sd / "replay.json").write_text(json.dumps({"speed": speed}))
