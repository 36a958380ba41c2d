"""nearhum package: an index of static files, from which `mpremote mip install` puts the
application on a board.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, print_json


def package(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder of the index; others in it stay.")
    ],
    board: Annotated[
        list[str] | None,
        typer.Option(
            "--board",
            "-b",
            help="A board's name or .toml file; again for more. Default: all that there are.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an index for mip, one package a board: native code is bound to a chip, settings to a
    board.

    Serve the folder with any web server, then `mpremote mip install --target / --index URL
    nearhum-BOARD`.
    """
    from ..boards import board_files, mip_index
    from ..boards.application import application

    chosen = [board_files.load(one) for one in board or board_files.names()]
    made = {
        mip_index.name_of(one): str(mip_index.add(output, one, application(one))) for one in chosen
    }
    if as_json:
        print_json({"packages": made})
        return
    for name, path in made.items():
        print(f"{name}: {path}")
    print(
        f"next: serve {output}, then mpremote mip install --target / --index URL {next(iter(made))}"
    )
