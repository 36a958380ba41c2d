"""nearhum deploy: put the application on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import Json, Port, note, print_json, progress, tell


def deploy(
    board: Annotated[
        str, typer.Option("--board", "-b", help="A board's name (`nearhum boards`) or your own .toml file.")
    ],
    prior: Annotated[
        Path | None,
        typer.Option(
            help="A backup (.nhs) of a board with the same settings: what this one starts from; prior_weight says how "
            "many windows it counts as.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="The modules too that its settings never load: for tests and benchmarks."),
    ] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Copy what changed of the application to a board that runs MicroPython, and start the detector.

    What the board has learned and logged stays.
    """
    from .. import boards, deployment, learned
    from ..application import application
    from ..link import connect

    image = learned.load(prior) if prior else None
    files = application(boards.load(board), {"prior": learned.PRIOR.lstrip("/")} if image else None, everything)
    if image:
        files[learned.PRIOR] = image
    with connect(port) as link:
        with progress("deploying", "bytes") as bar:
            done = deployment.deploy(link, files, bar)
        if image:
            learned.check_prior(link, image)
    if as_json:
        print_json(vars(done))
        return
    for path in done.removed:
        note(f"removed {path}")
    tell(
        f"{len(done.copied)} files copied ({done.n_bytes} bytes), {len(done.unchanged)} unchanged, "
        f"{len(done.removed)} removed, in {done.seconds:.1f} s; "
        f"nearhum {done.start.get('version')} runs on {done.start.get('board')}"
    )
