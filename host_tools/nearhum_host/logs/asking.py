"""Run an SQL query over the tables of a folder. Enters: SQL. Leaves: column names and rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

from ..errors import UsageError
from .tables import TABLES, VIEWS, connect, damaged, globs_of

_ASKED_WRONGLY = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
)


def ask(folder: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a query over a folder's tables.

    Returns (column names, rows). If a column name occurs twice, the second gets a number.
    Raises UsageError if the query is wrong or there are no tables, HostError if a file is damaged.
    """
    with connect(folder) as connection:
        try:
            found = connection.execute(sql)
            if not found:  # The query is empty, or only a comment.
                return [], []
            rows = found.fetchall()
        except _ASKED_WRONGLY as error:
            said = re.sub(r"\s+", " ", str(error).split("\nLINE")[0]).strip()
            known = ", ".join([*TABLES, *VIEWS])
            raise UsageError(
                said.removesuffix("."),
                hint=f'there are {known}; `nearhum query "DESCRIBE windows"` lists columns',
            ) from None
        except duckdb.Error as error:
            wrong = UsageError(
                repr(str(error).splitlines()[0]), hint="ask for something else, or for less"
            )
            raise damaged(error, globs_of(folder)) or wrong from None
        columns: list[str] = []
        for column, *_ in found.description or ():
            n = sum(
                re.fullmatch(rf"{re.escape(column)}(_\d+)?", known) is not None for known in columns
            )
            columns.append(f"{column}_{n + 1}" if n else column)
        return columns, rows
