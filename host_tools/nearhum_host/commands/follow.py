"""nearhum follow: tell somebody what boards log, as it happens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .terminal import Json, Ports, Resume, note

if TYPE_CHECKING:
    from ..alerts.channel import Channel

ALARM_EXIT = 10
# Events that `--until` may wait for.
EVENTS = (
    "alarm", "in_alarm", "alarm_end", "heard", "learned", "enrolled", "fault", "gap", "boot",
    "silent",
)  # fmt: skip


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
    if until is not None and until not in EVENTS:
        raise UsageError(f"--until {until!r}: there is no event of that name", ", ".join(EVENTS))
    lines = Lines(as_json, until)
    channels = [*_channels(command, webhook, mqtt, prometheus), lines]
    kept = Bookmarks(state or usual())
    warning = "<4>" if journal_reads(sys.stderr) else ""  # a channel is down, or works again
    with Relay(channels, kept, resume, lambda text: note(warning + text)) as relay:
        relay.follow_until(lambda: lines.ended and relay.idle(), named, all_boards, "following")
    if lines.came:
        raise typer.Exit(ALARM_EXIT)


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
