"""nearhum trust, veto: the user's word on what is right, and on what must never be learned."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, Resume, print_json, tell


def trust(port: Port = None, resume: Resume = False, as_json: Json = False) -> None:
    """Say that sensor and prototypes are right as they are: learning is on again, budgets of
    drift start from here.
    """
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask("trust")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        tell("the board trusts what it knows now; `nearhum rollback` undoes this")


def veto(
    label: Annotated[str, typer.Argument(help="The label.")],
    off: Annotated[bool, typer.Option("--off", help="Permit it again.")] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Put LABEL on the block list: the board never announces it and never learns from it."""
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"veto {label} off" if off else f"veto {label}")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    else:
        tell("vetoed: " + (", ".join(answer.get("vetoed") or []) or "nothing"))
