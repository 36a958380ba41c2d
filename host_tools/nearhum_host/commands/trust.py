"""nearhum trust, nearhum veto: confirm what the board knows, or forbid a label."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, Resume, print_json, tell


def trust(port: Port = None, resume: Resume = False, as_json: Json = False) -> None:
    """Confirm that the sensor and what was learned are right as they are now.

    Learning is switched on again, and drift is measured from here.
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
    off: Annotated[bool, typer.Option("--off", help="Allow the label again.")] = False,
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
