"""Read Parquet files as typed columns, with DuckDB.

Enters: a path. Leaves: a Table. DuckDB takes brackets, * and ? in a path for a pattern, and folders
such as wearer=3 for columns. So paths are escaped, and columns from folders are switched off.
"""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import HostError
from ...extras import needs
from ..times import stamps
from .cells import MISSING, NUMBER, TEXT, TIME
from .columns import MAX_TEXTS, Alike, Column, Table
from .table import MAX_BYTES
from .units import split_unit

_WHOLE = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)")
_FRACTION = re.compile(r"FLOAT|DOUBLE|REAL|HUGEINT|UHUGEINT|DECIMAL.*")


def read_parquet(path: Path) -> Table:
    """Return the columns of a Parquet file.

    Whole numbers and fractions are NUMBER, TIMESTAMP, DATE and TIME are TIME, VARCHAR and BOOLEAN
    TEXT; what else there is (lists, structures, blobs) is left out with a note. Raises HostError
    where the file cannot be read or is too large.
    """
    with needs("train"):
        import duckdb
    if not path.is_file():
        raise HostError(f"cannot read {path}: there is no such file", "check the path")
    try:
        with duckdb.connect() as db:
            db.execute("SET TimeZone = 'UTC'")
            source = f"read_parquet({_quoted(path)}, hive_partitioning = false)"
            described = db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            counted = db.execute(f"SELECT count(*) FROM {source}").fetchone()
            n_rows = counted[0] if counted else 0
            if n_rows * len(described) * 8 > MAX_BYTES:
                raise HostError(
                    f"{path} holds {n_rows} rows of {len(described)} columns",
                    f"split it: {MAX_BYTES} bytes of samples at most",
                )
            table = Table(path, [], True)
            for name, kind, *_ in described:
                column = _column(db, source, name, kind)
                if column is None:
                    table.notes.append(
                        f"column {name!r} ({kind}) is left out: it is no number, time or text"
                    )
                else:
                    table.columns.append(column)
            return table
    except duckdb.Error as error:
        why = str(error).splitlines()[0].replace(str(path.resolve()), path.name)
        raise HostError(
            f"{path} is not a readable Parquet file: {why}", "write it again, or leave it out"
        ) from None


def _quoted(path: Path) -> str:
    return "'" + glob.escape(str(path.absolute())).replace("'", "''") + "'"


def _column(db: Any, source: str, name: str, kind: str) -> Column | None:
    quoted = '"' + name.replace('"', '""') + '"'
    unit = split_unit(name)[1]
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        values, empty = _fetch(db, source, f"epoch_ns({quoted}::TIMESTAMP_NS)", np.int64)
        zones = []
        if kind.startswith("TIMESTAMP WITH"):
            values, empty = _fetch(db, source, f"epoch_us({quoted}) * 1000", np.int64)
            zones = ["UTC"]
        return _with_bad(Column(name, unit, TIME, values, zones=zones), empty, "")
    if kind == "TIME":
        values, empty = _fetch(db, source, f"epoch_ns({quoted})", np.int64)
        return _with_bad(Column(name, unit, TIME, values, has_date=False), empty, "")
    if _WHOLE.fullmatch(kind):
        values, empty = _fetch(db, source, quoted, None)
        return _with_bad(Column(name, unit, NUMBER, values), empty, "")
    if _FRACTION.fullmatch(kind):
        values, empty = _fetch(db, source, f"{quoted}::DOUBLE", np.float64)
        column = _with_bad(Column(name, unit, NUMBER, values), empty, "")
        odd = np.flatnonzero(~np.isfinite(values))
        if not len(empty) and len(odd):
            first = values[odd[0]]
            like = odd if np.isnan(first) else odd[values[odd] == first]
            _with_bad(column, like, str(first))
        return column
    if kind in ("VARCHAR", "BOOLEAN") or kind.startswith("ENUM"):
        return _texts(db, source, name, quoted)
    return None


def _fetch(db: Any, source: str, what: str, kind: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return (values, the rows that have none)."""
    values = db.execute(f"SELECT {what} AS v FROM {source}").fetchnumpy()["v"]
    empty = np.empty(0, np.int64)
    if np.ma.isMaskedArray(values):
        empty = np.flatnonzero(np.ma.getmaskarray(values))
        values = values.filled(0)
    return np.asarray(values if kind is None else values.astype(kind)), empty


def _with_bad(column: Column, rows: np.ndarray, cell: str) -> Column:
    """Return a column that says that `cell` stands in these rows of it, and does not fit."""
    if len(rows):
        column.bad = int(rows[0]), cell
        column.alike = Alike()
        column.alike.add(rows.tolist())
    return column


def _texts(db: Any, source: str, name: str, quoted: str) -> Column:
    found = db.execute(
        f"SELECT DISTINCT {quoted}::VARCHAR AS v FROM {source} ORDER BY v LIMIT {MAX_TEXTS + 1}"
    ).fetchall()
    names = [row[0] for row in found if row[0] is not None]
    if names and all(stamps.is_stamp(one) for one in names[:100]):
        values = db.execute(f"SELECT coalesce({quoted}, '') AS v FROM {source}").fetchnumpy()["v"]
        day_first = stamps.slashes_say_day_first(names)
        times, first = stamps.stamps(list(values), day_first)
        bad = None if first < 0 else (first, str(values[first]))
        column = Column(name, "", TIME, times, bad, has_date=stamps.has_date(names[0]))
        column.day_first = day_first
        if day_first is None:
            column.two_days = next((one for one in names if stamps.may_be_two_days(one)), "")
        return column
    db.execute("CREATE OR REPLACE TEMP TABLE names (v VARCHAR, i INTEGER)")
    if len(names) <= MAX_TEXTS:
        db.executemany(
            "INSERT INTO names VALUES (?, ?)",
            [[v, i + 1] for i, v in enumerate(names)] or [["", 0]],
        )
    codes = db.execute(
        f"SELECT coalesce(n.i, 0) AS i FROM (SELECT {quoted}::VARCHAR AS v, "
        f"row_number() OVER () AS r FROM {source}) t "
        "LEFT JOIN names n ON t.v = n.v ORDER BY t.r"
    ).fetchnumpy()["i"]
    codes = np.asarray(codes, np.int32)
    column = Column(name, "", TEXT if names else MISSING, codes, None, ["", *names])
    column.many = len(names) > MAX_TEXTS
    return _with_bad(column, np.flatnonzero(codes == 0), "")
