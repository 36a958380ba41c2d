"""nearhum package: make an index of static files for `mpremote mip install`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, print_json


def package(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The folder of the index. Packages of other boards in it are kept.",
        ),
    ],
    board: Annotated[
        list[str] | None,
        typer.Option(
            "--board",
            "-b",
            help="A board's name or .toml file. Repeat it for several. Default: all boards.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an index for mip, with one package for each board.

    Packages differ by board because of its settings and its chip's native code. Serve the folder
    with any web server, then `mpremote mip install --target / --index URL
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
