"""nearhum watch: print the events of boards as they happen."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Ports, Resume, note


def watch(
    ports: Ports = None,
    all_boards: Annotated[
        bool, typer.Option("--all", help="All boards on USB, also those plugged in later.")
    ] = False,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Print one line for each event from now on, until Ctrl-C.

    `nearhum live` also shows scores and bands. `nearhum follow` also reports to programs, and makes
    up for events that it missed. A learning period continues: `nearhum learn stop` ends it.
    """
    from ..alerts.bookmarks import Bookmarks
    from ..alerts.lines import Lines
    from ..alerts.relay import Relay, chosen

    named = chosen(ports, all_boards)
    lines = Lines(as_json)
    with Relay([lines], Bookmarks(None), resume, note) as relay:
        relay.follow_until(lambda: lines.ended, named, all_boards, "watching")
