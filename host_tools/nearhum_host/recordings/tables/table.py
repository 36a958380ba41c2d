"""Text tables to typed columns: csv, tsv and what instruments write, in bounded memory.

Enters: a path. Leaves: a Table, whose columns are numbers, times or texts, with their names and
units, and what was found odd. The file is read once, a megabyte at a time; a column of whole
numbers is kept as such, so that a table takes no more memory than its text. A cell that does not
fit its column is kept by its place, and is an error once that column is used.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import HostError
from . import cells, sniffing
from . import dialect as dialects
from .cells import MISSING, NUMBER, TEXT, TIME
from .columns import Column, Numbers, Texts
from .dialect import Dialect
from .encoding import chunks, ends_a_line, head_of, lines_of

MAX_BYTES = 1 << 30  # of one file, unpacked: a small archive may claim to hold terabytes
_ODD = re.compile(r'["#%/\x1a]')  # a quote, or what may begin a remark
_CUT = re.compile(r"[-+]?(?:[0-9]+[.,]?[0-9]*[eE]?[-+]?)?")  # a number that breaks off
_SHOWN = {"\t": "tab", " ": "spaces", "": "nothing", ",": "comma", ";": "semicolon"}
SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".asc", ".lvm")


@dataclass
class Table:
    """The columns of a file, of one length. restarts: rows before which the names stood once more.

    lines: (row, its line) wherever lines were skipped before it; none: rows have no lines. how: in
    which encoding, delimiter and decimal sign it is written.
    """

    path: Path
    columns: list[Column]
    named: bool
    restarts: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: list[tuple[int, int]] = field(default_factory=list)
    how: str = ""

    @property
    def n_rows(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def place(self, row: int) -> str:
        """Return how a person finds a row: its line in a text, its number elsewhere."""
        if not self.lines:
            return f"row {row + 1}"
        first, line = next(((r, n) for r, n in reversed(self.lines) if r <= row), self.lines[0])
        return f"line {line + row - first}"


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
    body = _Body(table, dialect, kinds)
    for chunk in chunks(path, encoding, dialect.first, head if whole else None):
        body.take(*chunk)
    body.end(ended=head.endswith(("\n", "\r")) if whole else ends_a_line(path))
    table.columns = body.columns(names, units)
    return table


class _Body:
    """The rows of a table as they come."""

    def __init__(self, table: Table, dialect: Dialect, kinds: list[str]) -> None:
        self.table, self.dialect, self.kinds = table, dialect, kinds
        self.stores = [Numbers() if kind == NUMBER else Texts() for kind in kinds]
        self.times = {i: array("q") for i, kind in enumerate(kinds) if kind == TIME}
        self.bad: dict[int, tuple[int, str]] = {}
        self.day_first: dict[int, bool | None] = {}
        self.dated: dict[int, bool] = {}
        self.zones: dict[int, dict[str, None]] = {}
        self.n_rows = self.n_remarks = 0
        self.next_line = -1
        self.cut: tuple[int, list[str]] | None = (
            None  # a row of another width: an error but for the last
        )
        self.watch_commas = dialect.delimiter == "," and not dialect.names and not dialect.quoted

    def take(self, lines: Sequence[str], number: int) -> None:
        """Take lines of the body; number: of the first of them in the file, from 1."""
        if self._take_plain(lines, number):
            return
        rows: list[Sequence[str]] = []
        for at, row in self._rows(lines, number):
            if self.cut is not None:
                self._refuse_width()
            if len(row) != self.dialect.width:
                self.cut = at, list(row)
                continue
            if at != self.next_line:
                self.table.lines.append((self.n_rows + len(rows), at))
            self.next_line = at + 1
            rows.append(row)
        if rows:
            self._keep(list(zip(*rows, strict=True)))

    def _take_plain(self, lines: Sequence[str], number: int) -> bool:
        """Take lines that are rows and nothing else, as nearly all are; False where one may not
        be.
        """
        dialect = self.dialect
        if self.cut is not None or dialect.labelled or dialect.quoted or not lines:
            return False
        text = "\n".join(lines)
        if _ODD.search(text) or (dialect.header and dialect.header in text):
            return False
        if dialect.delimiter == dialects.NONE:
            if "" in lines:
                return False
            columns: list[Sequence[str]] = [lines]
        else:
            sign = None if dialect.delimiter == dialects.SPACES else dialect.delimiter
            rows = [line.split(sign) for line in lines]
            if {len(row) for row in rows} != {dialect.width + dialect.trailing}:
                return False
            columns = list(zip(*rows, strict=True))
            if dialect.trailing and any(cell.strip() for cell in columns.pop()):
                return False
        if number != self.next_line:
            self.table.lines.append((self.n_rows, number))
        self.next_line = number + len(lines)
        self._keep(columns)
        return True

    def _rows(self, lines: Sequence[str], number: int) -> Iterator[tuple[int, Sequence[str]]]:
        dialect = self.dialect
        delimiter, width, trailing = dialect.delimiter, dialect.width, dialect.trailing
        header, labelled = dialect.header, dialect.labelled
        quoting = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
        for at, line in enumerate(lines, number):
            if not line or line.isspace():
                continue
            if line[0] in "#%/\x1a" and dialects.is_comment(line):
                self.n_remarks += 1
                continue
            if header and line.strip() == header:
                self.table.restarts.append(at)
                continue
            if quoting == csv.QUOTE_MINIMAL and '"' in line:
                row = dialects.split(line, delimiter, True)
            elif delimiter == dialects.SPACES:
                row = line.split()
            elif delimiter:
                row = line.split(delimiter)
            else:
                row = [line]
            if trailing and len(row) == width + 1 and not row[-1].strip():
                row.pop()
            if labelled and len(row) == width:
                row = dialects.values_of(dialect, row)
            yield at, row

    def _keep(self, columns: Sequence[Sequence[str]]) -> None:
        decimal = self.dialect.decimal
        for i, column in enumerate(columns):
            if self.watch_commas:
                self._watch(column, i)
            store = self.stores[i]
            if isinstance(store, Numbers):
                values, bad = cells.numbers(column, decimal)
                if bad >= 0 and i not in self.bad:
                    self.bad[i] = self.n_rows + bad, column[bad].strip()
                store.add(values)
            elif i in self.times:
                self._keep_times(i, column)
            else:
                store.add([cell.strip() for cell in column], decimal)
        self.n_rows += len(columns[0])

    def _keep_times(self, i: int, column: Sequence[str]) -> None:
        if i not in self.dated:
            self.day_first[i] = cells.slashes_say_day_first(column)
            self.dated[i] = cells.has_date(column[0])
        zones = (cells.zone_of(cell) for cell in (column[0], column[-1]))
        self.zones.setdefault(i, {}).update(dict.fromkeys(zone for zone in zones if zone))
        values, bad = cells.stamps(column, self.day_first[i])
        if bad >= 0 and i not in self.bad:
            self.bad[i] = self.n_rows + bad, column[bad].strip()
        self.times[i].frombytes(values.tobytes())

    def _watch(self, column: Sequence[str], i: int) -> None:
        for row, cell in enumerate(column):
            if not dialects.whole_as_written(cell.strip()):
                place = self.table.place(self.n_rows + row)
                raise dialects.commas_of_two_kinds(
                    f"{self.table.path} {place}, column {i}: {cell!r}"
                )

    def _refuse_width(self) -> None:
        assert self.cut is not None
        at, row = self.cut
        shown = self.dialect.delimiter.join(row)[:40]
        raise HostError(
            f"{self.table.path} line {at} has {len(row)} cells, "
            f"the others {self.dialect.width}: {shown!r}",
            "mend that line, or cut it out",
        )

    def end(self, ended: bool) -> None:
        """Judge the last line, which a logger may have cut short. ended: the file ends a line."""
        if self.cut is not None:
            at, row = self.cut
            if len(row) > self.dialect.width or self.n_rows == 0:
                self._refuse_width()
            self.table.notes.append(f"the last line, {at}, is cut short and left out")
        elif not ended and self.n_rows:
            self._drop_last_if_bad()
        if self.n_remarks:
            n = self.n_remarks
            self.table.notes.append(f"{n} line{'s' if n > 1 else ''} of remarks left out")
        after = (
            next((row for row, line in self.table.lines if line > at), 0)
            for at in self.table.restarts
        )
        self.table.restarts = sorted(set(after) - {0})
        if self.table.restarts:
            self.table.notes.append(
                f"the names stand again before {len(self.table.restarts)} of its rows: a gap there"
            )

    def _drop_last_if_bad(self) -> None:
        last = self.n_rows - 1
        at_last = [i for i, (row, _) in self.bad.items() if row == last]
        if at_last != [len(self.kinds) - 1] or not _CUT.fullmatch(self.bad[at_last[0]][1]):
            return
        for store in self.stores:
            if len(store.kept):
                store.kept.pop()
        for kept in self.times.values():
            kept.pop()
        self.bad = {i: found for i, found in self.bad.items() if found[0] != last}
        self.n_rows = last
        self.table.notes.append(f"the last line, {self.next_line - 1}, is cut short and left out")

    def columns(self, names: Sequence[str], units: Sequence[str]) -> list[Column]:
        """Return the columns read."""
        out = []
        for i, (name, unit) in enumerate(zip(names, units, strict=True)):
            store, bad = self.stores[i], self.bad.get(i)
            if isinstance(store, Numbers):
                out.append(Column(name, unit, NUMBER, store.array(), bad))
            elif i in self.times:
                values = (
                    np.frombuffer(self.times[i], np.int64) if self.n_rows else np.empty(0, np.int64)
                )
                dated, zones = self.dated.get(i, False), list(self.zones.get(i, ()))
                out.append(Column(name, unit, TIME, values, bad, has_date=dated, zones=zones))
            else:
                kind = MISSING if set(store.codes) <= {""} or self.kinds[i] == MISSING else TEXT
                if kind == MISSING and not all(cells.missing(cell) for cell in store.codes):
                    kind = TEXT
                codes = (
                    np.frombuffer(store.kept, np.int32) if self.n_rows else np.empty(0, np.int32)
                )
                column = Column(name, unit, kind, codes, store.first_text, list(store.codes))
                column.many = store.many
                out.append(column)
        return out
