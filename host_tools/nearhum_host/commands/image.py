"""nearhum image: make one file of MicroPython, the application and the board's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import HostError, UsageError
from .terminal import Json, note, print_json, progress

if TYPE_CHECKING:
    from ..boards.board_files import Board

FirmwareOption = Annotated[
    str,
    typer.Option(
        "--firmware",
        "-f",
        help="MicroPython: stock or ulab (downloaded once), or the path of a file.",
    ),
]


def image(
    board: Annotated[
        str,
        typer.Option(
            "--board", "-b", help="A board's name (`nearhum boards`) or your own .toml file."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The file to write, .uf2 or .bin as the board takes."),
    ],
    firmware: FirmwareOption = "stock",
    as_json: Json = False,
) -> None:
    """Make one file of MicroPython, the application and the settings, to drag onto a board.

    The file replaces the board's file system, and with it what the board has learned and logged.
    """
    from ..boards import board_files
    from ..boards.application import application
    from ..boards.deployment import with_manifest
    from ..flashing import firmware_files
    from ..flashing.image import build

    there = board_files.load(board)
    files = with_manifest(application(there))
    with progress("downloading", "bytes") as bar:
        stock = firmware_files.find(there, firmware, bar)
    made = build(there, stock.path, files)
    if output.suffix != made.suffix:
        raise UsageError(
            f"{output}: {there.title} takes a {made.suffix} file",
            f"-o {output.with_suffix(made.suffix)}",
        )
    try:
        output.write_bytes(made.contents)
    except OSError as error:
        raise HostError(
            f"cannot write {output}: {error.strerror}", "give -o another place"
        ) from None
    next_step = how_to(output, there)
    if as_json:
        found = {"file": str(output), "n_bytes": len(made.contents), "n_files": made.n_files}
        print_json(
            {**found, "firmware": stock.came_from, "verified": stock.verified, "next": next_step}
        )
        return
    if not stock.verified:
        note(f"no checksum is known for {stock.came_from}. It is complete and for this chip.")
    print(
        f"{output}: {len(made.contents)} bytes, {made.n_files} files; the file system was read back"
        " and compared"
    )
    print(f"next: {next_step}")


def how_to(output: Path, board: Board) -> str:
    """Return one sentence that says how to put such a file on its board."""
    from ..flashing.chips import CHIPS, UF2

    if board.flash.method == UF2:
        volume = CHIPS[board.chip].volume_id
        return f"hold BOOTSEL, plug the board in, copy {output.name} onto the drive {volume}"
    at = board.flash.image_offset_bytes
    return (
        f"nearhum flash --board {board.name} --firmware {output}, or esptool write-flash 0x{at:X}"
        f" {output.name}"
    )
