"""Read small csv files of texts, such as labels, in any dialect that spreadsheets write.

Enters: a path. Leaves: rows, each with its line number and its cells by column name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import HostError
from .dialect import split
from .encoding import head_of, lines_of


def read_rows(path: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return [(number of the line, cells by name)] of a csv with a header.

    Encoding, byte order mark, a line sep=; and commas, semicolons or tabs between cells are found.
    needed: columns that must be there. Raises HostError where one is not, or a row has too many or
    too few cells.
    """
    _, text, whole = head_of(path)
    columns = f"the columns are {','.join(needed)}"
    if not whole:
        raise HostError(f"{path} is larger than a file of labels is", columns)
    lines = [(n, line) for n, line in enumerate(lines_of(text), 1) if line.strip()]
    if lines and lines[0][1].strip().strip('"').lower().startswith("sep="):
        lines = lines[1:]
    if not lines:
        raise HostError(f"{path} is empty", columns)
    delimiter = max(",;\t", key=lines[0][1].count)
    names = [name.strip().strip("\ufeff") for name in split(lines[0][1], delimiter)]
    for name in needed:
        if name not in names:
            raise HostError(
                f"{path} has the columns {', '.join(names)[:200]}, not {name!r}", columns
            )
    out = []
    for number, line in lines[1:]:
        row = split(line, delimiter)
        if len(row) != len(names):
            raise HostError(
                f"{path} line {number} has {len(row)} cells, the header {len(names)}", columns
            )
        out.append((number, dict(zip(names, row, strict=True))))
    return out
