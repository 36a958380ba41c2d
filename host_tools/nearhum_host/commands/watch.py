"""nearhum watch: from now on, watch."""

from __future__ import annotations

from .terminal import Json, Port, Resume, print_json, print_pairs


def watch(port: Port = None, resume: Resume = False, as_json: Json = False) -> None:
    """End learning, if it runs, and watch for what is not normal."""
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask("watch")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        print_pairs(answer or {"state": "watch"})
