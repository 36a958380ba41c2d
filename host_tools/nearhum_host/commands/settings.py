"""nearhum get, nearhum set: show and change the settings of a board."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import Json, Port, Resume, note, print_json, print_pairs

if TYPE_CHECKING:
    from ..serial_line.link import Link

EMPTY = '""'  # An empty text, as a line of the console writes it.
_RESTART = "`nearhum set NAME VALUE --now`"
SURE = "set yes "  # The beginning of a board's hint if it wants a confirmation.


def get(
    key: Annotated[
        str | None, typer.Argument(help="One setting. Default: all of them.", show_default=False)
    ] = None,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Show one setting of the board, or all of them."""
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask(f"get {key}" if key else "get")
        waits = {} if as_json else _pending(link)
    settings = answer.get("settings") or {str(key): answer.get("value")}
    if as_json:
        print_json(settings)
        return
    print_pairs(dict(sorted(settings.items())))
    for name, value in sorted(waits.items()):
        if name in settings:
            note(f"{name} is {value if value != '' else EMPTY} after a restart: {_RESTART}")


def set_(
    key: Annotated[str, typer.Argument(help="The setting.")],
    value: Annotated[
        str, typer.Argument(help="Its new value; `default` restores the board file's value.")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Change it even if the board has to learn again.")
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Restart the board now, so that the change takes effect.")
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Change a setting of the board. It survives resets and deploys.

    Most settings take effect after a restart: --now restarts the board.
    """
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = _set(link, f"{key} {value.strip() or EMPTY}", yes)
        if now:
            link.resume()
            answer = link.ask(f"get {key}")
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
        return
    print_pairs({key: answer.get("value", value)})
    said = str(answer.get("note") or "")
    if now:
        note("restarted")
    elif "`" in said:  # In safe mode the note names the command that starts the detector.
        note(said)
    elif said and answer.get("value") != answer.get("now"):
        typed = f"nearhum set {key} {quote(value)}{' --yes' if yes else ''} --now"
        note(f"{said}. Restart now with `{typed}`")


def _pending(link: Link) -> dict[str, Any]:
    """Return the settings that wait for a restart, {} if the board does not tell them."""
    from ..errors import DeviceError

    try:
        return dict(link.ask("list set").get("set") or {})
    except DeviceError:  # The board is in safe mode, or has an older nearhum.
        return {}


def _set(link: Link, words: str, yes: bool) -> dict[str, Any]:
    """Set it. If the board would have to learn again, ask the user first."""
    from ..errors import DeviceError, UsageError

    if yes:
        return link.ask(SURE + words)
    try:
        return link.ask(f"set {words}")
    except DeviceError as refused:
        if SURE not in refused.hint:
            raise
        said = refused.message.removeprefix("board: ")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(said, hint="repeat the command with --yes to set it anyway")
    if not typer.confirm(f"{said}. Set it anyway?", default=False, err=True):
        raise UsageError(said, hint="nothing was changed")
    return link.ask(SURE + words)
