"""Turn the rows of a text table into typed columns, block by block.

Enters: lines, and their dialect. Leaves: columns of numbers, times and texts. A cell that
does not fit its column is kept by its place.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat

import numpy as np

from ...errors import HostError
from ..times import stamps
from . import cells
from . import dialect as dialects
from .cells import MISSING, NUMBER, TEXT, TIME
from .columns import Alike, Column, Numbers, Table, Texts
from .dialect import Dialect

_ODD = re.compile(r'["#%\x1a]|//')  # A quote, or the beginning of a remark.
_CUT = re.compile(r"[-+]?(?:[0-9]+[.,]?[0-9]*[eE]?[-+]?)?")  # An incomplete number.


class Body:
    """The rows of a table as they come."""

    def __init__(self, table: Table, dialect: Dialect, kinds: list[str]) -> None:
        self.table, self.dialect, self.kinds = table, dialect, kinds
        self.stores = [Numbers() if kind == NUMBER else Texts() for kind in kinds]
        self.times = {i: array("q") for i, kind in enumerate(kinds) if kind == TIME}
        self.bad: dict[int, tuple[int, str]] = {}
        self.alike: dict[int, Alike] = {}
        self.day_first: dict[int, bool | None] = {}
        self.dated: dict[int, bool] = {}
        self.two_days: dict[int, str] = {}
        self.zones: dict[int, dict[str, None]] = {}
        self.n_rows = self.n_remarks = 0
        self.next_line = -1
        self.cut: tuple[int, list[str]] | None = (
            None  # a row of another width: an error but for the last
        )
        self.watch_commas = dialect.delimiter == "," and not (dialect.all_named or dialect.quoted)

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
            wide = dialect.width + dialect.trailing
            if dialect.delimiter == dialects.SPACES:
                rows = [line.split() for line in lines]
                if {len(row) for row in rows} != {wide}:
                    return False
                columns = list(zip(*rows, strict=True))
            else:
                if set(map(str.count, lines, repeat(dialect.delimiter))) != {wide - 1}:
                    return False
                cells_of_all = text.replace("\n", dialect.delimiter).split(dialect.delimiter)
                columns = [cells_of_all[i::wide] for i in range(wide)]
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
                if bad >= 0:
                    self._keep_bad(i, column, np.flatnonzero(~np.isfinite(values)).tolist())
                store.add(values)
            elif i in self.times:
                self._keep_times(i, column)
            else:
                store.add([cell.strip() for cell in column], decimal)
        self.n_rows += len(columns[0])

    def _keep_times(self, i: int, column: Sequence[str]) -> None:
        if i not in self.dated:
            self.dated[i] = stamps.has_date(column[0])
            self.day_first[i] = None
        if self.day_first[i] is None and ("/" in column[0] or "-" in column[0].strip()[:3]):
            self._order_days(i, column)
        zones = (stamps.zone_of(cell) for cell in (column[0], column[-1]))
        self.zones.setdefault(i, {}).update(dict.fromkeys(zone for zone in zones if zone))
        values, bad = stamps.stamps(column, self.day_first[i])
        if bad >= 0:
            self._keep_bad(i, column, range(bad, len(column)))
        self.times[i].frombytes(values.tobytes())

    def _keep_bad(self, i: int, column: Sequence[str], rows: Sequence[int]) -> None:
        """Keep the first bad cell of column i, and count those alike. rows: where some may be."""
        if i not in self.bad:
            self.bad[i] = self.n_rows + rows[0], column[rows[0]].strip()
            self.alike[i] = Alike()
        cell = self.bad[i][1]
        self.alike[i].add([self.n_rows + row for row in rows if column[row].strip() == cell])

    def _order_days(self, i: int, column: Sequence[str]) -> None:
        """Settle whether the day is first in dates as 02/03/2026, once a number above 12 says it.

        Until then the month is; what was read so is put right.
        """
        before = self.day_first[i]
        self.day_first[i] = before if before is not None else stamps.slashes_say_day_first(column)
        if self.day_first[i] is None:
            cell = next((cell for cell in column if stamps.may_be_two_days(cell)), "")
            self.two_days[i] = self.two_days.get(i) or cell.strip()
            return
        if self.day_first[i] and self.times[i]:
            put = stamps.swapped(np.frombuffer(self.times[i], np.int64))
            self.times[i] = array("q", put.tobytes())
        self.two_days.pop(i, None)

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
            "correct that line, or remove it",
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
            store, bad, alike = self.stores[i], self.bad.get(i), self.alike.get(i, Alike())
            if isinstance(store, Numbers):
                out.append(Column(name, unit, NUMBER, store.array(), bad, alike=alike))
            elif i in self.times:
                values = (
                    np.frombuffer(self.times[i], np.int64) if self.n_rows else np.empty(0, np.int64)
                )
                dated, zones = self.dated.get(i, False), list(self.zones.get(i, ()))
                column = Column(name, unit, TIME, values, bad, has_date=dated, zones=zones)
                column.two_days, column.alike = self.two_days.get(i, ""), alike
                column.day_first = self.day_first.get(i)
                out.append(column)
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
