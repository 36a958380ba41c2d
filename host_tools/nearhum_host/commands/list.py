"""nearhum list: the prototypes of a board."""

from __future__ import annotations

from typing import Any

from ..terminal import Json, Port, Resume, print_json, print_rows


def list_(port: Port = None, resume: Resume = False, as_json: Json = False) -> None:
    """Show what the board has learned: normal prototypes and labels, with their counts."""
    from ..link import connect

    with connect(port, resume) as link:
        prototypes = link.ask("list").get("prototypes", [])
    if as_json:
        print_json(prototypes)
    elif prototypes:
        print_rows([{"label": _label(p), "count": p["count"], "id": p["id"]} for p in prototypes])
    else:
        print("nothing learned yet")


def _label(prototype: dict[str, Any]) -> str:
    """Return the label; of a mode of normal, which has no label id, the name in parentheses."""
    name = prototype.get("label")
    if prototype["id"]:
        return str(name)
    return f"(normal: {name})" if name else "(normal)"
