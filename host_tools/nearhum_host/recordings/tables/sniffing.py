"""What a text table is like: preamble, names, units, delimiter, decimal sign; from its first lines.

Enters: lines. Leaves: a Dialect, by which table.py reads the whole file strictly. Nothing is taken
by one line alone: delimiter and decimal sign are those under which most cells of the last lines of
the sample are numbers or times. Where two readings are as good, the file is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ...errors import HostError
from .cells import MISSING, NUMBER, TEXT, TIME, kind_of
from .dialect import (
    COMMENTS,
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
from .numerals import decimal_of, like_number, why_not
from .units import is_unit_row, split_unit

SAMPLE_LINES = 400
_DELIMITERS = ("\t", ";", "|", ",", SPACES, NONE)


def sniff(lines: Sequence[str], name: str) -> Dialect:
    """Return the dialect of a table with these first lines (line ends cut). name: for messages.

    Raises HostError where there is no table, or none that can be read in one way alone.
    """
    lines = list(lines)
    start, forced = 0, None
    if lines and (found := re.fullmatch(r'"?sep=(.)"?\s*', lines[0].lstrip("\ufeff"))):
        start, forced = 1, found[1]
    usable = [i for i in range(start, len(lines)) if lines[i].strip() and not is_comment(lines[i])]
    if not usable:
        raise HostError(f"{name} holds no samples", "record at least one window")
    # The head of a file may be a preamble: the later half of the sample tells what the body is.
    tail = usable[len(usable) // 2 :][:SAMPLE_LINES] if len(usable) > 3 else usable[-2:]
    sample = [lines[i] for i in tail]
    dialect = _one_of_decimals(_best(sample, forced), sample, lines)
    _find_body(dialect, lines, usable, name)
    _find_names(dialect, lines, usable, name)
    body = [(i + 1, cells_of(dialect, lines[i])) for i in usable if i >= dialect.first]
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
        if share > best_share + 1e-9:
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


def _one_of_decimals(dialect: Dialect, sample: Sequence[str], lines: Sequence[str]) -> Dialect:
    """Return the dialect of one column with decimal commas where two of whole numbers cannot be.

    They cannot where a name stands alone above them, or a cell is no whole number as one writes it.
    """
    if dialect.delimiter != "," or dialect.width != 2 or dialect.quoted:
        return dialect
    cells = [line.strip() for line in sample]
    if not all("," in cell and kind_of(cell, ",") == NUMBER for cell in cells):
        return dialect
    named = any(kind_of(line.strip(), ",") == TEXT and "," not in line for line in _above(lines))
    if named or any(not whole_as_written(part) for cell in cells for part in cell.split(",")):
        return Dialect(NONE, ",", 1, 0, [NUMBER])
    return dialect


def _above(lines: Sequence[str]) -> list[str]:
    """Return the last line of text before the first line that is a number with a decimal comma."""
    for i, line in enumerate(lines):
        if kind_of(line.strip(), ",") == NUMBER:
            return [line for line in lines[:i] if line.strip() and not is_comment(line)][-1:]
    return []


def _typed(rows: Sequence[Sequence[str]], decimal: str) -> float:
    """Return which share of cells are numbers or times, or would be to a person."""
    cells = [cell for row in rows for cell in row]
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
        _refuse_first_like_number(dialect, lines, usable, name)
        raise HostError(f"{name} has no column of numbers", "export plain numbers, a row a line")
    fits = [_fits(dialect, lines[i]) for i in usable]
    wide = [len(cells_of(dialect, lines[i])) == dialect.width for i in usable]
    for place in range(len(usable)):
        # A line of a preamble may look like a row: then what follows does not.
        after = fits[place + 1 : place + 6]
        if fits[place] <= 0.5 or (len(after) > 1 and not wide[place + 1]):
            continue
        if len(after) < 3 or 2 * sum(fit > 0.5 for fit in after) >= len(after):
            while place and fits[place - 1] > 0:  # a row above with a bad cell is no preamble
                place -= 1
            dialect.first = usable[place]
            dialect.n_before = place
            return
    raise HostError(f"{name} has no rows of numbers", "export plain numbers, a row a line")


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


def _find_names(dialect: Dialect, lines: list[str], usable: Sequence[int], name: str) -> None:
    above = [i for i in range(dialect.first) if lines[i].strip()]
    if dialect.labelled:
        row = split(lines[dialect.first], dialect.delimiter, dialect.quoted)
        found = [LABELLED.fullmatch(cell) for cell in row[: dialect.width]]
        if not all(found):
            raise HostError(
                f"{name} line {dialect.first + 1} has cells without a name before them",
                "mend that line, or cut it out",
            )
        dialect.names = [one[1] for one in found if one]
        return
    names = None
    while above and names is None:
        at = above.pop()
        row = _header(dialect, lines[at])
        if row is None:
            if is_comment(lines[at]):
                continue
            _check_width_of_header(dialect, lines[at], at, name)
            break
        if is_unit_row(row) and above and _header(dialect, lines[above[-1]]) is not None:
            dialect.units = [cell.strip("()[] ") for cell in row]
            continue
        names = row
        dialect.header = lines[at].strip()
        dialect.n_before = max(0, dialect.n_before - 1 - bool(dialect.units))
    if names is None:
        _take_numbered_names(dialect, lines)
        return
    split_names = [split_unit(cell) for cell in names]
    dialect.names = names
    if not dialect.units:
        dialect.units = [unit for _, unit in split_names]


def _header(dialect: Dialect, line: str) -> list[str] | None:
    """Return the names in a line above the body, None where it names no columns."""
    text = line.strip()
    for sign in COMMENTS:
        text = text.removeprefix(sign)
    width = dialect.width
    for delimiter in (dialect.delimiter, "\t", ";", ",", "|", SPACES):
        if delimiter == NONE:
            return [text.strip()] if _is_text(text, dialect.decimal) else None
        if delimiter == SPACES and dialect.delimiter != SPACES:
            continue
        row = split(text, delimiter)
        if len(row) == width + 1 and row[-1] == "":
            row = row[:-1]
        if len(row) == width - 1 and width > 2 and delimiter == dialect.delimiter != ",":
            row = ["", *row]  # R leaves out the name of row numbers; a comma may be decimal
        if len(row) != width:
            continue
        said = r":0x|\s[0-9]" if delimiter != dialect.delimiter else ":0x"
        if any(re.search(said, cell) for cell in row):
            continue  # "Logger 3000, firmware 2.1" and "rst:0x1,boot:0x13" name no columns
        kinds = [kind_of(cell, dialect.decimal) for cell in row]
        if kinds.count(TEXT) >= 1 and kinds.count(NUMBER) + kinds.count(TIME) <= len(row) // 4:
            return row
    return None


def _is_text(line: str, decimal: str) -> bool:
    """Return whether a line is more than numbers and what stands between them."""
    parts = [part for part in re.split(r"[,;\t| ]+", line.strip()) if part]
    return not all(kind_of(part, decimal) == NUMBER for part in parts)


def _check_width_of_header(dialect: Dialect, line: str, at: int, name: str) -> None:
    """Raise where the line above the body looks like its names, and has too few or too many."""
    if not _is_text(line, dialect.decimal):
        n = len(re.split(r"[,;\t| ]+", line.strip()))
        raise HostError(
            f"{name} line {at + 1} has {n} cells, the next {dialect.width}",
            "mend that line, or cut it out",
        )
    if dialect.delimiter in (NONE, SPACES):
        return
    row = split(line, dialect.delimiter)
    kinds = {kind_of(cell, dialect.decimal) for cell in row}
    if len(row) < 2 and (dialect.delimiter != "," or not _pairs(dialect.width)):
        return
    if kinds <= {TEXT} or (kinds <= {TEXT, MISSING} and dialect.width < len(row)):
        hint = "export with semicolons between the columns" if 2 * len(row) == dialect.width else ""
        raise HostError(
            f"{name} line {at + 1} names {len(row)} columns, "
            f"line {dialect.first + 1} has {dialect.width} cells",
            hint or "mend one of them",
        )
    if NUMBER in kinds and len(row) == dialect.width:
        bad = next(cell for cell in row if kind_of(cell, dialect.decimal) not in (NUMBER, TIME))
        raise HostError(
            f"{name} line {at + 1}: {bad[:40]!r} is not a number", "mend that row, or leave it out"
        )


def _pairs(width: int) -> bool:
    return width == 2


def _take_numbered_names(dialect: Dialect, lines: list[str]) -> None:
    # A table of pandas without names begins with a row 0,1,2, which is no row of samples.
    row = cells_of(dialect, lines[dialect.first])
    if dialect.width < 2 or row not in (
        [str(i) for i in range(dialect.width)],
        ["", *(str(i) for i in range(dialect.width - 1))],
    ):
        return
    later = next((line for line in lines[dialect.first + 1 :] if line.strip()), "")
    others = cells_of(dialect, later)
    if len(others) == dialect.width and others != [str(int(c or -1) + 1) for c in row]:
        dialect.names, dialect.header = row, lines[dialect.first].strip()
        dialect.first += 1
        while dialect.first < len(lines) and not lines[dialect.first].strip():
            dialect.first += 1
