"""nearhum key: keys of boards, and files signed with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, note, print_json, tell


def key(
    name: Annotated[
        str | None, typer.Argument(help="Of a key; without it the keys here.", show_default=False)
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Make it.")] = False,
    sign: Annotated[
        list[Path] | None,
        typer.Option(
            help="A backup (.nhs) or head (.nhh) to sign: you made it, or trust who did.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the key of a board, list the keys here, or sign files with one.

    `nearhum deploy --key NAME` gives it to a board, which then takes no state, head or prior not
    signed with it.
    """
    from ..boards import keys
    from ..errors import UsageError

    if name is None:
        if new or sign:
            raise UsageError("no key is named", hint="nearhum key NAME --new, or NAME --sign FILE")
        if as_json:
            print_json({"folder": str(keys.folder()), "keys": keys.names()})
        else:
            tell("\n".join(keys.names()) or f"no key in {keys.folder()}")
        return
    if new:
        tell(str(keys.make(name)))
        note(
            "keep a copy where it is safe: without it, what is signed with it can only be signed"
            " anew"
        )
    secret = keys.load(name)
    for file in sign or ():
        keys.sign_file(file, secret)
        note(f"{file} is signed with {name}")
    if not new and not sign:
        tell(f"{name}: there")
