"""nearhum backup: save what a board has learned to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, Port, Resume, print_json, tell


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="File to write. Default: BOARD-DATE-TIME.nhs in this folder.", show_default=False
        ),
    ] = None,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Save what the board has learned. The detector keeps running."""
    from ..boards import state_image
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        board = str(link.ask("status").get("board"))
        image = state_image.fetch(link)
    file = file or state_image.dated_name(board)
    state_image.save(file, image)
    if as_json:
        print_json({"file": str(file), "n_bytes": len(image), "board": board})
    else:
        tell(f"{file}: {len(image)} bytes")
