"""Tables of logs: Parquet files that any reader can open, and SQL views over them.

Enters: rows of windows and of events, in the columns below. Leaves: a folder with one file for each
board and day, and a DuckDB connection with views over the folder.

    windows/board=ID/day=2026-11-25/JOURNAL-FIRST-LAST.parquet     a row for each window
    events/board=ID/day=2026-11-25/JOURNAL-FIRST-LAST.parquet      a row for each event

docs/log-schema.md describes every column. Every file carries the version of this layout in its
metadata (key `nearhum_schema`). A file of another version is refused by name. Adding a column does
not change the version, because readers select columns by name, and a column that an old file lacks
is NULL. Renaming a column or changing its meaning does.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from ..errors import HostError, UsageError

SCHEMA = 1
SCHEMA_KEY = "nearhum_schema"
_STAMP = b"".join(
    b"\x18" + bytes([len(text)]) + text.encode() for text in (SCHEMA_KEY, str(SCHEMA))
)
_END_BYTES = 1 << 14  # Read from the end of a file. The footer has about 3 KB.
AGAIN = "remove it; `nearhum pull FOLDER --all` makes it again from the log there"


class Column(NamedTuple):
    """A column: its name, its SQL type, and what it means."""

    name: str
    type: str
    meaning: str


# `board` and `day` come from the folders' names. They are not stored in the files.
PARTITION = (
    Column(
        "board", "VARCHAR", "the board: its name and its chip's number, rpi_pico-e6614103e72b4a2f"
    ),
    Column(
        "day", "DATE", "UTC day of time_utc; where that is not known, the day when it was pulled"
    ),
)
_COMMON = (
    Column(
        "journal",
        "SMALLINT",
        "1; one more each time the board's flash was erased and its records began anew",
    ),
    Column("boot", "INTEGER", "which start of the board, as it counts them itself"),
    Column("seq", "BIGINT", "number of the record; with board and journal it says which one it is"),
    Column(
        "time_utc",
        "TIMESTAMP",
        "when, by the host's clock; NULL for a boot that had ended before any pull",
    ),
    Column("ticks_ms", "BIGINT", "milliseconds since that start"),
)
WINDOWS = (
    *_COMMON,
    Column("window_index", "BIGINT", "which window of that boot, from 0"),
    Column("hop_s", "DOUBLE", "seconds from a window to the next"),
    Column("score", "DOUBLE", "octaves of squared distance to normal; NULL where there was none"),
    Column("threshold", "DOUBLE", "octaves, as the score; NULL before one was known"),
    Column("state", "VARCHAR", "idle, learn or watch"),
    Column("alarm", "BOOLEAN", "whether the board's alarm was on"),
    Column("label", "VARCHAR", "the label announced; NULL for none"),
)
EVENTS = (
    *_COMMON,
    Column("window_index", "BIGINT", "the window it names; NULL where it names none"),
    Column("event", "VARCHAR", "boot, alarm, alarm_end, learned, enrolled, fault, gap, ..."),
    Column("score", "DOUBLE", "octaves; NULL where the event has none"),
    Column("threshold", "DOUBLE", "octaves; NULL where the event has none"),
    Column("label", "VARCHAR", "the label it is about; NULL for none"),
    Column("facts", "VARCHAR", "all that the record says, as JSON"),
)
TABLES: dict[str, tuple[Column, ...]] = {"windows": WINDOWS, "events": EVENTS}

# One view for each frequent question. A view may use the tables and the views before it.
VIEWS = {
    "alarms": (
        """
        SELECT board, day, journal, boot, seq, time_utc, window_index, score, threshold,
               json_extract_string(facts, '$.strangest[0][0]') AS strangest,
               json_extract(facts, '$.strangest') AS contributions,
               ended - window_index AS n_windows, ended
        FROM (SELECT *,
                     lead(window_index)
                     OVER (PARTITION BY board, journal, boot ORDER BY seq) AS ended
              FROM events WHERE event IN ('alarm', 'alarm_end', 'state', 'rollback'))
        WHERE event = 'alarm'"""
    ),
    "boards": (
        """
        SELECT board, arg_max(coalesce(json_extract_string(facts, '$.board'),
                                       json_extract_string(facts, '$.config.board')),
                              (journal, seq)) AS name,
               arg_max(json_extract_string(facts, '$.config.kind'), (journal, seq)) AS kind,
               arg_max(json_extract_string(facts, '$.version'), (journal, seq)) AS version,
               count(DISTINCT (journal, boot)) AS boots, max(time_utc) AS last_start_utc
        FROM events WHERE event = 'boot' GROUP BY board"""
    ),
    "days": (
        """
        SELECT board, day, count(*) AS windows,
               sum(hop_s) FILTER (state = 'watch') / 3600 AS watched_h,
               count(*) FILTER (state = 'learn') AS learned,
               count(*) FILTER (alarm) AS windows_in_alarm,
               max(score) FILTER (state = 'watch') AS highest_score,
               coalesce(any_value(n_alarms), 0) AS alarms
        FROM windows
             LEFT JOIN (SELECT board, day, count(*) AS n_alarms FROM alarms GROUP BY board, day)
             USING (board, day)
        GROUP BY board, day"""
    ),
}


def part_file(folder: Path, table: str, board: str, day: str, name: str) -> Path:
    """Return the path of a file of a table. day: 2026-11-25. name: unique in board and day."""
    return folder / table / f"board={board}" / f"day={day}" / f"{name}.parquet"


def write_part(connection: duckdb.DuckDBPyConnection, rows: str, table: str, file: Path) -> None:
    """Write the rows of a SELECT to a file, completely or not at all.

    rows: the SELECT. It must have the table's columns by name.
    Raises HostError if the file cannot be written.
    """
    columns = ", ".join(
        f"CAST({column.name} AS {column.type}) AS {column.name}" for column in TABLES[table]
    )
    half = file.with_suffix(".new")
    options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{SCHEMA_KEY}: '{SCHEMA}'}}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY (SELECT {columns} FROM ({rows})) TO {quoted(half)} ({options})")
        half.replace(file)
    except (OSError, duckdb.IOException) as error:
        half.unlink(missing_ok=True)
        raise HostError(
            f"cannot write {file}: {error}", "make room or choose another place"
        ) from None


def quoted(text: object) -> str:
    """Return text as an SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory with the tables and views over a folder.

    Raises UsageError if the folder has no tables. Raises HostError that names the file if one is
    damaged or of another version.
    """
    connection = duckdb.connect()
    if not any(folder.glob("*/board=*/day=*/*.parquet")):
        raise UsageError(
            f"there are no tables in {folder}", hint="`nearhum pull FOLDER --all` makes them"
        )
    for table, columns in TABLES.items():
        all_columns = (*PARTITION, *columns)
        parts = parts_of(folder, table)
        if any(folder.glob(f"{table}/board=*/day=*/*.parquet")):
            check_version(connection, parts)
            found = set(described(connection, parts))
            rows = f"""FROM read_parquet({quoted(parts)}, union_by_name = true,
                                         hive_partitioning = true,
                                         hive_types = {{'board': VARCHAR, 'day': DATE}})"""
        else:
            found, rows = set(), "LIMIT 0"
        chosen = ", ".join(
            f"CAST({column.name if column.name in found else 'NULL'} AS {column.type}) AS"
            f" {column.name}"
            for column in all_columns
        )
        connection.execute(f"CREATE VIEW {table} AS SELECT {chosen} {rows}")
    for name, rows in VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {rows}")
    return connection


def check_version(connection: duckdb.DuckDBPyConnection, parts: Path) -> None:
    """Raise HostError if a file is damaged, not from nearhum, or of another version.

    parts: a glob of files.
    """
    parts = parts.absolute()
    for path in sorted(Path(parts.anchor).glob(str(parts.relative_to(parts.anchor)))):
        if _says_its_version(path):
            continue
        file = quoted(glob.escape(str(path)))
        sql = (
            f"SELECT decode(value) FROM parquet_kv_metadata({file}) WHERE decode(key) ="
            f" '{SCHEMA_KEY}'"
        )
        versions = _asked(connection, sql, path)
        if not versions:
            raise HostError(
                f"{path} is not nearhum's: it has no {SCHEMA_KEY}", "take it out of the folder"
            )
        found = versions[0][0]
        if found != str(SCHEMA):
            newer = found.isdigit() and int(found) > SCHEMA
            raise HostError(
                f"{path} has layout {found}, this nearhum reads {SCHEMA}",
                "update nearhum" if newer else AGAIN,
            )


def _says_its_version(path: Path) -> bool:
    """Return whether the last bytes of a file show that it is Parquet of this layout.

    False means that DuckDB must be asked. This check comes first because DuckDB parses the whole
    metadata and takes ten times as long for 60,000 files. In the footer, key and value are two
    strings of Thrift's compact protocol, each stored as 0x18, length, text
    (github.com/apache/parquet-format, parquet.thrift, KeyValue).
    """
    try:
        with open(path, "rb") as file:
            n_bytes = file.seek(0, 2)
            file.seek(max(0, n_bytes - _END_BYTES))
            end = file.read()
    except OSError:
        return False
    n_footer = int.from_bytes(end[-8:-4], "little")
    return end.endswith(b"PAR1") and _STAMP in end[max(0, len(end) - 8 - n_footer) : -8]


def described(connection: duckdb.DuckDBPyConnection, parts: Path) -> dict[str, str]:
    """Return {column: type} of the files of a glob."""
    rows = _asked(
        connection,
        f"DESCRIBE SELECT * FROM read_parquet({quoted(parts)}, union_by_name = true,"
        " hive_partitioning = true)",
        parts,
    )
    return {row[0]: row[1] for row in rows}


def _asked(connection: duckdb.DuckDBPyConnection, sql: str, parts: Path) -> list[Any]:
    try:
        return connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise damaged(error, [parts]) or HostError(f"{parts} cannot be read: {error!r}") from None


def damaged(error: Exception, globs: Sequence[Path]) -> HostError | None:
    """Return a HostError that names the damaged file, or None if all files are sound.

    DuckDB's error does not always name the file. If it does not, every file is tried.
    """
    said = re.search(r"'([^'\n]+\.parquet)'|\"([^\"\n]+\.parquet)\"", str(error))
    file = (said.group(1) or said.group(2)) if said else ""
    why = str(error).splitlines()[0].split(": ", 1)[-1]
    for parts in () if file else globs:
        for part in sorted(Path(parts.anchor).glob(str(parts.relative_to(parts.anchor)))):
            try:
                with duckdb.connect() as alone:
                    file_alone = quoted(glob.escape(str(part)))
                    alone.execute(
                        f"SELECT max(COLUMNS(*)) FROM read_parquet({file_alone})"
                    ).fetchall()
            except duckdb.Error:
                return HostError(f"{part} is damaged", AGAIN)
    return HostError(f"{file} is damaged: {why}", AGAIN) if file else None


def globs_of(folder: Path) -> list[Path]:
    """Return the globs of all files of a folder's tables."""
    return [parts_of(folder, table) for table in TABLES]


def parts_of(folder: Path, table: str) -> Path:
    """Return the glob of a table's files. Special characters in the folder's name are escaped."""
    return Path(glob.escape(str(folder.absolute()))) / table / "board=*" / "day=*" / "*.parquet"
