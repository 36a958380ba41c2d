"""Read text tables as typed columns: csv, tsv and files of instruments, in bounded memory.

Enters: a path. Leaves: a Table with columns of numbers, times or texts, their names and units, and
notes. The file is read once, a megabyte at a time. Columns of whole numbers stay integers, so that
a table needs no more memory than its text. A cell that does not fit its column is remembered with
its place. It is an error only if that column is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import HostError
from . import sniffing
from .body import Body
from .cells import TEXT
from .columns import Table
from .encoding import chunks, ends_a_line, head_of, lines_of

MAX_BYTES = 1 << 30  # Of one unpacked file. A small archive may claim to hold terabytes.
_SHOWN = {"\t": "tab", " ": "spaces", "": "nothing", ",": "comma", ";": "semicolon"}
SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".asc", ".lvm")


def read_table(path: Path, texts: Sequence[str] = ()) -> Table:
    """Return the table in a text file. texts: names of columns that are kept as written (labels).

    Raises HostError where it is no table, a row has too many or too few cells, or it is too large.
    """
    try:
        n_bytes = path.stat().st_size
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
    if n_bytes > MAX_BYTES:
        raise HostError(f"{path} holds {n_bytes} bytes", f"split it: {MAX_BYTES} at most")
    encoding, head, whole = head_of(path)
    lines = lines_of(head)
    dialect = sniffing.sniff(lines, str(path))
    names = dialect.names or [str(i) for i in range(dialect.width)]
    units = dialect.units or [""] * dialect.width
    table = Table(path, [], bool(dialect.names), [])
    table.how = f"{encoding}, {_SHOWN.get(dialect.delimiter, dialect.delimiter)} between columns, "
    table.how += f"decimal {'comma' if dialect.decimal[0] == ',' else 'point'}"
    if dialect.n_before:
        n = dialect.n_before
        table.notes.append(f"{n} line{'s' if n > 1 else ''} before the table left out")
    kinds = [
        TEXT if name in texts else kind for name, kind in zip(names, dialect.kinds, strict=True)
    ]
    body = Body(table, dialect, kinds)
    for chunk in chunks(path, encoding, dialect.first, head if whole else None):
        body.take(*chunk)
    body.end(ended=head.endswith(("\n", "\r")) if whole else ends_a_line(path))
    table.columns = body.columns(names, units)
    return table
