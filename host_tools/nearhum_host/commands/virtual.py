"""nearhum virtual: a virtual board in the foreground, until Ctrl-C or SIGTERM."""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from ..errors import UsageError
from .terminal import DayFirst, note


def virtual(
    chip: Annotated[
        str, typer.Option(help="The chip it stands in for: esp32, esp32c3, rp2040 or rp2350.")
    ] = "rp2040",
    image: Annotated[
        Path | None,
        typer.Option(
            help="Flash image that keeps its files; made when absent. Default: forget them."
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(help="Recording the board plays back as its sensor, at /sd/replay.nhr."),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0,
            help="Play back so many times as fast as it was recorded; 0: as fast as it computes.",
        ),
    ] = 1,
    rate: Annotated[
        float | None, typer.Option(help="Samples a second, where the recording does not say it.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of samples, by name or number: x,y,z.")
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(help="Counts per unit, one or one a column; guessed.", show_default=False),
    ] = None,
    day_first: DayFirst = None,
    board_file: Annotated[
        Path | None,
        typer.Option(
            help="Where the board file that fits goes; by the recording's name.", show_default=False
        ),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="The same as --speed 0.")] = False,
    sensor: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "A sensor on its bus, register by register: mpu6050, lis3dh@0x19, adxl345@spi;"
                " again for more."
            )
        ),
    ] = None,
    link: Annotated[
        Path | None, typer.Option(help="Keep a link of this name pointing to the port.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(hidden=True, help="What --chip was called before.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False,
) -> None:
    """Run a virtual board: real MicroPython on a serial port of this machine, until Ctrl-C."""
    from ..virtual import VirtualBoard

    # Blocked before any thread starts, so that sigwait below is the one that gets them.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with tempfile.TemporaryDirectory(prefix="nearhum-sd-") as sd:
        deployed_as = "virtual"
        if replay:
            chosen = columns.split(",") if columns else None, day_first
            deployed_as = _insert_card(
                replay, 0 if fast else speed, Path(sd), rate, chosen, scale, board_file
            )
        with VirtualBoard(
            model or chip, image, sd=Path(sd) if replay else None, link=link, sensors=sensor or ()
        ) as board:
            port = str(link) if link else board.path
            if as_json:
                described = {
                    "port": port,
                    "chip": model or chip,
                    "image": str(image) if image else None,
                    "pid": os.getpid(),
                    "board": deployed_as,
                }
                print(json.dumps(described), flush=True)
            else:
                print(port, flush=True)
                print(
                    f"next: nearhum deploy --board {quote(deployed_as)} --port {quote(port)}",
                    flush=True,
                )
            print("Ctrl-C switches the board off", file=sys.stderr, flush=True)
            signal.sigwait(signals)


def _insert_card(
    recording: Path,
    speed: float,
    sd: Path,
    rate: float | None,
    chosen: tuple[list[str] | None, bool | None],
    scale: str | None,
    board_file: Path | None,
) -> str:
    """Put a recording on the card, and write the board file that fits; returns how to name that.

    chosen: the columns of samples, and whether the day is first in dates as 01/02/2026.
    """
    if not recording.exists():
        raise UsageError(f"there is no recording {recording}")
    inserted = sd / "replay.nhr"
    (sd / "replay.json").write_text(json.dumps({"speed": speed}), encoding="utf-8")
    if recording.suffix == ".nhr" and board_file is None:
        inserted.symlink_to(recording.resolve())  # the card shows it; nothing is copied
        return "virtual"
    from ..extras import needs

    with needs("eval"):  # readers of other formats need NumPy, which a bare .nhr does not
        from ..boards import fitted_file
        from ..evaluation.scored_files import refuse_labels
        from ..recordings import converting, fitting, nhr
        from ..recordings.counts import scales
        from ..recordings.reader import read_all
        from ..recordings.tables.meaning import Named
    refuse_labels(recording, "virtual --replay")
    written = board_file or Path(fitted_file.file_name(recording.stem))
    fitted_file.check_place(written)
    named = Named(chosen[0], day_first=chosen[1])
    readings = read_all([recording], named, rate)
    fit = fitting.fit(readings, scale=scales(scale))
    made, n_clipped = converting.recorded(readings, fit.scale)
    nhr.write_nhr(made, inserted)
    if recording.suffix == ".nhr":  # with its cues
        inserted.unlink()
        inserted.symlink_to(recording.resolve())
    for text in [*(reading.taken for reading in readings), *fit.why]:
        note(text)
    if n_clipped:
        note(converting.clipped(n_clipped, made))
    try:
        fitted_file.write(
            written,
            fit,
            "virtual",
            f"Virtual board, {recording.name}",
            [f"Fits {recording.name}."],
            fitted_file.channel_names(readings[0].names),
        )
    except OSError as error:
        raise UsageError(f"cannot write {written}: {error.strerror}", "--board-file") from None
    note(f"wrote {written}, a board file that fits")
    return written.as_posix()
