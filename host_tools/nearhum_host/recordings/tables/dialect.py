"""The dialect of a text table, and splitting its lines into cells by it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import HostError
from .cells import NUMBER, TEXT, kind_of
from .numerals import may_be_thousands, not_in_one_way, says_decimal

SPACES = " "  # Delimiter: one or more spaces.
NONE = ""  # No delimiter: the table has one column.
LABELLED = re.compile(r"\s*([A-Za-z_][\w .]*?)\s*[:=]\s*(\S+)\s*")
# Texts that spreadsheets write into a cell without a value.
_ERROR_CELL = re.compile(r"#(?:N/A|NV|DIV/0!|VALUE!|WERT!|REF!|BEZUG!|NAME\?|NULL!|NUM!|ZAHL!)")
_WORDS = re.compile(r'(?<!\S)"[^"]*"(?!\S)|\S+')
COMMENTS = ("#", "%", "//", "\x1a")


@dataclass
class Dialect:
    """How a table is written.

    first: index of the first line of the body; names: as in the header, "" or none where it has
    none; kinds: NUMBER, TIME, TEXT or MISSING a column; labelled: cells are name:value.
    """

    delimiter: str
    decimal: str
    width: int
    first: int
    kinds: list[str]
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    header: str = ""
    n_before: int = 0
    labelled: bool = False
    trailing: bool = False
    quoted: bool = False

    @property
    def all_named(self) -> bool:
        """Whether every cell of a row stands under a name; a column without one has its number."""
        if self.trailing and not self.header.endswith(self.delimiter.strip() or "\t"):
            return False  # the names may be those of all cells but for a comma within a number
        return bool(self.names) and all(
            name != str(i) for i, name in enumerate(self.names) if i or not name
        )


def split(line: str, delimiter: str, quoted: bool = False) -> list[str]:
    """Return the cells of a line, without the spaces around them."""
    if delimiter == NONE:
        return [line.strip().strip('"') if quoted else line.strip()]
    if delimiter == SPACES:
        if '"' in line:
            return [cell.strip('"') for cell in _WORDS.findall(line)]
        return line.split()
    if quoted or '"' in line:
        try:
            row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
            return [cell.strip() for cell in row]
        except csv.Error:
            pass
    return [cell.strip() for cell in line.split(delimiter)]


def is_comment(line: str) -> bool:
    """Return whether a line is a remark of whoever wrote the file; #N/A and #DIV/0! are cells."""
    bare = line.lstrip()
    return bare.startswith(COMMENTS) and not _ERROR_CELL.match(bare)


def values_of(dialect: Dialect, row: Sequence[str]) -> list[str]:
    """Return the cells of a row, without their names where the table writes name:value."""
    if not dialect.labelled:
        return list(row)
    found = [LABELLED.fullmatch(cell) for cell in row]
    if dialect.names and [one[1] if one else "" for one in found] != dialect.names:
        return list(row)  # other names, or another order: no row of this table
    return [one[2] if one else cell for one, cell in zip(found, row, strict=True)]


def cells_of(dialect: Dialect, line: str) -> list[str]:
    """Return the cells of a line of the body; more or fewer than width where it is not one."""
    row = split(line, dialect.delimiter, dialect.quoted)
    if dialect.trailing and len(row) == dialect.width + 1 and row[-1] == "":
        row = row[:-1]
    return values_of(dialect, row) if len(row) == dialect.width else row


def are_labelled(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether cells are name:value, by the same names in every row."""
    names = set()
    for row in rows:
        found = [LABELLED.fullmatch(cell) for cell in row]
        if not all(found):
            return False
        names.add(tuple(one[1] for one in found if one))
    return len(names) == 1 and all(
        kind_of(c.split(":")[-1].split("=")[-1], ".") != TEXT for c in rows[0]
    )


_FEW_ROWS = 30  # Fewer rows may have no decimals that begin with 0 by chance.
_FEWEST_ROWS = 5  # Fewer rows are too few to decide.
_FEW_DIGITS = 4  # Decimals have more different digits. States such as 0 and 1 have fewer.
_WHOLE_BUT_NONE = re.compile(r"-0|[-+]?0\d+(?:\.\d*)?|[-+]?\d{2,}[eE][-+]?\d+")


def whole_as_written(cell: str) -> bool:
    """Return False where nobody writes a cell so for a number: "-0", "0173", "074.9"."""
    return _WHOLE_BUT_NONE.fullmatch(cell) is None


def commas_of_two_kinds(where: str) -> HostError:
    """Return the error of commas that may belong to numbers; where: file, place and cell."""
    thousands = "." in where.rpartition(": ")[2]
    what = "stand between thousands and" if thousands else "are decimal signs and stand"
    return HostError(
        f"{where} is not a whole number: commas {what} between columns as well",
        "export with semicolons between the columns, with decimal points, or with a line of names",
    )


def refuse_thousands(dialect: Dialect, body: Sequence[tuple[int, list[str]]], name: str) -> None:
    """Raise where a column may be whole numbers with a sign between thousands: 912, 7.335, 12.004.

    That is so where it holds both, and nothing else, and no cell of the table says what its decimal
    sign is. Fractions of three digits throughout are fractions.
    """
    if len(dialect.decimal) > 1:
        return
    rows = [(line, row) for line, row in body if len(row) == dialect.width]
    odd = None
    for i, kind in enumerate(dialect.kinds):
        if kind != NUMBER:
            continue
        first, n_whole, others = None, 0, False
        for line, row in rows:
            cell = row[i]
            if dialect.decimal not in cell:
                others = others or not re.fullmatch(r"[-+]?[0-9]{1,3}", cell)
                n_whole += cell != "0"
            elif may_be_thousands(cell, dialect.decimal):
                first = first or (line, i, cell)
            elif says_decimal(cell, dialect.decimal):
                return
            else:
                others = True
        if first and n_whole and not others:
            odd = odd or first
    if odd:
        line, i, cell = odd
        column = repr(dialect.names[i]) if dialect.names else str(i)
        what, remedy = not_in_one_way(cell)
        raise HostError(f"{name} line {line}, column {column}: {what}", remedy)


def refuse_commas_of_two_kinds(
    dialect: Dialect, body: Sequence[tuple[int, list[str]]], name: str
) -> None:
    """Raise where the commas may be decimal signs as well as between cells: 0,0173,-0,0296.

    A logger writes no "-0" and no "0173" for a whole number, and whole numbers that stand second,
    fourth and so on seldom have more digits than their neighbours and never a sign. Names for as
    many columns as there are cells settle it.
    """
    if dialect.delimiter != "," or dialect.quoted or dialect.all_named:
        return
    for line, row in body:
        for column, cell in enumerate(row):
            if not whole_as_written(cell):
                raise commas_of_two_kinds(f"{name} line {line}, column {column}: {cell!r}")
    rows = [row for _, row in body if len(row) == dialect.width]
    for i in range(dialect.width - 1):
        whole = all(re.fullmatch(r"[-+]?[1-9]\d{0,2}", row[i]) for row in rows)
        if whole and all(re.fullmatch(r"\d{3}\.\d+", row[i + 1]) for row in rows):
            where = f"{name} line {body[0][0]}, column {i}: '{rows[0][i]},{rows[0][i + 1]}'"
            raise commas_of_two_kinds(where)
    _refuse_pairs(dialect, body, rows, name)


def _refuse_pairs(
    dialect: Dialect,
    body: Sequence[tuple[int, list[str]]],
    rows: Sequence[Sequence[str]],
    name: str,
) -> None:
    """Raise where neighbours may be one number, as 1,5,2,5: in all columns, but for a time or a
    count before them and labels behind.

    What stands second is then always digits without a sign, and of as many digits in all rows, or
    nearly always longer than what stands first. Of two or more digits it begins with 0 in a tenth
    of the rows, which is seen in the cell itself; only few rows leave that open.
    """
    first = next((i for i, kind in enumerate(dialect.kinds) if kind == NUMBER), 0)
    until = next(
        (i for i in range(first, dialect.width) if dialect.kinds[i] != NUMBER), dialect.width
    )
    if len(rows) < _FEWEST_ROWS:
        return
    for start in {first + (until - first) % 2, first}:
        pairs = range(start, until - 1, 2)
        if not pairs or (until - start) % 2:
            continue
        grouped = any("." in row[i] for row in rows for i in pairs)
        if all(
            _may_be_one([row[i] for row in rows], [row[i + 1] for row in rows], grouped)
            for i in pairs
        ):
            line, row = body[0]
            raise commas_of_two_kinds(f"{name} line {line}, column {start + 1}: {row[start + 1]!r}")


def _may_be_one(before: Sequence[str], behind: Sequence[str], grouped: bool) -> bool:
    """Return whether two columns may be one number: its whole part, and its decimals.

    grouped: points stand between the thousands of some, which tells them from fractions.
    """
    form = r"[-+]?\d{1,3}(?:\.\d{3})*" if grouped else r"[-+]?\d+"
    if not all(cell.isdecimal() for cell in behind):
        return False
    if not all(re.fullmatch(form, cell) for cell in before):
        return False
    n = len(behind)
    short = sum(len(cell.lstrip("+-")) < 3 for cell in before)
    if sum(len(cell) > 2 for cell in behind) >= 0.8 * n and short >= 0.9 * n:
        return True
    few = n < _FEW_ROWS
    alike = len({len(cell) for cell in behind}) == 1 and (few or len(behind[0]) == 1)
    return alike and (grouped or short == n) and (few or len({*behind}) > _FEW_DIGITS)
