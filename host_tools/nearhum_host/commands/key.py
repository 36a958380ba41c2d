"""nearhum key: make keys for boards, and sign files with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, note, print_json, tell


def key(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a key. Without it all keys on this machine are listed.",
            show_default=False,
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Make a key of that name.")] = False,
    sign: Annotated[
        list[Path] | None,
        typer.Option(
            help="Sign a backup (.nhs) or head (.nhh). Do so only if you trust its author.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key for boards, list the keys on this machine, or sign files with a key.

    `nearhum deploy --key NAME` gives a board the key. The board then accepts only states, heads and
    priors that are signed with it.
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
        note("keep a safe copy of this file: if it is lost, all files and boards need a new key")
    secret = keys.load(name)
    for file in sign or ():
        keys.sign_file(file, secret)
        note(f"{file} is signed with {name}")
    if not new and not sign:
        tell(f"{name}: this key exists")
