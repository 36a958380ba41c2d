"""Find the dialect of a text table from its first lines: preamble, names, delimiter, decimal sign.

Enters: lines. Leaves: a Dialect, by which table.py reads the whole file strictly. No single line
decides. The delimiter and the decimal sign are those with which most cells in the last lines of the
sample are numbers or times. If two dialects are equally good, the file is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from ...errors import HostError, NoSamples
from .cells import MISSING, NUMBER, TEXT, TIME, kind_of
from .dialect import (
    LABELLED,
    NONE,
    SPACES,
    Dialect,
    are_labelled,
    cells_of,
    is_comment,
    refuse_commas_of_two_kinds,
    refuse_thousands,
    split,
    whole_as_written,
)
from .header import find_names
from .numerals import decimal_of, like_number, why_not
from .units import is_unit, is_unit_row

HEAD_LINES = 4000  # Lines of the sample. A preamble must be shorter than half of it.
SAMPLE_LINES = 400
BODY_LINES = 2000  # Rows that are checked for two kinds of commas and thousands.
_MUCH = 0.1  # Spaces also occur inside cells, so they must win by this share of good cells.
_DELIMITERS = ("\t", ";", "|", ",", SPACES, NONE)


def sniff(lines: Sequence[str], name: str) -> Dialect:
    """Return the dialect of a table with these first lines (line ends cut). name: for messages.

    Raises HostError where there is no table, or none that can be read in one way alone.
    """
    lines = list(lines[:HEAD_LINES])
    start, forced = 0, None
    if lines and (found := re.fullmatch(r'"?sep=(.)"?\s*', lines[0].lstrip("\ufeff"))):
        start, forced = 1, found[1]
    usable = [i for i in range(start, len(lines)) if lines[i].strip() and not is_comment(lines[i])]
    if not usable:
        raise NoSamples(f"{name} holds no samples", "record at least one window")
    # The head of a file may be a preamble: the later half of the sample tells what the body is.
    tail = usable[len(usable) // 2 :][:SAMPLE_LINES] if len(usable) > 3 else usable[-2:]
    sample = [lines[i] for i in tail]
    dialect = _one_of_decimals(_best(sample, forced), sample, lines)
    _settle_last_column(dialect, lines, usable)
    _find_body(dialect, lines, usable, name)
    find_names(dialect, lines, usable, name)
    rows = [i for i in usable if i >= dialect.first]
    body = [(i + 1, cells_of(dialect, lines[i])) for i in rows[:BODY_LINES]]
    refuse_commas_of_two_kinds(dialect, body, name)
    refuse_thousands(dialect, body, name)
    return dialect


def _best(sample: Sequence[str], forced: str | None) -> Dialect:
    quoted = any('"' in line for line in sample)
    best, best_share = None, -1.0
    for delimiter in (forced,) if forced else _DELIMITERS:
        rows = [split(line, delimiter, quoted) for line in sample]
        width, n = Counter(len(row) for row in rows).most_common(1)[0]
        if delimiter != NONE and width < 2 and not forced:
            continue
        rows = [row for row in rows if len(row) == width]
        trailing = width > 1 and all(row[-1] == "" for row in rows)
        width -= trailing
        rows = [row[:width] for row in rows]
        labelled = are_labelled(rows)
        if labelled:
            rows = [[LABELLED.fullmatch(cell)[2] for cell in row] for row in rows]  # type: ignore[index]
        decimal = (
            decimal_of([c for row in rows for c in row]) if delimiter != "," or quoted else "."
        )
        kinds = [_kind_of_column([row[i] for row in rows], decimal) for i in range(width)]
        share = n / len(sample) * _typed(rows, decimal)
        better = _MUCH if delimiter == SPACES and best_share > 0.5 else 1e-9
        # Spaces part "0,02 acc 1,5" as well as commas do, whose cells would be "02 acc 1".
        instead = delimiter == SPACES and best is not None and best.delimiter == ","
        if share > best_share + better or (instead and decimal == "," and share >= best_share):
            best_share = share
            best = Dialect(
                delimiter,
                decimal,
                width,
                0,
                kinds,
                labelled=labelled,
                trailing=trailing,
                quoted=quoted,
            )
    assert best is not None
    return best


def _settle_last_column(dialect: Dialect, lines: Sequence[str], usable: Sequence[int]) -> None:
    """Take the cell behind the last delimiter for a column, where a name or a cell stands there."""
    if not dialect.trailing:
        return
    wide = dialect.width + 1
    kept = []
    for i in usable:
        if lines[i].rstrip()[-1:] != dialect.delimiter.strip():
            row = split(lines[i], dialect.delimiter, dialect.quoted)
            if len(row) == wide and row[-1]:
                kept.append(row[-1])
    if kept:
        dialect.trailing, dialect.width = False, wide
        cells = [cell for cell in kept[1:] if kind_of(cell, dialect.decimal) != TEXT] or kept[:1]
        texts = len(kept) > 2 and 2 * len(cells) < len(kept)
        dialect.kinds.append(
            TEXT
            if texts
            else MISSING
            if len(kept) == 1
            else _kind_of_column(cells, dialect.decimal)
        )


def _one_of_decimals(dialect: Dialect, sample: Sequence[str], lines: Sequence[str]) -> Dialect:
    """Return the dialect of one column with decimal commas where two of whole numbers cannot be.

    They cannot where a name stands alone above them, or a cell is no whole number as one writes it.
    Below two names there are two columns, also where a cell is missing in one of the rows.
    """
    if dialect.delimiter == NONE and dialect.decimal[0] == "," and _n_names(lines) == 2:
        return _best(sample, ",")
    if dialect.delimiter != "," or dialect.width != 2 or dialect.quoted:
        return dialect
    cells = [line.strip() for line in sample]
    if not all("," in cell and kind_of(cell, ",") == NUMBER for cell in cells):
        return dialect
    named = _n_names(lines)
    if named == 2:
        return dialect
    if named or any(not whole_as_written(part) for cell in cells for part in cell.split(",")):
        return Dialect(NONE, ",", 1, 0, [NUMBER])
    return dialect


def _n_names(lines: Sequence[str]) -> int:
    """Return how many names stand above rows like decimal commas; "Temperature, °C" is one."""
    for line in _above(lines):
        row = split(line, ",")
        if kind_of(line.strip(), ",") == TEXT and len(row) <= 2:
            with_unit = ", " in line and is_unit(row[-1]) and not is_unit(row[0])
            return 1 if with_unit else len(row)
    return 0


def _above(lines: Sequence[str]) -> list[str]:
    """Return the last line of text before the first line that is a number with a decimal comma."""
    for i, line in enumerate(lines):
        if kind_of(line.strip(), ",") == NUMBER:
            return [line for line in lines[:i] if line.strip() and not is_comment(line)][-1:]
    return []


def _typed(rows: Sequence[Sequence[str]], decimal: str) -> float:
    """Return which share of cells are numbers or times, or would be to a person."""
    cells = [cell for row in rows for cell in row if cell]
    typed = sum(kind_of(cell, decimal) in (NUMBER, TIME) or like_number(cell) for cell in cells)
    return typed / max(1, len(cells))


def _kind_of_column(cells: Sequence[str], decimal: str) -> str:
    """Return what at least half of a column's cells are, those without a value apart."""
    kinds = Counter(kind_of(cell, decimal) for cell in cells)
    n = len(cells) - kinds[MISSING]
    if not n:
        return MISSING
    for kind in (NUMBER, TIME):
        if 2 * kinds[kind] >= n:
            return kind
    return TEXT


def _fits(dialect: Dialect, line: str) -> float:
    """Return which share of the columns of numbers and times a line fills."""
    row = cells_of(dialect, line)
    typed = [i for i, kind in enumerate(dialect.kinds) if kind in (NUMBER, TIME)]
    if len(row) != dialect.width or not typed:
        return 0.0
    return sum(kind_of(row[i], dialect.decimal) in (NUMBER, TIME) for i in typed) / len(typed)


def _find_body(dialect: Dialect, lines: Sequence[str], usable: Sequence[int], name: str) -> None:
    typed = any(kind in (NUMBER, TIME) for kind in dialect.kinds)
    if not typed:
        if len(usable) == 1 or (
            len(usable) == 2 and is_unit_row(cells_of(dialect, lines[usable[1]]))
        ):
            raise NoSamples(f"{name} has a line of text and no rows", "record at least one window")
        _refuse_first_like_number(dialect, lines, usable, name)
        raise HostError(f"{name} has no column of numbers", "export plain numbers, a row a line")
    known: dict[int, float] = {}

    def fit(place: int) -> float:
        if place not in known:
            known[place] = _fits(dialect, lines[usable[place]])
        return known[place]

    for place in range(len(usable)):
        # A line of a preamble may look like a row: then what follows does not.
        after = [fit(later) for later in range(place + 1, min(place + 6, len(usable)))]
        if fit(place) <= 0.5:
            continue
        if len(after) > 1 and len(cells_of(dialect, lines[usable[place + 1]])) != dialect.width:
            continue
        if len(after) < 3 or 2 * sum(share > 0.5 for share in after) >= len(after):
            while place and fit(place - 1) > 0:  # a row above with a bad cell is no preamble
                place -= 1
            place = _behind_names(dialect, lines, usable, place, fit)
            dialect.first = usable[place]
            dialect.n_before = place
            return
    raise HostError(f"{name} has no rows of numbers", "export plain numbers, a row a line")


def _behind_names(
    dialect: Dialect,
    lines: Sequence[str],
    usable: Sequence[int],
    place: int,
    fit: Callable[[int], float],
) -> int:
    """Return where the rows begin: behind names that stand below lines of a preamble like rows.

    Oscilloscopes write "Vertical Scale,0.5,1" before them. No row fits wholly until then.
    """
    for later in range(place, min(place + SAMPLE_LINES, len(usable) - 1)):
        if fit(later) == 1:
            return place
        row = cells_of(dialect, lines[usable[later]])
        texts = all(kind_of(cell, dialect.decimal) == TEXT for cell in row)
        if len(row) == dialect.width and texts and fit(later + 1) == 1:
            return later + 1
    return place


def _refuse_first_like_number(
    dialect: Dialect, lines: Sequence[str], usable: Sequence[int], name: str
) -> None:
    """Raise where a cell would be a number, but for its unit or its thousands."""
    for i in usable:
        row = cells_of(dialect, lines[i])
        for cell in row if len(row) == dialect.width else ():
            if like_number(cell):
                what, remedy = why_not(cell)
                raise HostError(
                    f"{name} line {i + 1}: {what}", remedy or "export plain numbers, a row a line"
                )
