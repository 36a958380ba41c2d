"""nearhum forget: remove a label from what the board has learned."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, Resume, print_json, tell


def forget(
    label: Annotated[str, typer.Argument(help="The label to remove.")],
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Remove a label and its examples. `nearhum rollback` undoes this."""
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"forget {label}")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        tell(f"{label} was removed")
