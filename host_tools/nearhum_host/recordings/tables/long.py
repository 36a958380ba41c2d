"""Turn a long table (time, sensor, value) into a wide one with a column for each sensor.

Enters: a table, and the columns that the user named. Leaves: the table, wide if it was long. This
is possible if the sensors take turns, or if all have the same times. Otherwise a column with names
of sensors is refused, because the values of several sensors are not one channel.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import HostError
from ..times.stamps import DAY_NS
from .cells import NUMBER, TEXT, TIME
from .columns import MOST_LABELS, Column, Table
from .meaning import Named
from .units import NS, is_unit, says_count, says_label, says_sensor, says_time

MIN_TURNS = 3  # Least rows of each sensor. With fewer, turns cannot be told from labels.
Codes = np.ndarray


def to_wide(table: Table, named: Named) -> Table:
    """Return a table with a column a sensor. Raises HostError where it is long and cannot be."""
    keys = [column for column in table.columns if _may_be_key(column, named)]
    times = [c for c in table.columns if c.kind == TIME or (c.kind == NUMBER and _is_time(c))]
    moving = [c for c in times if len(c.values) and (c.values != c.values[0]).any()]
    for key in sorted(keys, key=lambda column: not says_sensor(column.name)):
        found, codes = np.unique(key.values, return_inverse=True)
        times = _with_days([column for column in moving if column is not key])
        values = [
            column
            for column in table.columns
            if column.kind == NUMBER
            and column is not key
            and not any(column is time for time in times)
            and not _is_of_key(column.values, codes)
        ]
        if len(found) < 2 or not values or any(column.bad for column in (*values, *times)):
            continue
        rows = _turns(codes, len(found))
        if rows is None:
            rows = _same_times(codes, len(found), times[0].values) if times else None
            sure = says_sensor(key.name) or len(values) == 1
            if rows is not None and not sure:
                continue  # stretches with a label each, whose times begin again
        elif not says_sensor(key.name) and key.kind == NUMBER:
            continue
        if rows is None:
            if key.kind == TEXT and says_sensor(key.name) and len(values) == 1 and not times:
                raise _ambiguous(table, key)
            _refuse(table, key, codes, times)
            continue
        if not says_sensor(key.name) and not _at_once(times[:1], rows):
            raise _ambiguous(table, key)
        dates = [column for column in table.columns if column.kind == TIME]
        others = [time for time in times[:1] if time.kind != TIME]
        return _wide(table, key, rows, values, dates + others)
    return table


def _with_days(times: list[Column]) -> list[Column]:
    """Return times with the day before the time of day, where these are two columns."""
    days = [one for one in times if one.kind == TIME and one.has_date]
    of_day = [one for one in times if one.kind == TIME and not one.has_date]
    if not (days and of_day) or (days[0].values % DAY_NS).any():
        return times
    return [replace(of_day[0], values=days[0].values + of_day[0].values), *times]


def _may_be_key(column: Column, named: Named) -> bool:
    if column.name in (named.label, named.group) or says_label(column.name):
        return False
    if is_unit(column.unit):
        return False
    if column.kind == TEXT:
        few = not column.many and 2 <= len(column.names) <= MOST_LABELS
        if not few or column.holds_numbers():
            return False
        used = _names_used(column)
        return "" not in used and (
            says_sensor(column.name) or not all(name.isdecimal() for name in used)
        )
    whole = column.kind == NUMBER and column.values.dtype.kind in "iu" and not column.bad
    return bool(
        whole and says_sensor(column.name) and len(np.unique(column.values[:10_000])) <= MOST_LABELS
    )


def _names_used(column: Column) -> list[str]:
    return [column.names[code] for code in np.unique(column.values)]


def _is_time(column: Column) -> bool:
    return says_time(column.name) or says_count(column.name) or column.unit.lower() in NS


def _is_of_key(values: np.ndarray, codes: Codes) -> bool:
    """Return whether values are one a sensor: its number, its table."""
    return all(
        bool((values[codes == code] == values[codes == code][0]).all())
        for code in range(int(codes.max()) + 1)
    )


def _in_turns(codes: Codes, k: int) -> bool:
    turns = np.resize(codes[:k], len(codes))  # the last may be cut short
    return len(set(codes[:k].tolist())) == k and bool((codes == turns).all())


def _turns(codes: Codes, k: int) -> np.ndarray | None:
    """Return the rows of each sensor (k, n) where their names come in turn, else None."""
    if len(codes) < MIN_TURNS * k or not _in_turns(codes, k):
        return None
    n = len(codes) // k
    return np.stack([np.flatnonzero(codes == code)[:n] for code in codes[:k]])


def _same_times(codes: Codes, k: int, times: np.ndarray) -> np.ndarray | None:
    """Return the rows of each sensor (k, n) where all have the same times, or near ones."""
    order = list(dict.fromkeys(codes.tolist()))
    rows = [np.flatnonzero(codes == code) for code in order]
    if len({len(some) for some in rows}) > 1 or len(rows[0]) < MIN_TURNS:
        return None
    first = times[rows[0]]
    step = float(np.median(np.abs(np.diff(first.astype(np.float64)))))
    for some in rows[1:]:
        off = np.abs((times[some] - first).astype(np.float64))
        if not step or float(off.max()) >= 0.5 * step:
            return None
    return np.stack(rows)


def _at_once(times: list[Column], rows: np.ndarray) -> bool:
    """Return whether the values of all sensors were taken at one time, in turn."""
    in_turn = (np.diff(rows, axis=0) == 1).all()
    return bool(times and in_turn and (times[0].values[rows] == times[0].values[rows[0]]).all())


def _refuse(table: Table, key: Column, codes: Codes, times: list[Column]) -> None:
    changes = float((np.diff(codes) != 0).mean()) if len(codes) > 1 else 0.0
    again = bool(times) and len(np.unique(times[0].values)) < 0.75 * len(codes)
    often = changes > (0.2 if says_sensor(key.name) else 0.5)
    if not (often and key.kind == TEXT) and not (says_sensor(key.name) and again):
        return
    raise _ambiguous(table, key)


def _ambiguous(table: Table, key: Column) -> HostError:
    names = _shown(key)
    return HostError(
        f"{table.path}: column {key.name!r} names {len(names)} sensors "
        f"({', '.join(names[:6])}), with a value a row, and not all at the same times",
        f"export a column a sensor; where it is a label: --label-column {key.name}",
    )


def _shown(key: Column) -> list[str]:
    if key.kind == TEXT:
        return _names_used(key)
    return [f"{key.name} {value}" for value in np.unique(key.values).tolist()]


def _wide(
    table: Table, key: Column, rows: np.ndarray, values: list[Column], times: list[Column]
) -> Table:
    firsts = rows[0]
    columns = [replace(time, values=time.values[firsts]) for time in times]
    keys = [key.values[some[0]] for some in rows]
    names = [key.names[int(one)] if key.kind == TEXT else f"{key.name} {one}" for one in keys]
    units = _units(table, key, rows)
    for name, unit, some in zip(names, units, rows, strict=True):
        for column in values:
            called = name if len(values) == 1 else f"{name} {column.name}"
            columns.append(Column(called, unit or column.unit, NUMBER, column.values[some]))
    for column in table.columns:
        text = column.kind == TEXT and column is not key
        if text and says_label(column.name):
            if (column.values[rows] != column.values[firsts]).any():
                raise HostError(
                    f"{table.path}: column {column.name!r} says two things of one time",
                    "give each time one label, or leave the column out",
                )
            columns.append(replace(column, values=column.values[firsts]))
    wide = replace(table, columns=columns, restarts=[], lines=[], notes=list(table.notes))
    wide.notes.append(
        f"column {key.name!r} names {len(rows)} sensors, a value a row: put side by side"
    )
    if rows.size < table.n_rows:
        wide.notes.append("its last turn is cut short and left out")
    return wide


def _units(table: Table, key: Column, rows: np.ndarray) -> list[str]:
    """Return the unit of each sensor, where a column of texts says it, else ""."""
    for column in table.columns:
        if column.kind != TEXT or column is key:
            continue
        codes = column.values[rows]
        texts = [column.names[int(code)] for code in codes[:, 0]]
        if (codes == codes[:, :1]).all() and all(is_unit(text) for text in texts):
            return texts
    return [""] * len(rows)
