"""nearhum deploy: put the application on a board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import Json, Port, note, print_json, progress, tell

if TYPE_CHECKING:
    from ..boards.board_files import Board
    from ..boards.deployment import Deployed


def deploy(
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            "-b",
            help="A board's name (`nearhum boards`) or your own .toml file.",
            show_default=False,
        ),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(
            help=(
                "A backup (.nhs) of a board with the same settings. This board starts from it."
                " The setting prior_weight is the number of windows that it counts as."
            ),
            show_default=False,
        ),
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            help=(
                "A head file (`nearhum train`) for the embedding. Name it at every deploy. With"
                " another head the board has to learn again."
            ),
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=(
                "A key (`nearhum key`), or its file. The board then accepts only states, heads"
                " and priors that are signed with it."
            ),
            show_default=False,
        ),
    ] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help=(
                "KEY=VALUE: a setting that replaces the board file's, with the code that it needs."
                " The next deploy uses the file again: write it there to keep it."
            ),
        ),
    ] = None,
    no_key: Annotated[bool, typer.Option("--no-key", help="Remove the board's key.")] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Also copy modules that the settings never load, for tests and benchmarks.",
        ),
    ] = False,
    undo: Annotated[
        bool,
        typer.Option(
            "--undo",
            help=(
                "Restore the previous application with its settings. Possible for ten minutes"
                " after a deploy."
            ),
        ),
    ] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Copy the application to a board that runs MicroPython, and start the detector.

    Only changed files are copied, beside the running application. The new one starts when it is
    complete: if the power fails at any moment, one of the two starts. What the board has learned
    and logged stays. A virtual board gets code for this machine, and uses its recording or --sensor
    in place of the board's sensor.
    """
    from ..boards import board_files, deployment, head_file, keys, state_image
    from ..boards.application import CONFIG_PATH, application
    from ..boards.checking.configuration import setting
    from ..errors import UsageError
    from ..serial_line.link import connect
    from ..virtual import stand_in

    if undo:
        if board or prior or head or key or no_key or everything or changed:
            raise UsageError(
                "--undo cannot be combined with what to deploy", "leave one of them out"
            )
        with connect(port) as link:
            done = deployment.undo(link)
        _tell(done, as_json)
        return
    if not board:
        raise UsageError("no board is named", "name it with --board; `nearhum boards` lists them")
    if key and no_key:
        raise UsageError("--key and --no-key contradict each other", "leave one of them out")
    secret = keys.load(key) if key else None
    image = keys.signed_for(state_image.load(prior), secret, str(prior)) if prior else None
    there, given = board_files.load(board), dict(setting(text) for text in changed or [])
    if image:
        given["prior"] = state_image.PRIOR.lstrip("/")
    if head:
        given["head"] = head_file.ON_BOARD.lstrip("/")

    def made(board: Board) -> dict[str, bytes]:
        files = application(board, given, everything, secret)
        if image:
            files[state_image.PRIOR] = image
        if head:
            files[head_file.ON_BOARD] = head_file.for_board(
                head, json.loads(files[CONFIG_PATH]), secret
            )
        return files

    files = made(there)  # Reports wrong settings before the board is touched.
    with connect(port) as link:
        with progress("deploying", "bytes") as bar:
            done = deployment.deploy(link, files, bar, no_key, stand_in.maker(there, made, note))
        if image:
            state_image.check_prior(link, image)
    _tell(done, as_json)


def _tell(done: Deployed, as_json: bool) -> None:
    if as_json:
        print_json(vars(done))
        return
    for path in done.removed:
        note(f"removed {path}")
    if done.kept:
        note(kept_program(done.kept))
    runs = f"nearhum {done.start.get('version')} runs on {done.start.get('board')}"
    if not done.copied and not done.unchanged:
        tell(f"{runs}, from {done.folder}, in {done.seconds:.1f} s")
        return
    tell(
        f"{len(done.copied)} files copied ({done.n_bytes} bytes), {len(done.unchanged)} unchanged, "
        f"{len(done.removed)} removed, in {done.seconds:.1f} s; "
        f"{runs}, from {done.folder}"
    )


def kept_program(path: str) -> str:
    """Return a note about the user's own main.py, which was moved to path."""
    return f"your own /main.py is kept as {path}; `nearhum remove` restores it"
