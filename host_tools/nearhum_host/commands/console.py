"""nearhum console: talk to the board line by line."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from .terminal import Port, Resume, note, print_json, print_pairs


def console(
    line: Annotated[
        str | None,
        typer.Argument(
            help="One command, such as 'get kind'. Without it you get a prompt.", show_default=False
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", "--json", help="Print the answers as JSON.")
    ] = False,
    port: Port = None,
    resume: Resume = False,
) -> None:
    """Send commands to the board's console (`help` lists them; Ctrl-D ends).

    Ctrl-C is not sent to the board, so the detector keeps running.
    """
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        if line is not None:
            _show(link.ask(line), raw)
        else:
            _converse(link, raw)


def _converse(link, raw: bool) -> None:
    """Read lines to the end. From a pipe, stop at the first error.

    A terminal gets a prompt and a history.
    """
    from ..errors import HostError

    at_terminal = sys.stdin.isatty()
    if at_terminal:
        with contextlib.suppress(ImportError):  # makes input() edit lines and keep a history
            import readline  # noqa: F401
        note(f"{link.port}: {', '.join(link.ask('help').get('verbs', ()))}; Ctrl-D ends")
    while True:
        try:
            line = (input("nearhum> ") if at_terminal else input()).strip()
            if line:
                _show(link.ask(line), raw)
        except EOFError:
            return
        except KeyboardInterrupt:
            if not at_terminal:
                raise
            note("")
        except HostError as error:
            if not at_terminal:
                raise
            note(f"{error.message}" + (f" ({error.hint})" if error.hint else ""))


def _show(answer: dict, raw: bool) -> None:
    if raw:
        print_json({"ok": True, **answer})
        sys.stdout.flush()
        return
    answer.pop("verb", None)
    print_pairs(answer or {"ok": True})
