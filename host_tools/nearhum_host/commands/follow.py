"""nearhum follow: tell somebody what boards log, as it happens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .terminal import Json, Ports, Resume, note

if TYPE_CHECKING:
    from ..alerts.event import Event
    from ..alerts.outbox import Channel

ALARM_EXIT = 10
# what `--until` may wait for
EVENTS = ("alarm", "alarm_end", "heard", "learned", "enrolled", "fault", "gap", "boot", "silent")


def follow(
    ports: Ports = None,
    all_boards: Annotated[
        bool, typer.Option("--all", help="Every board on USB, also those plugged in later.")
    ] = False,
    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            help="Run this program for each event, the event as JSON on its standard input.",
            show_default=False,
        ),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(help="POST each event as JSON to this address.", show_default=False),
    ] = None,
    mqtt: Annotated[
        str | None,
        typer.Option(
            help=(
                "Publish events and state to mqtt://[user@]host[/topic], or mqtts://…; Home"
                " Assistant finds the boards there. The password may be in NEARHUM_MQTT_PASSWORD."
            ),
            show_default=False,
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(help="Serve metrics, :9477 for this machine alone.", show_default=False),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="End at the first event of this name, exit code 10.", show_default=False),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Where is kept what has been told; without it, in your state folder.",
            show_default=False,
        ),
    ] = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Print what boards log as it happens, and tell a program, a web address or an MQTT broker.

    Goes on until Ctrl-C: opens a line again that breaks, tries a channel again that is down, and
    after a restart tells what happened meanwhile. Nothing is told twice, but for an event that a
    channel took in the very moment in which this program was killed.
    """
    from ..alerts.bookmarks import Bookmarks, usual
    from ..alerts.lines import Lines, journal_reads
    from ..alerts.relay import Relay, chosen

    named = chosen(ports, all_boards)
    end = _End(until)
    channels = _channels(command, webhook, mqtt, prometheus)
    channels.append(Lines(as_json, end.write))
    kept = Bookmarks(state or usual())
    warning = "<4>" if journal_reads(sys.stderr) else ""  # what is down, and what is back
    with Relay(channels, kept, resume, lambda text: note(warning + text)) as relay:
        for port in named:
            relay.follow(port)
        note(f"following {', '.join(named) or 'every board on USB'}; Ctrl-C ends it")
        relay.run(all_boards, lambda: end.due and relay.idle())
    if end.came:
        raise typer.Exit(ALARM_EXIT)


class _End:
    """Says when to end: an event of that name has come, or nobody reads stdout any more."""

    def __init__(self, name: str | None) -> None:
        if name is not None and name not in EVENTS:
            raise UsageError(f"--until {name!r}: no event has that name", ", ".join(EVENTS))
        self._name = name
        self.came = self.due = False

    def write(self, text: str, event: Event) -> None:
        """Print a line of an event."""
        try:
            print(text, flush=True)
        except BrokenPipeError:
            self.due = True
        if event.name == self._name:
            self.came = self.due = True


def _channels(
    command: str | None, webhook: str | None, mqtt: str | None, prometheus: str | None
) -> list[Channel]:
    from ..extras import needs

    out: list[Channel] = []
    if command:
        from ..alerts.command import Command

        out.append(Command(command))
    if webhook:
        from ..alerts.webhook import Webhook

        out.append(Webhook(webhook))
    if mqtt:
        with needs("alerts"):
            from ..alerts.mqtt import Mqtt
        out.append(Mqtt(mqtt))
    if prometheus:
        with needs("alerts"):
            from ..alerts.metrics import Metrics
        out.append(Metrics(prometheus))
    return out
