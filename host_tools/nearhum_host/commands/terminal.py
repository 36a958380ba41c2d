"""Shared by the commands: common options, results on stdout, progress on stderr.

Enters: results and notes. Leaves: text or JSON that cannot control the terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ..serial_line.visible_text import as_json, visible

Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        help=(
            "Serial port or URL (socket://, rfc2217://). Default: NEARHUM_PORT, or the only board"
            " on USB."
        ),
        show_default=False,
    ),
]
Ports = Annotated[
    list[str] | None,
    typer.Option(
        "--port",
        "-p",
        help="Serial port or URL. Repeat it for several boards. Default: as for one board.",
        show_default=False,
    ),
]
DeployedAs = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        help="Name or .toml file that the board was deployed with. Default: asked of the board.",
        show_default=False,
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Start the detector if it is stopped, without asking.")
]
DayFirst = Annotated[
    bool | None,
    typer.Option(
        "--day-first/--month-first",
        help="Which is first in dates as 01/02/2026, where the file does not say it.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LINE_EVERY_S = 4  # Progress is never silent for longer than five seconds.


def print_json(what: Any) -> None:
    """Print a JSON value as one line on stdout. Control characters are escaped."""
    print(as_json(what))


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Print names and values as two columns.

    Nested objects become name.key, lists of objects become tables.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table.grid(padding=(0, 2))
    tables = []
    for name, value in _flat(pairs):
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            tables.append(value)
        else:
            table.add_row(f"[dim]{_plain(name)}[/dim]", _plain(value))
    if table.row_count:
        console.print(table)
    for rows in tables:
        print_rows(rows)


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print objects as a table, with one column for each key."""
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(_plain(column))
    for row in rows:
        table.add_row(*(_plain(row.get(column)) for column in columns))
    Console().print(table)


def _flat(pairs: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in pairs.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _plain(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    return escape(visible(str(value)))


def tell(text: str) -> None:
    """Print a line of the result on stdout. Control characters in it are written out."""
    print(visible(text))


def note(text: str) -> None:
    """Print a line of progress on stderr. Control characters in it are written out."""
    print(visible(text), file=sys.stderr, flush=True)


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how far the block is. Yields a function (done, total) that it calls.

    A terminal shows a bar. A file or a pipe gets a line every four seconds.
    """
    if not sys.stderr.isatty():
        with _told_in_lines(what, unit) as tell_done:
            yield tell_done
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(_plain(what), total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=max(total, 1))


@contextmanager
def _told_in_lines(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Print a line now and then, also where the block does not say how far it is."""
    from threading import Event, Thread

    ended = Event()
    said: list[int] = []  # (done, total), once the block has said it

    def lines() -> None:
        began = time.monotonic()
        while not ended.wait(LINE_EVERY_S):
            how_far = f" {said[0]} of {said[1]} {unit}," if said else ""
            note(f"{what}:{how_far} {time.monotonic() - began:.0f} s")

    def tell_done(done: int, total: int) -> None:
        said[:] = done, total

    thread = Thread(target=lines, daemon=True)
    thread.start()
    try:
        yield tell_done
    finally:
        ended.set()
        thread.join()


def write_page(out: Path, text: str) -> None:
    """Write a report as UTF-8. Raises HostError if the file cannot be written."""
    from ..errors import HostError

    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HostError(
            f"cannot write {out}: {error.strerror}", "name another file with --out"
        ) from None
