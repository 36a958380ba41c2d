"""Queries over a fleet's tables, as ibis expressions that give the same result on every engine.

Enters: an ibis backend with the tables `windows` and `events` (engines.py). Leaves: one row for
each board, or one row for each labelled span.
"""

from __future__ import annotations

import datetime
from typing import Any

DAY_S = 86400
_EPOCH = datetime.date(1970, 1, 1)


def per_day(backend: Any) -> Any:
    """Return an expression that counts the windows of each board and day.

    Columns: board, day, watching, alarm, timed (the board knew the time), n.
    """
    windows = backend.table("windows")
    rows = windows.select(
        "board", "day", "alarm", watching=windows.state == "watch", timed=windows.time_utc.notnull()
    )  # fmt: skip
    return rows.group_by("board", "day", "watching", "alarm", "timed").agg(n=rows.count())


def per_board(backend: Any, by_day: Any) -> Any:
    """Return an expression with one row for each board: figures of its windows and its events.

    by_day: the result of per_day.

    Quantiles are by nearest rank: the least value that occurs and that so many windows do not
    exceed. They are read off the counts of a board's levels, so that no engine has to sort windows.
    """
    import ibis

    windows, events = backend.table("windows"), backend.table("events")
    days = by_day.select("board", "day").distinct()
    days = days.group_by("board").agg(
        days=days.count(), first_day=days.day.min(), last_day=days.day.max()
    )
    bins = windows.select(
        "board", "hop_s", "alarm", watching=windows.state == "watch",
        level=((windows.score - windows.threshold) * 256).cast("int64"),
    )  # fmt: skip
    bins = bins.group_by("board", "watching", "alarm", "level").agg(
        n=bins.count(), s=bins.hop_s.sum()
    )
    times = bins.group_by("board").agg(
        windows=bins.n.sum(),
        watched_s=bins.s.sum(where=bins.watching),
        in_alarm_s=bins.s.sum(where=bins.watching & bins.alarm),
    )
    levels = bins.filter(bins.watching, bins.level.notnull())
    levels = levels.group_by("board", "level").agg(n=levels.n.sum())
    ranked = levels.mutate(
        upto=levels.n.sum().over(
            ibis.window(group_by="board", order_by="level", preceding=None, following=0)
        ),
        total=levels.n.sum().over(ibis.window(group_by="board")),
    )
    quantiles = ranked.group_by("board").agg(
        level=ranked.level.min(where=2 * ranked.upto >= ranked.total),
        level_high=ranked.level.min(where=100 * ranked.upto >= 99 * ranked.total),
    )
    counts = events.group_by("board").agg(
        alarms=(events.event == "alarm").sum(), faults=(events.event == "fault").sum()
    )
    starts = events.filter(events.event == "boot").select("board", "journal", "boot").distinct()
    starts = starts.group_by("board").agg(boots=starts.count())
    out = times
    for other in (days, quantiles, counts, starts):
        out = out.left_join(other, "board").drop("board_right")
    return out


def by_truth(backend: Any, by_day: Any, spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count the windows watched, and those in alarm, in each labelled span.

    by_day: the result of per_day. It is enough for days that lie wholly in a span. Single windows
    are read only for the days on which a span begins or ends. Their times are compared in whole
    seconds, because engines differ below that.

    Returns {span, windows, in_alarm} for each span that has windows.
    """
    import ibis

    whole, edges = _days_of(spans)
    parts = []
    if whole:
        # Days are compared as numbers, because engines differ in how they compare dates.
        known = ibis.memtable(
            whole, schema={"span": "int64", "on": "string", "first": "int64", "last": "int64"}
        )
        days = by_day.filter(by_day.watching, by_day.timed)
        days = days.select("board", "alarm", "n", number=days.day.epoch_days().cast("int64"))
        both = days.join(
            known, [days.board == known.on, days.number >= known.first, days.number <= known.last]
        )
        parts.append(
            both.group_by("span").agg(windows=both.n.sum(), in_alarm=both.n.sum(where=both.alarm))
        )
    if edges:
        known = ibis.memtable(
            edges, schema={"span": "int64", "on": "string", "from_s": "int64", "until_s": "int64"}
        )
        dates = [
            _EPOCH + datetime.timedelta(day)
            for day in sorted({edge["from_s"] // DAY_S for edge in edges})
        ]
        windows = backend.table("windows")
        windows = windows.filter(
            windows.board.isin(sorted({edge["on"] for edge in edges})), windows.day.isin(dates)
        )
        windows = windows.filter(windows.state == "watch", windows.time_utc.notnull())
        windows = windows.select(
            "board", "alarm", at_s=windows.time_utc.epoch_seconds().cast("int64")
        )
        here = [
            windows.board == known.on,
            windows.at_s >= known.from_s,
            windows.at_s <= known.until_s,
        ]
        both = windows.join(known, here)
        parts.append(
            both.group_by("span").agg(windows=both.count(), in_alarm=both.alarm.cast("int64").sum())
        )
    out: dict[int, dict[str, Any]] = {}
    for part in parts:
        for row in backend.to_pyarrow(part).to_pylist():
            one = out.setdefault(row["span"], {"span": row["span"], "windows": 0, "in_alarm": 0})
            one["windows"] += row["windows"]
            one["in_alarm"] += row["in_alarm"] or 0
    return list(out.values())


def _days_of(spans: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Divide spans into whole UTC days and the rest.

    Returns (whole, edges). whole: first and last day, counted from 1970. edges: seconds, cut at
    midnight.
    """
    whole, edges = [], []
    for span in spans:
        first, last = -(-span["from_s"] // DAY_S), (span["until_s"] + 1) // DAY_S - 1
        at = {"span": span["span"], "on": span["on"]}
        if first <= last:
            whole.append({**at, "first": first, "last": last})
            pieces = [(span["from_s"], first * DAY_S - 1), ((last + 1) * DAY_S, span["until_s"])]
        else:  # No whole day: the span touches one midnight, or none.
            midnight = first * DAY_S
            pieces = [
                (span["from_s"], min(midnight - 1, span["until_s"])),
                (midnight, span["until_s"]),
            ]
        edges += [{**at, "from_s": start, "until_s": end} for start, end in pieces if start <= end]
    return whole, edges
