"""nearhum get, nearhum set: the settings of a board."""

from __future__ import annotations

from typing import Annotated

import typer

from ..terminal import Json, Port, Resume, note, print_json, print_pairs


def get(
    key: Annotated[str | None, typer.Argument(help="One setting; without it all.", show_default=False)] = None,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Show one setting of the board, or all."""
    from ..link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"get {key}" if key else "get")
    settings = answer.get("settings") or {str(key): answer.get("value")}
    if as_json:
        print_json(settings)
    else:
        print_pairs(dict(sorted(settings.items())))


def set_(
    key: Annotated[str, typer.Argument(help="The setting.")],
    value: Annotated[str, typer.Argument(help="Its new value.")],
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Change a setting of the board; it stays over resets and deploys."""
    from ..link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"set {key} {value}")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        print_pairs({key: answer.get("value", value)})
        if answer.get("note"):
            note(str(answer["note"]))
