"""Make the clock of a table from its column of times, or its columns of dates and times of day.

Enters: a table, and the meaning of its columns. Leaves: a Clock. If a column alone does not decide
whether 02/03/2026 is in February or March, the order by which times advance evenly is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import HostError
from ..times.local import refuse_mixed
from ..times.names import NS, says_a_date, says_hands
from ..times.sizes import other_size
from ..times.stamps import DAY_NS, swapped
from .cells import NUMBER, TIME
from .clock import Clock, clock_of, is_regular, same_rate
from .columns import Column, Table
from .meaning import Meaning
from .units import says_time

HINT = "say which with --day-first or --month-first, or write dates as 2026-03-02"


def clock_in(
    table: Table, meaning: Meaning, expected_hz: float | None, day_first: bool | None = None
) -> Clock:
    """Return what the times of a table say.

    expected_hz: decides between units; day_first: what the user says of dates as 01/02/2026.

    Raises HostError where its dates, or an hour of its night, can be meant in two ways.
    """
    first = meaning.time[0]
    stamps, dated = first.kind == TIME, first.has_date
    local = stamps and not any(column.zones for column in meaning.time)
    of_day = meaning.time[1].values if len(meaning.time) == 2 else None
    dated = dated or of_day is not None

    def told(values: np.ndarray) -> Clock:
        return clock_of(
            values if of_day is None else values + of_day,
            first.unit,
            stamps,
            dated,
            expected_hz,
            days=says_a_date(first.name),
            local=local,
            counts=meaning.counts,
            as_shown=says_hands(first.name),
        )

    clock = told(first.values)
    if not stamps and first.unit.lower() in NS and clock.values is not None:
        _refuse_contradiction(table, first, clock)
    if day_first is not None and first.day_first is (not day_first):
        which, option = ("month", "--day-first") if day_first else ("day", "--month-first")
        raise HostError(
            f"{table.path}, column {first.name!r}: its dates have the {which} first, "
            f"and {option} was given",
            f"leave out {option}",
        )
    if first.two_days:
        other = told(swapped(first.values))
        days = first.values // DAY_NS
        cell = first.two_days
        if day_first is not None:
            clock = other if day_first else clock
            which = "day" if day_first else "month"
            clock.notes.append(f"dates as {cell} have the {which} first, as was said")
        elif len(days) and (days == days[0]).all():
            clock.times_ns = clock.start_ns = None
            clock.notes.append(
                f"its date {cell} may have the day or the month first and is left open: labels by "
                "time are taken in seconds alone; --day-first or --month-first says it"
            )
        elif _uneven(clock) == _uneven(other):
            raise HostError(
                f"{table.path}, column {first.name!r}: {cell} may have the day or the month first",
                HINT,
            )
        else:
            day_first = _uneven(other) < _uneven(clock)
            clock = other if day_first else clock
            which, otherwise = ("day", "--month") if day_first else ("month", "--day")
            clock.notes.append(
                f"dates as {cell} have the {which} first, because then they advance evenly; "
                f"{otherwise}-first says otherwise"
            )
    if 5 * len(clock.breaks) > table.n_rows > 20:
        row = clock.breaks[0]
        raise HostError(
            f"{table.path} {table.place(row)}, column {first.name!r}: its steps change, and would "
            f"be {len(clock.breaks)} gaps in {table.n_rows} rows",
            "resample it to one rate, or split the file where the rate changes",
        )
    if local and dated and clock.times_ns is not None and len(clock.times_ns) > 1:
        refuse_mixed(clock.times_ns, str(table.path), first.name)
    return clock


def _refuse_contradiction(table: Table, column: Column, clock: Clock) -> None:
    assert clock.values is not None
    size = other_size(clock.values, NS[column.unit.lower()], clock.step)
    if size is None:
        return
    units = {1.0: "nanoseconds", 1e3: "microseconds", 1e6: "milliseconds", 1e9: "seconds"}
    what = size.what or f"{units[size.ns]} since 1970"
    raise HostError(
        f"{table.path}, column {column.name!r}: its name says {column.unit}, "
        f"its numbers have the size of {what}",
        "name the column by the unit that it has",
    )


def refuse_other_times(
    table: Table, meaning: Meaning, clock: Clock, others: Sequence[Column]
) -> None:
    """Raise where another column is a time of another rate: its columns are of another sensor."""
    for column in others:
        if column.bad or not (column.unit.lower() in NS or says_time(column.name)):
            continue
        if column.kind != NUMBER or not is_regular(column.values, strictly=True):
            continue
        other = clock_of(column.values, column.unit, stamps=False)
        if not clock.rate_hz or not other.rate_hz or clock.guessed or other.guessed:
            step = clock.step / other.step if other.step else 1.0
            same = meaning.time[0].kind != NUMBER or any(
                same_rate(step, 10.0**n) for n in range(-9, 10)
            )
        else:
            same = same_rate(clock.rate_hz, other.rate_hz)
        if not same:
            raise HostError(
                f"{table.path}: columns {meaning.time[0].name!r} and {column.name!r} are times of "
                f"two rates, as of two sensors side by side",
                "choose the columns of one with --columns, or export a file a sensor",
            )


def _uneven(clock: Clock) -> tuple[int, float]:
    """Return (breaks, spread of the steps) of a clock: less is likelier."""
    assert clock.values is not None
    steps = np.diff(clock.values).astype(np.float64)
    return len(clock.breaks) + (clock.order is not None), float(np.ptp(steps)) if len(steps) else 0
