"""nearhum restore: put a backup on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, Port, Resume, note, print_json, tell


def restore(
    file: Annotated[Path, typer.Argument(help="A backup (.nhs).")],
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Replace what the board has learned by a backup.

    What it had learned before is saved first, in the folder of the backup.
    """
    from ..boards import keys, state_image
    from ..serial_line.link import connect

    image = state_image.load(file)
    with connect(port, resume) as link:
        before = state_image.fetch(link)
        state_image.check_fits(image, before)
        image = keys.as_taken(image, before, str(file))
        board = str(link.ask("status").get("board"))
        kept = file.parent / state_image.dated_name(f"{board}-before-restore")
        state_image.save(kept, before)
        note(f"saved what the board had learned before in {kept}")
        state_image.give(link, image, f"`nearhum restore {kept}` restores the previous state")
    if as_json:
        print_json({"restored": str(file), "n_bytes": len(image), "before": str(kept)})
    else:
        tell(f"restored {len(image)} bytes from {file}")
