"""Locking: a connection whose SQL reads the tables of one folder, and nothing else, and changes
nothing.

Enters: a connection with its views made, and the files they read. Leaves: the same, locked.

1. DuckDB opens these files alone, each by its name: `allowed_directories` would let SQL write
   beside them. No configuration can be changed any more, no extension loaded, no variable of
   Python read.
2. A file that may be read may be written, too (`COPY ... (USE_TMP_FILE false)` does it in place),
   so only statements that ask are carried out.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from ..errors import UsageError

# DESCRIBE, SHOW, SUMMARIZE and VALUES count as SELECT, PIVOT as MULTI
_ASKS = ("SELECT", "MULTI")
_EXPLAINS = re.compile(r"\s*explain(\s+analyze)?\b", re.IGNORECASE)


def lock(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Let a connection open these files alone, for good."""
    named = {str(file) for file in files}
    # a name with brackets is asked for by a pattern that means it alone
    named |= {glob.escape(name) for name in named}
    allowed = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(named))
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise UsageError for a statement that does more than ask; duckdb.Error where it is none."""
    for statement in connection.extract_statements(sql):
        kind, text = statement.type.name, statement.query
        explains = _EXPLAINS.match(text)
        if kind == "EXPLAIN" and explains:
            check(connection, text[explains.end() :])
        elif kind not in _ASKS:
            raise UsageError(
                f"a query asks, and this is {kind}", "--unsafe carries it out: it may write files"
            )
