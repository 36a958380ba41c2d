"""Read the names and units of columns from the lines above the rows.

Enters: lines, and a dialect that knows where the rows begin. Leaves: names and units. If there are
more or fewer names than cells in a row, the table is refused, because it is unclear which column a
name belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import HostError
from ..times.stamps import has_date, is_stamp
from .cells import MISSING, NUMBER, TEXT, TIME, kind_of
from .dialect import COMMENTS, LABELLED, NONE, SPACES, Dialect, cells_of, is_comment, split
from .units import is_unit, is_unit_row, says_index, says_time, split_unit

_LITTLE = frozenset(
    (
        "a",
        "an",
        "the",
        "of",
        "by",
        "from",
        "with",
        "is",
        "and",
        "for",
        "in",
        "to",
        "on",
        "at",
        "der",
        "die",
        "das",
        "von",
        "und",
        "mit",
    )
)
_WORD = re.compile(r"[A-Za-z_][\w.\[\]()/²°%-]*")


def find_names(dialect: Dialect, lines: list[str], usable: Sequence[int], name: str) -> None:
    above = [i for i in range(dialect.first) if lines[i].strip()]
    if dialect.labelled:
        row = split(lines[dialect.first], dialect.delimiter, dialect.quoted)
        found = [LABELLED.fullmatch(cell) for cell in row[: dialect.width]]
        if not all(found):
            raise HostError(
                f"{name} line {dialect.first + 1} has cells without a name before them",
                "correct that line, or remove it",
            )
        dialect.names = [one[1] for one in found if one]
        return
    names = None
    if len(above) > 2 and lines[above[0]].strip('\ufeff" ').startswith("TOA5"):
        above = above[:3]  # its second line holds the names, its third the units
        dialect.units = [_bare(cell) for cell in split(lines[above.pop()], ",")]
        dialect.n_before -= 1
    while above and names is None:
        at = above.pop()
        row = _header(dialect, lines, at)
        if row is None:
            if is_comment(lines[at]):
                continue
            _check_width_of_header(dialect, lines[at], at, name)
            break
        full = above and _is_full(_header(dialect, lines, above[-1]))
        if row[1:].count("") > 1 and full and not _are_units(row):
            continue  # what was made of each column, as loggers of Campbell write: "", "Avg", "Smp"
        if _are_units(row) and above and _header(dialect, lines, above[-1]) is not None:
            dialect.units = [_bare(cell) for cell in row]
            continue
        names = row
        dialect.header = lines[at].strip()
        dialect.n_before = max(0, dialect.n_before - 1 - bool(dialect.units))
    if names is None:
        _take_numbered_names(dialect, lines)
        return
    split_names = [split_unit(cell) for cell in names]
    dialect.names = [
        cell if cell or not i else str(i) for i, cell in enumerate(names)
    ]  # a column without a name has its number; the first may be that of rows
    if not dialect.units:
        dialect.units = [unit for _, unit in split_names]


def _bare(cell: str) -> str:
    """Return a unit without brackets around it."""
    found = re.fullmatch(r"\s*[(\[](.*)[)\]]\s*", cell)
    return (found[1] if found else cell).strip()


def _is_full(row: list[str] | None) -> bool:
    return row is not None and all(row) and len(set(row)) == len(row)


def _are_units(row: Sequence[str]) -> bool:
    """Return whether cells stand for units: all of them, or most where some are not known."""
    some = [cell for cell in row if cell]
    letters = all(len(cell) == 1 and cell.isalpha() for cell in some)
    return is_unit_row(row) or (
        len(some) > 1 and not letters and 2 * sum(map(is_unit, some)) > len(some)
    )


def _names_rows(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Return whether the first column is what R writes without a name: texts, or 1, 2, 3."""
    rows = [cells_of(dialect, line) for line in lines[dialect.first : dialect.first + 20]]
    cells = [row[0] for row in rows if len(row) == dialect.width]
    if all(cell.isdecimal() for cell in cells):
        return [int(cell) for cell in cells] == list(
            range(int(cells[0]), int(cells[0]) + len(cells))
        )
    return dialect.kinds[0] == TEXT


def _with_one_more(dialect: Dialect, row: list[str], lines: Sequence[str]) -> list[str]:
    """Return names with that which one writes not: of row numbers, of a time behind its date."""
    if dialect.delimiter == SPACES:
        cells = cells_of(dialect, lines[dialect.first])
        for i, (one, other) in enumerate(zip(cells, cells[1:], strict=False)):
            if is_stamp(one) and is_stamp(other) and has_date(one) and not has_date(other):
                return [*row[: i + 1], f"{row[i]}, time of day", *row[i + 1 :]]
    # R leaves out the name of row numbers; a comma without quotes may be decimal.
    # The first has a name already where that is one for a count or a time.
    if not row[0] or says_index(row[0]) or says_time(row[0]):
        return row
    titled = any("**" in cell or ":" in cell for cell in row)
    bare_comma = dialect.delimiter == "," and not dialect.quoted
    if not (titled or bare_comma) and _names_rows(dialect, lines):
        return ["", *row]
    return row


def _header(dialect: Dialect, lines: Sequence[str], at: int) -> list[str] | None:
    """Return the names in a line above the body, None where it names no columns."""
    text = lines[at].strip(" \r\n\ufeff")
    for sign in COMMENTS:
        text = text.removeprefix(sign)
    width = dialect.width
    # "# made by a logger" names no columns.
    remark = is_comment(lines[at]) and not _LITTLE.isdisjoint(text.lower().split())
    if dialect.delimiter == SPACES:
        row = re.split(r"\s{2,}|\t", text.strip())
        if len(row) == width and any(" " in cell for cell in row):
            return row if all(kind_of(cell, dialect.decimal) == TEXT for cell in row) else None
    for delimiter in (dialect.delimiter, "\t", ";", ",", "|", SPACES):
        if delimiter == NONE:
            title = re.search(r"\*\*\*|:0x|:\s*[0-9]|\s[0-9]+\.[0-9]", text)
            title = title or remark
            named = _is_text(text, dialect.decimal) and not title
            return [text.strip().strip('"')] if named else None
        if delimiter == SPACES and dialect.delimiter != SPACES:
            continue
        row = split(text, delimiter)
        if len(row) == width + 1 and row[-1] == "":
            row = row[:-1]
        bare = not is_comment(lines[at]) and delimiter == dialect.delimiter
        if len(row) == width - 1 and width > 1 and bare:
            row = _with_one_more(dialect, row, lines)
        if len(row) != width:
            continue
        said = r":0x|\s[0-9]" if delimiter != dialect.delimiter else ":0x"
        if delimiter == SPACES and remark:
            continue
        if any(re.search(said, cell) or re.search(r"\s[0-9]+\.[0-9]", cell) for cell in row):
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
            "correct that line, or remove it",
        )
    if dialect.delimiter == NONE or dialect.labelled:
        return
    row = split(line, dialect.delimiter)
    kinds = {kind_of(cell, dialect.decimal) for cell in row}
    if dialect.delimiter == SPACES:
        if len(row) in (dialect.width - 1, dialect.width + 1) and all(map(_WORD.fullmatch, row)):
            raise HostError(
                f"{name} line {at + 1} names {len(row)} columns, "
                f"line {dialect.first + 1} has {dialect.width} cells",
                "correct one of them",
            )
        return
    if len(row) < 2 and (dialect.delimiter != "," or not _pairs(dialect.width)):
        return
    near = dialect.width - 1 <= len(row)
    if len(row) != dialect.width and (kinds <= {TEXT} or (kinds <= {TEXT, MISSING} and near)):
        hint = "export with semicolons between the columns" if 2 * len(row) == dialect.width else ""
        raise HostError(
            f"{name} line {at + 1} names {len(row)} columns, "
            f"line {dialect.first + 1} has {dialect.width} cells",
            hint or "correct one of them",
        )
    if NUMBER in kinds and len(row) == dialect.width:
        bad = next(cell for cell in row if kind_of(cell, dialect.decimal) not in (NUMBER, TIME))
        raise HostError(
            f"{name} line {at + 1}: {bad[:40]!r} is not a number", "correct that row, or remove it"
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
