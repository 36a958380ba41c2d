"""Evaluates a fleet by its logs: what each board did, what all did, who stands out, and how right the alarms were.

Enters: an ibis backend with `windows` and `events` (engines.py). Leaves: figures. The expressions below are the same on
every engine; what they return is small (a row a board), and what is made of it is made here. Figures are given to
PRECISION digits after the point: scores are whole numbers of 1/256 octave, so counts, sums and quantiles of them are
exact on any engine, and only the last division is rounded.
"""

from __future__ import annotations

import csv
import datetime
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nearhum import wire

from ..errors import UsageError
from ..extras import needs

PRECISION = 6
Z_LIMIT = 3.5  # Iglewicz, Hoaglin: How to Detect and Handle Outliers, 1993, 3.3
DAY_S = 86400
_EPOCH = datetime.date(1970, 1, 1)
NORMAL = "normal"
LABEL_COLUMNS = ("board", "from_utc", "until_utc", "label")


@dataclass
class BoardFigures:
    """One board. Rates are of the time it watched; levels are octaves from its threshold, below 0 is normal.

    days: with logs; days_missing: from its first day to the fleet's last, without. level: median of score less
    threshold; level_high: what one window in a hundred exceeds. level_z, alarms_z: how far it stands from the other
    boards, in robust spreads; None where all are alike. stands_out: for which of them.
    """

    board: str
    days: int
    days_missing: int
    windows: int
    watched_h: float
    alarms: int
    alarms_per_day: float | None
    in_alarm: float | None
    level: float | None
    level_high: float | None
    resets: int
    faults: int
    level_z: float | None = None
    alarms_z: float | None = None
    stands_out: str = ""


@dataclass
class FleetFigures:
    """A fleet.

    pooled: over all boards, by the time each watched; levels of the median board. truth: a row a detector, trivial ones
    beside the fleet's.
    """

    boards: list[BoardFigures]
    pooled: dict[str, Any]
    truth: list[dict[str, Any]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)


def evaluate(backend: Any, labels: Path | None = None) -> FleetFigures:
    """Return the figures of the fleet whose tables a backend has.

    labels: csv with LABEL_COLUMNS: what is true of a board between two UTC times; the label `normal` or any other.
    Raises UsageError for labels that cannot be read, or are of boards that have no tables.
    """
    import ibis

    spans = read_labels(labels) if labels else []
    days = ibis.memtable(backend.to_pyarrow(per_day(backend)))  # looked at once, asked twice
    rows = sorted(backend.to_pyarrow(per_board(backend, days)).to_pylist(), key=lambda row: row["board"])
    if not rows:
        raise UsageError("the tables have no windows", hint="`nearhum pull FOLDER --all` fetches logs")
    last = max(row["last_day"] for row in rows)
    boards = [_figures(row, last) for row in rows]
    _check_named(spans, {board.board for board in boards}, labels)
    _stand_out(boards)
    truth = _truth(by_truth(backend, days, spans), spans) if spans else []
    return FleetFigures(boards, _pooled(boards), truth)


# --- the expressions: the same on every engine -------------------------------------------------------------------


def per_day(backend: Any) -> Any:
    """Return the expression of a board's days: windows by whether it watched, alarmed, and knew the time."""
    windows = backend.table("windows")
    rows = windows.select(
        "board", "day", "alarm", watching=windows.state == "watch", timed=windows.time_utc.notnull()
    )  # fmt: skip
    return rows.group_by("board", "day", "watching", "alarm", "timed").agg(n=rows.count())


def per_board(backend: Any, by_day: Any) -> Any:
    """Return the expression of a row a board: its windows, and its events beside them. by_day: of per_day.

    A quantile is a value that occurs, the least that so many reach (nearest rank): read off the counts of a board's
    levels, so that no engine has to sort its windows.
    """
    import ibis

    windows, events = backend.table("windows"), backend.table("events")
    days = by_day.select("board", "day").distinct()
    days = days.group_by("board").agg(days=days.count(), first_day=days.day.min(), last_day=days.day.max())
    bins = windows.select(
        "board", "hop_s", "alarm", watching=windows.state == "watch",
        level=((windows.score - windows.threshold) * 256).cast("int64"),
    )  # fmt: skip
    bins = bins.group_by("board", "watching", "alarm", "level").agg(n=bins.count(), s=bins.hop_s.sum())
    times = bins.group_by("board").agg(
        windows=bins.n.sum(),
        watched_s=bins.s.sum(where=bins.watching),
        in_alarm_s=bins.s.sum(where=bins.watching & bins.alarm),
    )
    levels = bins.filter(bins.watching, bins.level.notnull())
    levels = levels.group_by("board", "level").agg(n=levels.n.sum())
    ranked = levels.mutate(
        upto=levels.n.sum().over(ibis.window(group_by="board", order_by="level", preceding=None, following=0)),
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
    """Return a row a labelled span: its windows watched, and those of them in alarm.

    Of days that lie in a span as a whole the counts of by_day do (per_day); windows are looked at one by one, by whole
    seconds, which every engine has alike, on the days that it begins or ends on alone.
    """
    import ibis

    whole, edges = _days_of(spans)
    parts = []
    if whole:
        # an engine sees memory tables of the spans; days as their number, which every engine has alike
        known = ibis.memtable(whole, schema={"span": "int64", "on": "string", "first": "int64", "last": "int64"})
        days = by_day.filter(by_day.watching, by_day.timed)
        days = days.select("board", "alarm", "n", number=days.day.epoch_days().cast("int64"))
        both = days.join(known, [days.board == known.on, days.number >= known.first, days.number <= known.last])
        parts.append(both.group_by("span").agg(windows=both.n.sum(), in_alarm=both.n.sum(where=both.alarm)))
    if edges:
        known = ibis.memtable(edges, schema={"span": "int64", "on": "string", "from_s": "int64", "until_s": "int64"})
        dates = [_EPOCH + datetime.timedelta(day) for day in sorted({edge["from_s"] // DAY_S for edge in edges})]
        windows = backend.table("windows")
        windows = windows.filter(windows.board.isin(sorted({edge["on"] for edge in edges})), windows.day.isin(dates))
        windows = windows.filter(windows.state == "watch", windows.time_utc.notnull())
        windows = windows.select("board", "alarm", at_s=windows.time_utc.epoch_seconds().cast("int64"))
        here = [windows.board == known.on, windows.at_s >= known.from_s, windows.at_s <= known.until_s]
        both = windows.join(known, here)
        parts.append(both.group_by("span").agg(windows=both.count(), in_alarm=both.alarm.cast("int64").sum()))
    out: dict[int, dict[str, Any]] = {}
    for part in parts:
        for row in backend.to_pyarrow(part).to_pylist():
            one = out.setdefault(row["span"], {"span": row["span"], "windows": 0, "in_alarm": 0})
            one["windows"] += row["windows"]
            one["in_alarm"] += row["in_alarm"] or 0
    return list(out.values())


def _days_of(spans: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (the whole UTC days of spans, from first to last, since 1970; the rest, no piece across midnight)."""
    whole, edges = [], []
    for span in spans:
        first, last = -(-span["from_s"] // DAY_S), (span["until_s"] + 1) // DAY_S - 1
        at = {"span": span["span"], "on": span["on"]}
        if first <= last:
            whole.append({**at, "first": first, "last": last})
            pieces = [(span["from_s"], first * DAY_S - 1), ((last + 1) * DAY_S, span["until_s"])]
        else:  # within a day, or two
            midnight = first * DAY_S
            pieces = [(span["from_s"], min(midnight - 1, span["until_s"])), (midnight, span["until_s"])]
        edges += [{**at, "from_s": start, "until_s": end} for start, end in pieces if start <= end]
    return whole, edges


# --- what is made of their rows ----------------------------------------------------------------------------------


def _figures(row: dict[str, Any], last: datetime.date) -> BoardFigures:
    watched_s = row["watched_s"] or 0.0
    alarms = row["alarms"] or 0
    return BoardFigures(
        board=row["board"],
        days=row["days"],
        days_missing=(last - row["first_day"]).days + 1 - row["days"],
        windows=row["windows"],
        watched_h=_rounded(watched_s / 3600) or 0.0,
        alarms=alarms,
        alarms_per_day=_rounded(alarms * DAY_S / watched_s) if watched_s else None,
        in_alarm=_rounded((row["in_alarm_s"] or 0.0) / watched_s) if watched_s else None,
        level=_octaves(row["level"]),
        level_high=_octaves(row["level_high"]),
        resets=max(0, (row["boots"] or 1) - 1),
        faults=row["faults"] or 0,
    )


def _pooled(boards: list[BoardFigures]) -> dict[str, Any]:
    watched_h = sum(board.watched_h for board in boards)
    in_alarm_h = sum((board.in_alarm or 0) * board.watched_h for board in boards)
    alarms = sum(board.alarms for board in boards)
    levels = sorted(board.level for board in boards if board.level is not None)
    high = sorted(board.level_high for board in boards if board.level_high is not None)
    return {
        "boards": len(boards),
        "windows": sum(board.windows for board in boards),
        "board_days": sum(board.days for board in boards),
        "days_missing": sum(board.days_missing for board in boards),
        "watched_h": _rounded(watched_h),
        "alarms": alarms,
        "alarms_per_day": _rounded(alarms * 24 / watched_h) if watched_h else None,
        "in_alarm": _rounded(in_alarm_h / watched_h) if watched_h else None,
        "level": _rounded(median(levels)) if levels else None,
        "level_high": _rounded(median(high)) if high else None,
        "resets": sum(board.resets for board in boards),
        "faults": sum(board.faults for board in boards),
        "stand_out": sum(bool(board.stands_out) for board in boards),
    }


def _stand_out(boards: list[BoardFigures]) -> None:
    # alarms are counts: their root has one spread whatever their rate (Anscombe, Biometrika 35 (1948), 246)
    level = [board.level for board in boards]
    alarms = [None if board.alarms_per_day is None else math.sqrt(board.alarms_per_day) for board in boards]
    for board, level_z, alarms_z in zip(boards, robust_z(level), robust_z(alarms), strict=True):
        board.level_z, board.alarms_z = level_z, alarms_z
        reasons = [("level", level_z), ("alarms", alarms_z)]
        board.stands_out = " ".join(name for name, z in reasons if z is not None and abs(z) > Z_LIMIT)


def robust_z(values: list[float | None]) -> list[float | None]:
    """Return how many spreads each value is from the median; None for None, and where all are alike.

    The spread is 1.4826 times the median absolute deviation; where more than half are alike, 1.2533 times the mean one.
    """
    known = [value for value in values if value is not None]
    if len(known) < 3:
        return [None] * len(values)
    centre = median(known)
    apart = [abs(value - centre) for value in known]
    spread = 1.4826 * median(apart) or 1.2533 * math.fsum(apart) / len(apart)
    return [None if value is None or not spread else _rounded((value - centre) / spread) for value in values]


def median(values: list[float]) -> float:
    """Return the middle value, or the mean of the two."""
    ordered, n = sorted(values), len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def _truth(rows: list[dict[str, Any]], spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {row["span"]: row for row in rows}
    strange = [found[s["span"]] for s in spans if s["label"] != NORMAL and s["span"] in found]
    normal = [found[s["span"]] for s in spans if s["label"] == NORMAL and s["span"] in found]
    n_strange, n_normal = sum(row["windows"] for row in strange), sum(row["windows"] for row in normal)
    hits, false = sum(row["in_alarm"] for row in strange), sum(row["in_alarm"] for row in normal)
    n_found = sum(row["in_alarm"] > 0 for row in strange)

    def row(name: str, detected: float, false_alarms: float, spans_found: float | None) -> dict[str, Any]:
        precise = detected * n_strange + false_alarms * n_normal
        f1 = 2 * detected * n_strange / (precise + n_strange) if n_strange else None
        return {
            "detector": name,
            "detected": _rounded(detected) if n_strange else None,
            "false_alarms": _rounded(false_alarms) if n_normal else None,
            "f1": _rounded(f1),
            "spans_found": spans_found,
            "spans": len(strange),
        }

    return [
        row("the fleet", hits / n_strange if n_strange else 0, false / n_normal if n_normal else 0, n_found),
        row("always alarm", 1, 1, len(strange)),
        row("never alarm", 0, 0, 0),
        row("a coin a window", 0.5, 0.5, None),
    ]


def _octaves(level_q8: int | None) -> float | None:
    return None if level_q8 is None else _rounded(level_q8 / wire.SCORE_ONE)


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, PRECISION) + 0.0


def read_labels(file: Path) -> list[dict[str, Any]]:
    """Return the spans of a csv with LABEL_COLUMNS, numbered. Raises UsageError with the line that is wrong."""
    try:
        with open(file, newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if tuple(reader.fieldnames or ()) != LABEL_COLUMNS:
                raise UsageError(
                    f"{file} has the columns {reader.fieldnames}", hint="it needs " + ",".join(LABEL_COLUMNS)
                )
            return [_span(row, n, f"{file}, line {n + 2}") for n, row in enumerate(reader)]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from None


def _check_named(spans: list[dict[str, Any]], boards: set[str], file: Path | None) -> None:
    """Raise UsageError where a label is of a board that has no tables; boards of one name have the chip's number."""
    for span in spans:
        name = span["on"]
        if name not in boards:
            alike = sorted(board for board in boards if name and board.startswith(name + "-")) or sorted(boards)
            others = f" and {len(alike) - 5} more" if len(alike) > 5 else ""
            raise UsageError(
                f"{file}, line {span['span'] + 2}: the tables have no board {name!r}",
                hint=f"name it as they do: {', '.join(alike[:5])}{others}",
            )


def _span(row: dict[str, str], n: int, where: str) -> dict[str, Any]:
    try:
        times = [datetime.datetime.fromisoformat(row[name]) for name in ("from_utc", "until_utc")]
    except (TypeError, ValueError):
        raise UsageError(f"{where}: no time in {row}", hint="UTC as 2026-11-25 13:00:00") from None
    seconds = [int(time.replace(tzinfo=datetime.UTC).timestamp()) for time in times]
    if not row["label"] or seconds[1] < seconds[0]:
        raise UsageError(f"{where}: {row}", hint="a label, and an end that is not before its start")
    return {"span": n, "on": row["board"], "from_s": seconds[0], "until_s": seconds[1], "label": row["label"]}


def needs_fleet() -> None:
    """Raise HostError that names the extra unless what evaluating takes is installed."""
    with needs("fleet"):
        import ibis  # noqa: F401
