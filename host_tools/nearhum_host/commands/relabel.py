"""nearhum relabel: rename a label."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, Resume, print_json, tell


def relabel(
    old: Annotated[str, typer.Argument(help="The present name of the label.")],
    new: Annotated[str, typer.Argument(help="The new name.")],
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Rename a label and keep its examples. Earlier records of the log keep the old name."""
    from ..errors import UsageError
    from ..serial_line.link import connect

    if not new or any(c.isspace() for c in new):
        raise UsageError(
            f"{new!r} is not a label: a label is one word", hint="join words with _ or -"
        )
    with connect(port, resume) as link:
        answer = link.ask(f"relabel {old} {new}")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        tell(f"{old} is now called {new}")
