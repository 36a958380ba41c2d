"""Evaluate a fleet by its logs: figures of each board, figures of all, outliers, and accuracy.

Enters: an ibis backend with the tables `windows` and `events` (engines.py). Leaves: figures.

queries.py reduces the tables to one row for each board. The figures are computed here from these
rows. Scores are whole numbers of 1/256 octave, so their counts, sums and quantiles are exact on any
engine. Only the last division is rounded, to PRECISION digits.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nearhum import wire

from ..errors import UsageError
from ..extras import needs
from .labelled_spans import check_named, read_labels
from .queries import DAY_S, by_truth, per_board, per_day

PRECISION = 6  # Digits after the decimal point.
Z_LIMIT = 3.5  # Robust spreads: Iglewicz, Hoaglin, How to Detect and Handle Outliers, 1993, 3.3.
NORMAL = "normal"


@dataclass
class BoardFigures:
    """Figures of one board.

    days: with logs. days_missing: without logs, from its first day to the fleet's last.
    alarms_per_day, in_alarm: per day watched, and as a share (0 to 1) of the time watched.
    level: median of score minus threshold, in octaves. Below 0 is normal.
    level_high: the level that one window in a hundred exceeds, in octaves.
    level_z, alarms_z: distance from the other boards in robust spreads, None where all are alike.
    stands_out: which of the two exceeds Z_LIMIT, "" for none.
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
    """Figures of a fleet.

    pooled: over all boards, weighted by the time that each watched. Its levels are the median
    board's. truth: one row for the fleet and one for each trivial detector, for comparison.
    """

    boards: list[BoardFigures]
    pooled: dict[str, Any]
    truth: list[dict[str, Any]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Return the figures as plain values for JSON."""
        return asdict(self)


def evaluate(backend: Any, labels: Path | None = None) -> FleetFigures:
    """Compute the figures of the fleet whose tables a backend has.

    labels: csv with LABEL_COLUMNS. Each row states the truth about a board between two UTC times:
        the label `normal`, or any other.
    Raises UsageError if there are no windows, if the labels cannot be read, or if they name a board
    that has no tables.
    """
    import ibis

    spans = read_labels(labels) if labels else []
    days = ibis.memtable(backend.to_pyarrow(per_day(backend)))  # Computed once, used twice.
    rows = sorted(
        backend.to_pyarrow(per_board(backend, days)).to_pylist(), key=lambda row: row["board"]
    )
    if not rows:
        raise UsageError(
            "the tables have no windows", hint="`nearhum pull FOLDER --all` fetches logs"
        )
    last = max(row["last_day"] for row in rows)
    boards = [_figures(row, last) for row in rows]
    check_named(spans, {board.board for board in boards}, labels)
    _stand_out(boards)
    truth = _truth(by_truth(backend, days, spans), spans) if spans else []
    return FleetFigures(boards, _pooled(boards), truth)


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
    # Alarms are counts. The square root makes their spread the same at every rate (Anscombe,
    # Biometrika 35, 1948, 246).
    level = [board.level for board in boards]
    alarms = [
        None if board.alarms_per_day is None else math.sqrt(board.alarms_per_day)
        for board in boards
    ]
    for board, level_z, alarms_z in zip(boards, robust_z(level), robust_z(alarms), strict=True):
        board.level_z, board.alarms_z = level_z, alarms_z
        reasons = [("level", level_z), ("alarms", alarms_z)]
        board.stands_out = " ".join(
            name for name, z in reasons if z is not None and abs(z) > Z_LIMIT
        )


def robust_z(values: list[float | None]) -> list[float | None]:
    """Return the distance of each value from the median, in robust spreads.

    The spread is 1.4826 times the median absolute deviation. Where this is 0, because more than
    half of the values are alike, it is 1.2533 times the mean absolute deviation. Both factors give
    the standard deviation of a normal distribution.

    Returns None for None, for all values where all are alike, and where fewer than 3 are known.
    """
    known = [value for value in values if value is not None]
    if len(known) < 3:
        return [None] * len(values)
    centre = median(known)
    apart = [abs(value - centre) for value in known]
    spread = 1.4826 * median(apart) or 1.2533 * math.fsum(apart) / len(apart)
    return [
        None if value is None or not spread else _rounded((value - centre) / spread)
        for value in values
    ]


def median(values: list[float]) -> float:
    """Return the middle value, or the mean of the two middle ones. values: at least one."""
    ordered, n = sorted(values), len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def _truth(rows: list[dict[str, Any]], spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {row["span"]: row for row in rows}
    strange = [found[s["span"]] for s in spans if s["label"] != NORMAL and s["span"] in found]
    normal = [found[s["span"]] for s in spans if s["label"] == NORMAL and s["span"] in found]
    n_strange, n_normal = (
        sum(row["windows"] for row in strange),
        sum(row["windows"] for row in normal),
    )
    hits, false = sum(row["in_alarm"] for row in strange), sum(row["in_alarm"] for row in normal)
    n_found = sum(row["in_alarm"] > 0 for row in strange)

    def row(
        name: str, detected: float, false_alarms: float, spans_found: float | None
    ) -> dict[str, Any]:
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
        row(
            "the fleet",
            hits / n_strange if n_strange else 0,
            false / n_normal if n_normal else 0,
            n_found,
        ),
        row("always alarm", 1, 1, len(strange)),
        row("never alarm", 0, 0, 0),
        row("a coin a window", 0.5, 0.5, None),
    ]


def _octaves(level_q8: int | None) -> float | None:
    return None if level_q8 is None else _rounded(level_q8 / wire.OCTAVE_Q8)


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, PRECISION) + 0.0


def needs_fleet() -> None:
    """Raise HostError that names the extra to install if ibis is missing."""
    with needs("fleet"):
        import ibis  # noqa: F401
