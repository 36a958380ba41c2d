"""nearhum query: ask the tables of pulled logs."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, print_json, print_rows


def query(
    sql: Annotated[
        str, typer.Argument(help="DuckDB's SQL over windows, events, alarms, boards and days.")
    ],
    folder: Annotated[
        Path, typer.Option("--in", help="The folder of `nearhum pull FOLDER --all`.")
    ] = Path("."),
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask what boards have logged, in SQL: `SELECT board, day, alarms FROM days ORDER BY day`."""
    from ..errors import UsageError
    from ..extras import needs

    if as_json and as_csv:
        raise UsageError("--json and --csv are two ways to print", hint="choose one")
    with needs("fleet"):
        from ..logs import asking
    columns, rows = asking.ask(folder, sql)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif as_csv:
        out = csv.writer(sys.stdout)
        out.writerow(columns)
        out.writerows(rows)
    elif rows:
        print_rows([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print("no row")
