"""nearhum deploy: put the application on a board."""

from __future__ import annotations

import json
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
    head: Annotated[
        Path | None,
        typer.Option(
            help="A head file (`nearhum train`): what the board embeds with. Name it at every deploy; what is learned "
            "with one head means nothing to another.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="A key (`nearhum key`), or its file: the board takes no state, head or prior not signed with it.",
            show_default=False,
        ),
    ] = None,
    no_key: Annotated[bool, typer.Option("--no-key", help="Take the board's key off it.")] = False,
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
    from .. import boards, deployment, head_file, keys, learned
    from ..application import CONFIG_PATH, application
    from ..errors import UsageError
    from ..link import connect

    if key and no_key:
        raise UsageError("--key and --no-key", "one or the other")
    secret = keys.load(key) if key else None
    image = keys.signed_for(learned.load(prior), secret, str(prior)) if prior else None
    there, given = boards.load(board), {"prior": learned.PRIOR.lstrip("/")} if image else {}
    if head:
        given["head"] = head_file.ON_BOARD.lstrip("/")
    files = application(there, given, everything, secret)
    if image:
        files[learned.PRIOR] = image
    if head:
        files[head_file.ON_BOARD] = head_file.for_board(head, json.loads(files[CONFIG_PATH]), secret)
    with connect(port) as link:
        with progress("deploying", "bytes") as bar:
            done = deployment.deploy(link, files, bar, no_key)
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
