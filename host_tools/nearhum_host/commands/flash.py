"""nearhum flash: put MicroPython and the application on a new board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import DeviceError, HostError
from .deploy import kept_program
from .image import FirmwareOption
from .terminal import Json, note, print_json, progress, tell


def flash(
    board: Annotated[
        str,
        typer.Option(
            "--board", "-b", help="A board's name (`nearhum boards`) or your own .toml file."
        ),
    ],
    firmware: FirmwareOption = "stock",
    port: Annotated[
        str | None,
        typer.Option(
            "--port", "-p", help="Serial port or URL of the board. Default: found by its USB id."
        ),
    ] = None,
    volume: Annotated[
        Path | None,
        typer.Option(
            help=("Drive of an RP2 board in BOOTSEL mode. Default: found in the usual places.")
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the steps without doing them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put MicroPython on a board, deploy the application, and run the self-test.

    Files on the board stay, unless the image contains a file system.
    """
    from ..boards import board_files, deployment, stage_check
    from ..boards.application import application
    from ..boards.checking import configuration
    from ..flashing import firmware_files
    from ..flashing import flash as flashing
    from ..flashing.chips import VIRTUAL
    from ..serial_line.link import Link
    from ..virtual import stand_in

    there = board_files.load(board)
    if there.flash.method == VIRTUAL:
        raise HostError(f"board {there.name} is not flashed", "start it with `nearhum virtual`")
    if dry_run:
        configuration.check(there.config(), there.chip, there.port, there.file)
        firmware_files.look(there, firmware)
        try:
            place = flashing.find(there, port, volume)
        except DeviceError as error:
            note(error.message)
            place = None
        steps = flashing.plan(there, firmware, place)
        if as_json:
            print_json({"steps": steps})
        else:
            print("\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)))
        return
    with progress("downloading", "bytes") as bar:
        image = firmware_files.find(there, firmware, bar)
    if not image.verified:
        note(
            f"no checksum is known for {image.came_from}. It is complete and for this chip. SHA-256"
            f" {image.sha256}"
        )
    files = application(there)
    place = flashing.find(there, port, volume)
    with progress("flashing", "bytes") as bar:
        into = flashing.write(there, image, place, lambda _, done, of: bar(done, of))
    note(f"wrote {image.path.name} to the flash ({into}); waiting for MicroPython")
    serial_port = flashing.await_micropython(there, port)
    with Link(serial_port) as link, progress("deploying", "bytes") as bar:
        done = deployment.deploy(
            link, files, bar, in_place=stand_in.maker(there, application, note)
        )
    if done.kept:
        note(kept_program(done.kept))
    with progress("testing"):
        found = stage_check.selftest(serial_port, board=there)
    if as_json:
        print_json(
            {
                "firmware": image.came_from,
                "into": into,
                "port": serial_port,
                **flashing.summary(done, found),
            }
        )
    else:
        tell(
            f"{len(done.copied)} files copied ({done.n_bytes} bytes), {len(done.unchanged)}"
            f" unchanged; nearhum {done.start.get('version')} runs on {done.start.get('board')},"
            f" port {serial_port}"
        )
        tell("self-test: ok" if found["ok"] else f"self-test: {found['first']} differs")
        tell(f"next: nearhum learn 10m --wait --port {serial_port}")
    if not found["ok"]:
        raise typer.Exit(1)
