"""Read the labels of a fleet: the truth about a board between two UTC times.

Enters: a csv with LABEL_COLUMNS. Leaves: spans, numbered by their row from 0.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ..errors import HostError, UsageError
from ..recordings.tables.rows import read_rows

LABEL_COLUMNS = ("board", "from_utc", "until_utc", "label")


def read_labels(file: Path) -> list[dict[str, Any]]:
    """Read the spans of a csv with LABEL_COLUMNS.

    Returns {span, on, from_s, until_s, label} for each row: its number from 0, the board, seconds
    since 1970, and the label. Raises UsageError that names the line that is wrong.
    """
    try:
        rows = read_rows(file, LABEL_COLUMNS)
    except HostError as error:
        raise UsageError(error.message, hint="it needs " + ",".join(LABEL_COLUMNS)) from None
    return [_span(row, n, f"{file}, line {line}") for n, (line, row) in enumerate(rows)]


def check_named(spans: list[dict[str, Any]], boards: set[str], file: Path | None) -> None:
    """Raise UsageError if a label names a board that has no tables.

    Boards in the tables are called NAME-CHIPNUMBER, so a bare NAME is answered with these names.
    """
    for span in spans:
        name = span["on"]
        if name not in boards:
            alike = sorted(
                board for board in boards if name and board.startswith(name + "-")
            ) or sorted(boards)
            others = f" and {len(alike) - 5} more" if len(alike) > 5 else ""
            raise UsageError(
                f"{file}, line {span['span'] + 2}: the tables have no board {name!r}",
                hint=f"name it as they do: {', '.join(alike[:5])}{others}",
            )


def _span(row: dict[str, str], n: int, where: str) -> dict[str, Any]:
    try:
        times = [datetime.datetime.fromisoformat(row[name]) for name in ("from_utc", "until_utc")]
    except (TypeError, ValueError):
        raise UsageError(f"{where}: no time in {row}", hint="UTC as 2026-11-25 13:00:00") from None
    times = [time if time.tzinfo else time.replace(tzinfo=datetime.UTC) for time in times]
    seconds = [int(time.timestamp()) for time in times]
    if not row["label"] or seconds[1] < seconds[0]:
        raise UsageError(f"{where}: {row}", hint="a label, and an end that is not before its start")
    return {
        "span": n,
        "on": row["board"],
        "from_s": seconds[0],
        "until_s": seconds[1],
        "label": row["label"],
    }
