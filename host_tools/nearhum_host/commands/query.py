"""nearhum query: run SQL over the tables of pulled logs."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..serial_line.visible_text import visible
from .terminal import Json, print_json, print_rows


def query(
    sql: Annotated[
        str,
        typer.Argument(
            help="SQL (DuckDB) over the tables windows, events, alarms, boards and days."
        ),
    ],
    folder: Annotated[
        Path, typer.Option("--in", help="The folder of `nearhum pull FOLDER --all`.")
    ] = Path("."),
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            help="Let the SQL read and write any file, and load extensions.",
        ),
    ] = False,
) -> None:
    """Query what boards have logged: `SELECT board, day, alarms FROM days ORDER BY day`.

    The SQL can read these tables only, and cannot change anything.
    """
    from ..errors import UsageError
    from ..extras import needs

    if as_json and as_csv:
        raise UsageError("--json and --csv cannot be combined", hint="leave one of them out")
    with needs("fleet"):
        from ..logs import asking
    columns, rows = asking.ask(folder, sql, unsafe)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif as_csv:
        out = csv.writer(sys.stdout)
        out.writerow([_plain(column) for column in columns])
        out.writerows([_plain(value) for value in row] for row in rows)
    elif rows:
        print_rows([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print("no rows")


def _plain(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value
