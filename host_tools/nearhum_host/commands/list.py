"""nearhum list: the prototypes of a board, and what it keeps to go back to."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..terminal import Json, Port, Resume, print_json, print_rows

_SNAPSHOT = ("number", "cause", "state", "n_learned", "n_labels", "boot", "window", "uptime_s")


def list_(
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="What `nearhum rollback N` can put back, oldest first.")
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Show what the board has learned: normal prototypes and labels, with their counts; or (--snapshots) the past."""
    from ..link import connect

    what = "snapshots" if snapshots else "prototypes"
    with connect(port, resume) as link:
        found = link.ask("list snapshots" if snapshots else "list").get(what, [])
    if as_json:
        print_json(found)
    elif not found:
        print("nothing to roll back to yet" if snapshots else "nothing learned yet")
    elif snapshots:
        print_rows([{key: s.get(key) for key in _SNAPSHOT} for s in found])
    else:
        print_rows([{"label": _label(p), "count": p["count"], "id": p["id"]} for p in found])


def _label(prototype: dict[str, Any]) -> str:
    """Return the label; of a mode of normal, which has no label id, the name in parentheses."""
    name = prototype.get("label")
    if prototype["id"]:
        return str(name)
    return f"(normal: {name})" if name else "(normal)"
