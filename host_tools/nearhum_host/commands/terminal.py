"""What the commands share at the terminal: their common options, results on stdout, progress on
stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from ..serial_line.visible_text import as_json, visible

Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        help=(
            "Serial port or URL (socket://, rfc2217://); without it NEARHUM_PORT, or the only board"
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
        help="Serial port or URL; several times for several boards.",
        show_default=False,
    ),
]
DeployedAs = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        help="Name or .toml file the board was deployed with; without it the board says its name.",
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


def print_json(what: Any) -> None:
    """Print one JSON value on one line of stdout, with what would steer a terminal escaped."""
    print(as_json(what))


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Print names and values as two columns; nested objects as name.key, lists of objects as
    tables.
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
    """Print objects as a table, a column a key."""
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
    """Print a line of the result on stdout. What a board said in it does not steer the terminal."""
    print(visible(text))


def note(text: str) -> None:
    """Print a line of progress on stderr; as harmless as `tell`."""
    print(visible(text), file=sys.stderr, flush=True)


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr, if that is a terminal, while the block runs; yields a function
    (done, total).
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
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
