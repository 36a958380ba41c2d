"""Typed columns of a table, which grow while it is read."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import HostError, UsageError
from . import cells
from .numerals import is_number, like_number
from .units import says_label, says_remark, split_unit

_BEGINS = re.compile(r"[-+]?[0-9]+[.,][0-9]+[^0-9.,:/-]")
FEW_TEXTS = 8  # Loggers have few different texts for "no value". Remarks are many.
_ERRORS = frozenset(("err", "error", "ol", "o.l.", "over", "overrange", "overflow", "underflow"))
_ERRORS |= {"underrange", "invalid", "no data", "nodata", "bad value"}
MAX_TEXTS = 100_000  # Limit of different texts in a column. More are remarks, not labels.
MOST_LABELS = 64  # Most different texts of a column that is taken for labels by itself.
TAKE_LABEL = "--label-column takes it as the label"
RUN = 3  # A label spans at least so many rows on average. A remark has one row.
SHOWN = 3  # Places of bad cells in an error message.


@dataclass
class Alike:
    """The cells of a column that are written like its first bad one: how many, the first rows."""

    n: int = 0
    rows: list[int] = field(default_factory=list)

    def add(self, rows: Sequence[int]) -> None:
        self.n += len(rows)
        self.rows += rows[: SHOWN - len(self.rows)]


@dataclass
class Column:
    """A column. kind: NUMBER (float64 or int), TIME (int64 ns), TEXT (codes of names) or MISSING.

    bad: (row, cell) of the first cell that does not fit, None where all do. has_date: its times are
    of a day that is known. zones: those that its times say, as written. names: of a TEXT column,
    what its codes mean.
    """

    name: str
    unit: str
    kind: str
    values: np.ndarray
    bad: tuple[int, str] | None = None
    names: list[str] = field(default_factory=list)
    has_date: bool = True
    zones: list[str] = field(default_factory=list)
    two_days: str = ""  # one of its dates, where all may have the day or the month first
    day_first: bool | None = None  # what its dates as 13/02/2026 say themselves
    many: bool = False  # more than MAX_TEXTS different texts: the codes mean nothing
    alike: Alike = field(default_factory=Alike)  # to `bad`, which is one of them

    def texts(self) -> np.ndarray:
        """Return the cells of a TEXT column as they were written, object (n,)."""
        return np.array(self.names, object)[self.values]

    def holds_numbers(self) -> bool:
        """Return whether a TEXT column was meant to be numbers: by its unit, or by its cells.

        Some of them are numbers with a unit, with another decimal sign or with thousands; or there
        are few other texts, as ERR; or nothing but such texts.
        """
        n_cells = np.ones(len(self.names), np.int64)
        if not self.many:
            n_cells = np.bincount(self.values, minlength=len(self.names))
        there = [(c, n) for c, n in zip(self.names, n_cells, strict=True) if not cells.missing(c)]
        like = {cell for cell, _ in there if like_number(cell)}
        n_like, n = sum(n for cell, n in there if cell in like), sum(n for _, n in there)
        texts = [cell for cell, _ in there if cell not in like]
        begin = sum(n for cell, n in there if _BEGINS.match(cell))
        if n and begin >= 0.9 * n and len(there) > FEW_TEXTS:
            return True  # 0.35±0.1: fractions with something behind them
        if not like:
            return bool(texts) and all(cell.lower() in _ERRORS for cell in texts)
        if not texts and len(like) <= FEW_TEXTS and all(cell.isdecimal() for cell in like):
            return False  # numbers of classes, written as text
        return bool(10 * n_like >= n) or len(texts) <= FEW_TEXTS

    def what_text(self) -> str:
        """Return "label" for a TEXT column that says what is true of its rows, else why not.

        Remarks stand in single rows, and most cells beside them are empty; labels stand over runs
        of rows, or in a column that says so by its name.
        """
        if self.many or len(self.names) > MOST_LABELS:
            return "text"
        if says_label(self.name):
            return "label"
        if says_remark(self.name):
            return f"remarks by its name; {TAKE_LABEL}"
        there = np.array([not cells.missing(cell) for cell in self.names])[self.values]
        begins = np.flatnonzero(np.diff(self.values, prepend=-1))
        n, n_runs = int(there.sum()), int(there[begins].sum())
        if 2 * n < len(there) and n < RUN * n_runs:
            return f"remarks in {n} of {len(there)} rows; {TAKE_LABEL}"
        return "label"

    def first_no_number(self) -> tuple[int, str]:
        """Return (row, cell) of the first cell of a TEXT column that is no number."""
        if self.bad and self.bad[1]:
            row, cell = self.bad
        else:
            odd = [not is_number(cell) and not cells.missing(cell) for cell in self.names]
            row = int(np.argmax(np.array(odd)[self.values]))
            cell = self.names[self.values[row]]
        if not self.many:
            self.alike = Alike()
            self.alike.add(np.flatnonzero(self.values == self.values[row]).tolist())
        return row, cell


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

    def bad_cells(self, column: Column, what: str) -> str:
        """Return where the bad cells of a column are, and what is wrong with the first of them.

        what: that. Cells without a value that are written alike are counted and told together.
        """
        assert column.bad is not None
        row, cell = column.bad
        if column.alike.n < 2 or not cells.missing(cell):
            return f"{self.path} {self.place(row)}, column {column.name!r}: {what}"
        one = "empty cells" if not cell else f"cells {cell[:40]!r}"
        places = [self.place(row) for row in column.alike.rows]
        word = places[0].partition(" ")[0]
        numbers = ", ".join(place.partition(" ")[2] for place in places)
        return (
            f"{self.path} has {column.alike.n} {one} in column {column.name!r}, "
            f"first at {word}s {numbers}"
        )

    def find(self, name: str) -> Column:
        """Return the column of a name or a number. Raises where there is none, or more."""
        names = [column.name for column in self.columns]
        same = [i for i, one in enumerate(names) if one == name]
        same = same or [i for i, one in enumerate(names) if split_unit(one)[0] == name]
        if len(same) > 1:
            numbers = ",".join(str(i) for i in same)
            raise HostError(
                f"{self.path} has {len(same)} columns {name!r}",
                f"name one by its number: {numbers}",
            )
        if same:
            return self.columns[same[0]]
        if name.isdecimal() and int(name) < len(names):
            return self.columns[int(name)]
        shown = ", ".join(names)[:400] if self.named else f"0 to {len(names) - 1}"
        raise UsageError(f"{self.path} has no column {name!r}", hint=f"its columns: {shown}")

    def check_names(self) -> None:
        """Raise where a name stands twice."""
        counts = Counter(column.name for column in self.columns if self.named)
        twice = [name for name, n in counts.items() if n > 1]
        if twice:
            numbers = ",".join(str(i) for i in range(len(self.columns)))
            raise HostError(
                f"{self.path} has {counts[twice[0]]} columns {twice[0]!r}",
                f"choose columns by their numbers from 0: --columns {numbers}",
            )


class Numbers:
    """Numbers of a column as they come: whole ones in the fewest bytes that hold all so far."""

    def __init__(self) -> None:
        self.kept = array("h")

    def add(self, values: np.ndarray) -> None:
        code = self.kept.typecode
        if code != "d":
            whole = bool(np.all(values == np.rint(values)))
            top = float(np.max(np.abs(values))) if len(values) else 0.0
            needed = ("h" if top < 2**15 else "q" if top < 2**53 else "d") if whole else "d"
            if "hqd".index(needed) > "hqd".index(code):
                wider = (
                    np.frombuffer(self.kept, code).astype(needed)
                    if self.kept
                    else np.empty(0, needed)
                )
                self.kept = array(needed)
                self.kept.frombytes(wider.tobytes())
        self.kept.frombytes(values.astype(self.kept.typecode).tobytes())

    def array(self) -> np.ndarray:
        return np.frombuffer(self.kept, self.kept.typecode) if self.kept else np.empty(0, np.int16)


class Texts:
    """Texts of a column as they come: each once, and its number a row."""

    def __init__(self) -> None:
        self.codes, self.kept = {}, array("i")
        self.many = False
        self.first_text: tuple[int, str] | None = None

    def add(self, some: Sequence[str], decimal: str) -> None:
        codes, kept = self.codes, self.kept
        start = len(kept)
        for i, cell in enumerate(some):
            if cell not in codes:
                self.many = self.many or len(codes) == MAX_TEXTS
                if not self.many:
                    codes[cell] = len(codes)
            kept.append(codes.get(cell, 0))
            if is_number(cell, decimal):
                continue
            if self.first_text is None and not cells.missing(cell):
                self.first_text = start + i, cell
