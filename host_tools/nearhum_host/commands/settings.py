"""nearhum get, nearhum set: the settings of a board."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import Json, Port, Resume, note, print_json, print_pairs

if TYPE_CHECKING:
    from ..serial_line.link import Link

EMPTY = '""'  # how the console's lines write a text of no characters
_RESTART = "`nearhum set NAME VALUE --now`"
SURE = "set yes "  # what a board's hint begins with where it asks first


def get(
    key: Annotated[
        str | None, typer.Argument(help="One setting; without it all.", show_default=False)
    ] = None,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Show one setting of the board, or all."""
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
        str, typer.Argument(help="Its new value; `default` takes back what was set before.")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also where what was learned would be of no use.")
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Restart the board, so that it takes effect at once.")
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Change a setting of the board; it stays over resets and deploys."""
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
    elif "`" in said:  # in safe mode the board names what starts it
        note(said)
    elif said and answer.get("value") != answer.get("now"):
        typed = f"nearhum set {key} {quote(value)}{' --yes' if yes else ''} --now"
        note(f"{said}. Restart now with `{typed}`")


def _pending(link: Link) -> dict[str, Any]:
    """Return the settings that wait for a restart; none where the board does not tell them."""
    from ..errors import DeviceError

    try:
        return dict(link.ask("list set").get("set") or {})
    except DeviceError:  # in safe mode, or of an older nearhum
        return {}


def _set(link: Link, words: str, yes: bool) -> dict[str, Any]:
    """Set; where the board says that what it learned would be of no use, ask who is there."""
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
        raise UsageError(said, hint="say --yes to set it all the same")
    if not typer.confirm(f"{said}. Set it all the same?", default=False, err=True):
        raise UsageError(said, hint="nothing was changed")
    return link.ask(SURE + words)
