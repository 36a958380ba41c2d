"""nearhum watch: see what boards log, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import Json, Ports, Resume, note

if TYPE_CHECKING:
    from ..alerts.event import Event


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
    closed: list[Event] = []

    def write(text: str, event: Event) -> None:
        try:
            print(text, flush=True)
        except BrokenPipeError:  # nobody reads any more
            closed.append(event)

    with Relay([Lines(as_json, write)], Bookmarks(None), resume, note) as relay:
        for port in named:
            relay.follow(port)
        note(f"watching {', '.join(named) or 'every board on USB'}; Ctrl-C ends it")
        relay.run(all_boards, lambda: bool(closed))
