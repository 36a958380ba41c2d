"""Tables to readings: their columns to samples, clock, labels and the stretches between gaps.

Enters: a table of any format, and what the user named. Leaves: a Reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import HostError
from .reading import Reading, Stretch
from .tables.cells import NUMBER
from .tables.clock import Clock
from .tables.columns import Column, Table
from .tables.meaning import Meaning, Named, meaning_of
from .tables.timing import clock_in, refuse_other_times


def understood(table: Table, named: Named) -> Meaning | None:
    """Return what the columns of a table are, None where it has no rows. Raises as of_table."""
    return meaning_of(table, named) if table.n_rows else None


def of_watching(table: Table) -> Table:
    """Return a table of windows that nearhum wrote itself without those in which it learned.

    These have no score. What counts its starts, and its alarms, is no channel.
    """
    by_name = {column.name: column for column in table.columns}
    scores = [by_name.get(name) for name in ("score (octave)", "threshold (octave)")]
    if "state" not in by_name or not all(one is not None and one.kind == NUMBER for one in scores):
        return table
    watched = np.ones(table.n_rows, bool)
    for column in scores:
        if column is not None and column.values.dtype.kind == "f":
            watched &= np.isfinite(column.values)
    n = int((~watched).sum())
    kept = [column for column in table.columns if column.name not in ("boot", "alarm")]
    columns = [
        replace(
            column,
            values=column.values[watched],
            bad=None if any(column is one for one in scores) else column.bad,
        )
        for column in kept
    ]
    notes = [*table.notes]
    if n:
        notes.append(f"{n} windows without a score, in which it learned, are left out")
    return replace(table, columns=columns, restarts=[], notes=notes)


def of_table(
    table: Table, named: Named, expected_hz: float | None, meaning: Meaning | None = None
) -> Reading:
    """Return what a table holds.

    expected_hz: a rate that decides between units of a time column; meaning: of its columns, where
    that is known. Raises HostError or UsageError
    where its columns cannot be read in one way alone.
    """
    if table.n_rows == 0:
        raise HostError(f"{table.path} holds no samples", "record at least one window")
    _refuse_head_of_empatica(table)
    meaning = meaning or meaning_of(table, named)
    clock, breaks, order = None, set(table.restarts), None
    if meaning.time:
        clock = clock_in(table, meaning, expected_hz, named.day_first)
        if named.samples is None:
            used = [*meaning.time, *meaning.samples]
            others = [c for c in table.columns if not any(c is one for one in used)]
            refuse_other_times(table, meaning, clock, others)
        order = clock.order
        breaks = set(clock.breaks) | (breaks if order is None else set())
    edges = [0, *sorted(breaks), table.n_rows]
    stretches = []
    ordered = [_in_order(c.values, order) for c in meaning.samples]
    lasts = _own_times(clock, edges) if clock is not None else []
    for i, (first, until) in enumerate(zip(edges, edges[1:], strict=False)):
        start = None
        if clock is not None and clock.times_ns is not None:
            start = int(clock.times_ns[first])
        stretches.append(
            Stretch(
                [values[first:until] for values in ordered],
                first_row=first,
                start_ns=start,
                since=lasts[i][0] if lasts else None,
                lasted=lasts[i][1] if lasts else None,
                labels=_runs(meaning.label, order, first, until, table),
                groups=_runs(meaning.group, order, first, until, table),
            )
        )
    reading = Reading(
        table.path,
        clock.rate_hz if clock else None,
        [column.name for column in meaning.samples],
        [column.unit for column in meaning.samples],
        stretches,
        measured=clock is not None,
        notes=list(dict.fromkeys(table.notes)) + (clock.notes if clock else []),
        zones=_zones(meaning, clock),
    )
    if clock is not None and clock.period_ns:
        reading.period_s = clock.period_ns / 1e9
    _explain(reading, table, meaning, clock, expected_hz)
    return reading


def _refuse_head_of_empatica(table: Table) -> None:
    """Raise where the first row holds the start, and the second the rate, in every column."""
    columns = [column for column in table.columns if column.kind == NUMBER and not column.bad]
    if table.named or not columns or len(columns) < len(table.columns) or table.n_rows < 8:
        return
    firsts = {float(column.values[0]) for column in columns}
    rates = {float(column.values[1]) for column in columns}
    most = max(float(np.abs(column.values[2:]).max()) for column in columns)
    if len(firsts) == len(rates) == 1 and 1e9 <= min(firsts) <= 3e9 and most < 1e6:
        raise HostError(
            f"{table.path} {table.place(0)}: {min(firsts):.0f} is a time, and "
            f"{min(rates):g} below it a rate, as Empatica writes them",
            f"cut its first two lines, and give --rate {min(rates):g}",
        )


def _in_order(values: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    return values if order is None else values[order]


def _own_times(clock: Clock, edges: Sequence[int]) -> list[tuple[float, float]]:
    """Return when each stretch begins, and how long it lasts to its last row, in steps of its
    clock.

    A clock that was set back, or began again, goes on one step later.
    """
    assert clock.values is not None
    since, out = 0.0, []
    for first, until in zip(edges, edges[1:], strict=False):
        steps = np.diff(clock.values[first : until + 1]).astype(np.float64)
        n_inside = until - first - 1
        lasted = float(steps[:n_inside].sum()) / clock.step if clock.step else float(n_inside)
        out.append((since, lasted))
        to_next = float(steps[-1]) / clock.step if len(steps) > n_inside and clock.step else 1.0
        since += lasted + (to_next if to_next > 0 else 1.0)
    return out


def _zones(meaning: Meaning, clock: Clock | None) -> list[str]:
    found = dict.fromkeys(zone for column in meaning.time for zone in column.zones)
    if clock is not None and clock.utc:
        return ["UTC"]
    return list(found)


def _runs(
    column: Column | None, order: np.ndarray | None, first: int, until: int, table: Table
) -> list[tuple[int, int, str]]:
    """Return (first, until, text) of the rows of one text that follow each other, from the
    stretch's start.
    """
    if column is None:
        return []
    if column.kind == "missing":
        raise HostError(
            f"{table.path}: row 1 has no label in {column.name!r}", "fill it, or cut the rows"
        )
    values = _in_order(column.values, order)[first:until]
    cuts = np.flatnonzero(np.diff(values)) + 1 if len(values) > 1 else np.empty(0, np.int64)
    edges = [0, *(int(cut) for cut in cuts), len(values)]
    out = []
    for a, b in zip(edges, edges[1:], strict=False):
        out.append((a, b, _text(column, values[a])))
    return out


def _text(column: Column, value: Any) -> str:
    """Return a label as it is written, whole numbers as such, fractions with all their digits."""
    if column.kind == "text":
        return column.names[value]
    return str(int(value)) if column.values.dtype.kind in "iub" else repr(float(value))


def _explain(
    reading: Reading,
    table: Table,
    meaning: Meaning,
    clock: Clock | None,
    expected_hz: float | None,
) -> None:
    if table.how:
        reading.how.append(f"written in {table.how}")
    what = "counts the rows" if meaning.counts else "is time"
    for column in meaning.time:
        reading.how.append(f"column {column.name!r} {what}, for it rises like a clock")
    if clock is not None:
        unit = (
            "its unit is not known" if clock.period_ns is None else f"{clock.period_ns / 1e6:g} ms"
        )
        reading.how.append(f"a step of its time is {clock.step:g}: {unit}")
    if meaning.label is not None:
        reading.how.append(f"label: column {meaning.label.name!r}")
    for name, why in meaning.left_out:
        reading.how.append(f"left out: column {name!r}, {why}")
    reading.notes = [
        *reading.notes,
        *(f"column {column.name!r} {what}" for column in meaning.time),
        *([_guess(clock)] if clock is not None and clock.guessed else []),
        *(
            [_unknown(clock)]
            if clock is not None and not clock.period_ns and expected_hz is None
            else []
        ),
        *([f"column {meaning.label.name!r} is the label"] if meaning.label is not None else []),
        *(
            f"column {name!r} is left out: {why}"
            for name, why in meaning.left_out
            if why != "not chosen"
        ),
    ]
    if meaning.counts:
        reading.measured = False
    n = len(reading.stretches) - 1
    if n:
        lost = f", {clock.missing_ns / 1e9:.4g} s missing" if clock and clock.missing_ns else ""
        reading.notes.append(f"{n} gap{'s' if n > 1 else ''} in its time{lost}")


def _unknown(clock: Clock) -> str:
    """Return what to say of times, or counts, whose steps are of no known unit."""
    return f"its steps of {clock.step:.6g} say no rate: give it with --rate HZ"


def _guess(clock: Clock) -> str:
    """Return what to say of a rate that stands on a guess."""
    return (
        f"it names no unit: its steps of {clock.step:.4g} are taken for {clock.guessed}, so "
        f"{clock.rate_hz:.4g} Hz is a guess; where it is wrong, give it with --rate HZ"
    )
