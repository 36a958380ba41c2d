"""Decide which columns of a table are the time, the label, the group or samples.

Enters: a table, and the columns that the user named. Leaves: a Meaning. The user's choice comes
first. Otherwise the values and the name decide: a column that rises like a clock is the time or a
count of rows, and never a channel. Texts are labels. Numbers are samples, and every cell of such a
column must be a number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...errors import HostError, UsageError
from ..times.names import may_be_warmth
from ..times.sizes import is_epoch
from . import clock
from .cells import MISSING, NUMBER, TEXT, TIME, missing
from .columns import MOST_LABELS, TAKE_LABEL, Column, Table
from .numerals import is_number, why_not
from .units import (
    NS,
    is_unit,
    says_count,
    says_index,
    says_label,
    says_quantity,
    says_time,
    split_unit,
)

MANY_ROWS = 20  # A constant column with at least so many rows is mentioned in a note.
FEW_NAMES = 3  # Most names of columns with the same bad cell in an error message.
_BEFORE = re.compile(r".*[^0-9.,](?:[:>=]|\s)\s*[-+]?[0-9]+(?:[.,][0-9]+)?")


@dataclass(frozen=True)
class Named:
    """What the user named. samples: None: all that are left. day_first: in dates as 01/02/2026."""

    samples: Sequence[str] | None = None
    label: str | None = None
    group: str | None = None
    day_first: bool | None = None


@dataclass
class Meaning:
    """The columns by what they are; time may be a date and a time of day in two columns."""

    samples: list[Column]
    time: list[Column] = field(default_factory=list)
    label: Column | None = None
    group: Column | None = None
    left_out: list[tuple[str, str]] = field(default_factory=list)
    counts: bool = False  # the time is but a count of the rows


def meaning_of(table: Table, named: Named) -> Meaning:
    """Return what the columns of a table are.

    Raises UsageError where a named column is not there, HostError where a name stands twice, a
    column of samples has a cell that is no number, or none is left.
    """
    label = table.find(named.label) if named.label is not None else None
    group = table.find(named.group) if named.group is not None else None
    chosen = None
    if named.samples is not None:
        chosen = [table.find(name) for name in named.samples]
        again = [name for name, n in Counter(named.samples).items() if n > 1]
        if again:
            raise UsageError(f"--columns names {again[0]!r} twice", hint="each column once")
    else:
        table.check_names()
    taken = [column for column in (label, group, *(chosen or ())) if column is not None]
    rest = [column for column in table.columns if not any(column is one for one in taken)]
    found = Meaning(chosen or [], label=label, group=group)
    _take_time(found, rest, table)
    rest = [column for column in rest if not any(column is one for one in found.time)]
    labels: list[Column] = []
    for column in rest:
        what = _what(column, table, asked=chosen is not None, timed=bool(found.time))
        if what == "sample" and chosen is None:
            found.samples.append(column)
            _tell(column, table)
        elif what == "label":
            labels.append(column)
        else:
            found.left_out.append(
                (column.name or "(no name)", "not chosen" if what == "sample" else what)
            )
    if labels and label is None:  # one that says so by its name goes before
        found.label = next((one for one in labels if says_label(one.name)), labels[0])
    others = [one for one in labels if one is not found.label]
    found.left_out += [(one.name or "(no name)", f"text; {TAKE_LABEL}") for one in others]
    _check_samples(found, table, chosen is not None)
    return found


def _take_time(found: Meaning, rest: Sequence[Column], table: Table) -> None:
    """Find the time among the columns that were not named for something else."""
    stamps = [column for column in rest if column.kind == TIME]
    whole = [column for column in stamps if column.has_date and _moves(column)]
    whole.sort(key=_stands)  # as the start of a query does, beside the time
    of_day = [column for column in stamps if not column.has_date]
    days = [column for column in stamps if column.has_date and not _moves(column)]
    numbers = [column for column in rest if column.kind == NUMBER and not column.bad]
    by_name = [
        column
        for column in numbers
        if _says_time(column) and clock.is_regular(column.values, strictly=_unsure(column))
    ]
    units = [c for c in by_name if _unit_of_time(c)]
    counts = [c for c in numbers if c not in by_name and _may_be_index(c, table)]
    epochs = [c for c in by_name if is_epoch(c.values) and clock.is_regular(c.values, True)]
    units = epochs + units  # they say a start as well
    found.time = whole[:1] or (days[:1] + of_day[:1] if of_day else []) or units[:1] or by_name[:1]
    if not found.time and counts:
        found.time = counts[:1]
        values = counts[0].values
        found.counts = clock.is_count(values) or (
            table.named
            and not says_time(counts[0].name)
            and not is_epoch(values)
            and (says_count(counts[0].name) or clock.is_even(values))
        )
        if found.counts and table.named and not says_index(counts[0].name):
            step = int(values[1]) - int(values[0])
            table.notes.append(
                f"column {counts[0].name!r} rises by {step} in every row, as a count does: "
                "where it is a channel, name it with --columns"
            )
    for column in found.time:
        if column.bad:
            raise _no_time(table, column, column.bad[1])


def _no_time(table: Table, column: Column, cell: str) -> HostError:
    return HostError(
        table.bad_cells(column, f"{cell[:40]!r} is not a time"),
        "correct or remove that row, or choose the columns of samples with --columns",
    )


def _stands(column: Column) -> bool:
    return len(column.values) > 1 and bool((column.values == column.values[0]).all())


def _moves(column: Column) -> bool:
    values = column.values
    return len(values) < 2 or bool((values % 86_400_000_000_000 != 0).any())


def _says_time(column: Column) -> bool:
    if column.unit not in ("", "m") and is_unit(column.unit) and not _unit_of_time(column):
        return False  # m may be minutes
    return says_time(column.name) or _unit_of_time(column)


def _unsure(column: Column) -> bool:
    """Return whether a column is a t without a unit: only an even rise tells it from a warmth."""
    return may_be_warmth(column.name) and not _unit_of_time(column)


def _unit_of_time(column: Column) -> bool:
    return column.unit.lower() in NS


def _rises(column: Column) -> bool:
    number = column.kind == NUMBER and not column.bad
    return number and clock.is_regular(column.values, strictly=True)


def _may_be_index(column: Column, table: Table) -> bool:
    """Return whether a column rises like a clock, and its name says that it is a time or an index.

    Where no name says anything, the first of several columns may be; a quantity that is run up by
    equal steps, as a ramp of rpm, is none.
    """
    if not clock.is_regular(column.values, strictly=True):
        return False
    first = column is _first_of_numbers(table) and len(table.columns) > 1
    if not table.named or column.name.isdecimal():
        return first
    if says_index(column.name) or _says_time(column) or is_epoch(column.values):
        return True
    if clock.is_even(column.values) and not column.unit and not says_quantity(column.name):
        return len(table.columns) > 1
    alone = not any(split_unit(one.name)[0].lower() == "z" for one in table.columns)
    return column.name.lower() == "x" and alone and first


def _first_of_numbers(table: Table) -> Column | None:
    return next((column for column in table.columns if column.kind == NUMBER), None)


def _what(column: Column, table: Table, asked: bool, timed: bool) -> str:
    """Return "sample", "label", or why a column is neither.

    asked: samples were named, and it is none; timed: the table has a time.
    """
    if column.kind == MISSING:
        return "empty"
    if column.kind == TIME:
        return "another time"
    if column.name == "table" and any(one.name == "_time" for one in table.columns):
        return "a number of the query's"
    if column.kind == TEXT:
        _refuse_two_in_one(column, table)
        if says_time(column.name) and not asked and column.bad:
            raise _no_time(table, column, column.bad[1])
        if not says_label(column.name) and (is_unit(column.unit) or column.holds_numbers()):
            column.bad = column.first_no_number()
            return "sample"  # and its bad cell is an error, unless others were chosen
        return column.what_text()
    if column.bad or not len(column.values):
        return "sample"
    if table.named and column.name and says_count(column.name) and _stands(column):
        return "the same in all rows"
    if says_label(column.name) and len(np.unique(column.values[:10000])) <= MOST_LABELS:
        return "label"
    warm = timed and column.name.strip() == "T"
    if not warm and _says_time(column) and clock.is_regular(column.values, _unsure(column)):
        return "another time"
    if len(column.values) < clock.MIN_ROWS and says_time(column.name):
        return "another time"
    if _says_time(column) and _stands(column):
        return "the same in all rows"
    if _says_time(column) and not _unsure(column) and not asked:
        back = int(np.argmax(np.diff(column.values.astype(np.float64)) < 0)) + 1
        raise HostError(
            f"{table.path} {table.place(back)}, column {column.name!r}: its time goes back",
            "sort the rows by time, or choose the columns of samples with --columns",
        )
    if _may_be_index(column, table) and clock.is_count(column.values):
        known = not table.named or says_count(column.name)
        return "counts the rows" + ("" if known else "; --columns takes it as a channel")
    if table.named and _may_be_index(column, table) and clock.is_even(column.values):
        step = int(column.values[1]) - int(column.values[0])
        return f"rises by {step} in every row, as a count does; --columns takes it as a channel"
    return "sample"


def _tell(column: Column, table: Table) -> None:
    """Note what is odd of a channel."""
    if column.kind != NUMBER or column.bad:
        return
    if _rises(column) and (table.named or column is not table.columns[0]):
        table.notes.append(
            f"column {column.name!r} rises by equal steps, and is a channel: its name is no time"
        )
    elif len(column.values) >= MANY_ROWS and _stands(column):
        table.notes.append(f"column {column.name!r} is the same in all rows, and is a channel")


def _refuse_two_in_one(column: Column, table: Table) -> None:
    """Raise where a monitor of a serial line wrote a time, or a text, before the first value."""
    some = column.names[:20]
    if table.named or column is not table.columns[0] or len(column.names) < len(column.values) / 2:
        return
    if len(some) > 2 and all(_BEFORE.fullmatch(cell) for cell in some):
        raise HostError(
            f"{table.path} {table.place(0)}, column {column.name!r}: {some[0][:40]!r} is a value "
            "behind a text, in one cell",
            "record without time stamps of the monitor, or write a delimiter between the two",
        )


def _check_samples(found: Meaning, table: Table, chosen: bool) -> None:
    names = ", ".join(column.name or "(no name)" for column in table.columns)[:400]
    if not found.samples:
        raise HostError(
            f"{table.path} has no column of samples", f"its columns: {names}; see --columns"
        )
    for column in found.samples:
        if column.kind == NUMBER and not column.bad:
            continue
        if column.bad and column.kind in (NUMBER, TEXT):
            _, cell = column.bad
            what, remedy = why_not(cell)
            if column.kind == TEXT and not table.lines and is_number(cell):
                what, remedy = f"{cell[:40]!r} is text", "write the column as numbers"
            elif missing(cell) and column.alike.n > 1:
                remedy = "fill them or cut their rows"
                remedy += ", which leaves a gap in the time" if found.time else ""
            same = [c for c in found.samples if c is not column and c.bad and c.bad[1] == cell]
            also = "".join(f"; and {max(1, c.alike.n)} in {c.name!r}" for c in same[:FEW_NAMES])
            raise HostError(
                table.bad_cells(column, what) + also,
                (remedy or "correct or remove that row")
                + ", or choose the columns that hold samples with --columns",
            )
        raise UsageError(
            f"{table.path} has no column {column.name!r} of numbers: it is {column.kind}",
            hint=f"its columns: {names}; see --columns",
        )
