"""nearhum list: the prototypes of a board, what waits to become a part of them, and what it can
go back to.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .terminal import Json, Port, Resume, note, print_json, print_rows

# name: (columns, what is said where there are none)
_TABLES = {
    "prototypes": (("label", "count", "id"), "the board has learned nothing yet"),
    "pending": (
        ("id", "label", "near_window", "hit_after", "distance", "limit", "boot"),
        "no near misses are waiting",
    ),
    "snapshots": (
        ("number", "cause", "state", "n_learned", "n_labels", "boot", "window"),
        "no snapshots yet",
    ),
}


def list_(
    pending: Annotated[
        bool,
        typer.Option(
            "--pending", help="Near misses that a hit followed, for `nearhum accept` or `reject`."
        ),
    ] = False,
    snapshots: Annotated[
        bool,
        typer.Option("--snapshots", help="What `nearhum rollback N` can put back, oldest first."),
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Show what the board has learned: normal prototypes and labels with their counts; or what
    is kept beside.
    """
    from ..errors import UsageError
    from ..serial_line.link import connect

    if pending and snapshots:
        raise UsageError(
            "--pending and --snapshots cannot be combined", hint="ask for one list at a time"
        )
    what = "pending" if pending else "snapshots" if snapshots else "prototypes"
    with connect(port, resume) as link:
        answer = link.ask("list" if what == "prototypes" else f"list {what}")
    found = answer.get(what, [])
    columns, none = _TABLES[what]
    if as_json:
        print_json(found)
    elif found:
        if what == "prototypes":
            found = [{**row, "label": _label(row)} for row in found]
        print_rows([{column: row.get(column) for column in columns} for row in found])
    else:
        print(none)
    if answer.get("vetoed"):
        note("vetoed: " + ", ".join(answer["vetoed"]))


def _label(prototype: dict[str, Any]) -> str:
    """Return the label; of a mode of normal, which has no label id, the name in parentheses."""
    name = prototype.get("label")
    if prototype["id"]:
        return str(name)
    return f"(normal: {name})" if name else "(normal)"
