"""nearhum rollback: undo changes to what was learned."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, Resume, note, print_json, tell


def rollback(
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="N",
            min=1,
            help="Number of a snapshot (`nearhum list --snapshots`). Default: the last one.",
        ),
    ] = None,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Restore what was learned before the last change, or snapshot N.

    A rollback can be undone by another rollback.
    """
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"rollback {number}" if number else "rollback")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        tell(f"restored snapshot {answer.get('to')}; the board is in state {answer.get('state')}")
        note("`nearhum rollback` again undoes this")
