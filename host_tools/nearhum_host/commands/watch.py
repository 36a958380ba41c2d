"""nearhum watch: see what boards log, as it happens."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Ports, Resume, note


def watch(
    ports: Ports = None,
    all_boards: Annotated[
        bool, typer.Option("--all", help="Every board on USB, also those plugged in later.")
    ] = False,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Print what boards log from now on, a line an event, until Ctrl-C.

    `nearhum live` shows scores and bands besides; `nearhum follow` tells somebody else, and what
    happened while it was not there. A learning period goes on: `nearhum learn stop` ends it.
    """
    from ..alerts.bookmarks import Bookmarks
    from ..alerts.lines import Lines
    from ..alerts.relay import Relay, chosen

    named = chosen(ports, all_boards)
    lines = Lines(as_json)
    with Relay([lines], Bookmarks(None), resume, note) as relay:
        relay.follow_until(lambda: lines.ended, named, all_boards, "watching")
