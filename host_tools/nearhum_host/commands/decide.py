"""nearhum accept, nearhum reject: decide on the near misses that the board has kept."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .terminal import Json, Port, Resume, note, print_json, tell

Number = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, help="Number of a near miss in `nearhum list --pending`."),
]


def accept(
    number: Number, port: Port = None, resume: Resume = False, as_json: Json = False
) -> None:
    """Learn a near miss as an example of its label.

    The board keeps near misses that were followed by a hit of the same label. `nearhum rollback`
    undoes this.
    """
    answer = _decided(f"accept {number}", port, resume)
    if as_json:
        print_json(answer)
    else:
        tell(f"{number} was learned as {answer.get('label')}")
        note("`nearhum rollback` undoes it")


def reject(
    number: Number, port: Port = None, resume: Resume = False, as_json: Json = False
) -> None:
    """Discard a near miss."""
    answer = _decided(f"reject {number}", port, resume)
    if as_json:
        print_json(answer)
    else:
        tell(f"{number}, near to {answer.get('label')}, was dropped")


def _decided(line: str, port: str | None, resume: bool) -> dict[str, Any]:
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask(line)
    answer.pop("verb", None)
    return answer
