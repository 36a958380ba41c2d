"""nearhum remove: take nearhum off a board, and put the user's own program back."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, note, print_json, tell


def remove(
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="What it learned, logged and was set to as well, and the board's key."
        ),
    ] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Take nearhum off a board; MicroPython stays. A /main.py that `deploy` found there is put
    back, and runs.

    What the board learned stays for the next deploy, unless you say --all.
    """
    from ..boards.upgrade import programs
    from ..serial_line.link import connect

    with connect(port) as link:
        done = programs.remove(link, everything)
    if as_json:
        print_json(vars(done))
        return
    for path in done.left:
        note(f"{path} is yours too, and stays")
    now = f"{done.put_back} is /main.py again" if done.put_back else "nothing starts by itself now"
    rest = "" if everything else "; what was learned stays in /hum, `nearhum remove --all` takes it"
    tell(f"{len(done.removed)} files removed; {now}{rest}")
