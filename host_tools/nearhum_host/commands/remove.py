"""nearhum remove: remove nearhum from a board, and restore the user's own program."""

from __future__ import annotations

from typing import Annotated

import typer

from ..amounts import plural
from .terminal import Json, Port, note, print_json, tell


def remove(
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also remove what it learned and logged, its settings and its key."
        ),
    ] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Remove nearhum from a board. MicroPython stays.

    A /main.py that `deploy` found there is restored and runs. What the board learned stays for the
    next deploy, unless --all is given.
    """
    from ..boards.upgrade import programs
    from ..serial_line.link import connect

    with connect(port) as link:
        done = programs.remove(link, everything)
    if as_json:
        print_json(vars(done))
        return
    for path in done.left:
        note(f"{path} is your own file and was kept")
    now = f"{done.put_back} is /main.py again" if done.put_back else "no program starts now"
    rest = "" if everything else "; what was learned stays in /hum (`nearhum remove --all`)"
    tell(f"{plural(len(done.removed), 'file')} removed; {now}{rest}")
