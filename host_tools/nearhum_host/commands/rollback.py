"""nearhum rollback: undo changes of what was learned."""

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
            help="A snapshot (`nearhum list --snapshots`); default: the last change.",
        ),
    ] = None,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Put back what was learned before the last change, or before snapshot N's; a rollback can
    be undone too.
    """
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"rollback {number}" if number else "rollback")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        tell(
            f"snapshot {answer.get('to')} is in place; the board is in state {answer.get('state')}"
        )
        note("`nearhum rollback` again undoes this")
