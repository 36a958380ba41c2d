"""nearhum list: show the prototypes, near misses or snapshots of a board."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .terminal import Json, Port, Resume, note, print_json, print_rows

# By the name of the list: its columns, and the text for an empty list.
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
        typer.Option("--pending", help="List the near misses for `nearhum accept` and `reject`."),
    ] = False,
    snapshots: Annotated[
        bool,
        typer.Option(
            "--snapshots", help="List the snapshots for `nearhum rollback N`, oldest first."
        ),
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Show what the board has learned: prototypes of normal and labels, with their counts.

    Or show its near misses or snapshots.
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
    """Return the label of a prototype. A mode of normal is shown in parentheses."""
    name = prototype.get("label")
    if prototype["id"]:
        return str(name)
    return f"(normal: {name})" if name else "(normal)"
