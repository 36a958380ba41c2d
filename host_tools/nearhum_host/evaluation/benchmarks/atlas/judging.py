"""Judge the atlas: does a board alarm as often as it promised, and what does it miss?

Enters: sessions and their runs. Leaves: the judgement, with one row for each cell, and one for each
    signal with the smallest changes that 8 of 10 boards detect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import base
from .sessions import N_OBSERVED, ONE_IN, Cell, Power

FACTOR = 3  # By which alarms begun may differ from the promise.
ENOUGH_SEEDS = 0.8
PROMISED = N_OBSERVED // ONE_IN


@dataclass(frozen=True)
class Found:
    """The result of one cell.

    begun: number of alarms. share: of the time in alarm. missed: whether the step raised no alarm.
    warned: the board's warning at the end of learning.
    said, said_share: the board's upper limits for alarms and for the share of time in alarm, None
        if it stated none.
    """

    cell: Cell
    begun: int
    share: float
    missed: bool
    warned: str
    said: float | None
    said_share: float | None = None

    @property
    def long(self) -> bool:
        return self.cell.n_learned >= ONE_IN

    @property
    def within(self) -> bool:
        return PROMISED / FACTOR <= self.begun <= PROMISED * FACTOR

    @property
    def trusted(self) -> bool:
        # Independent alarms are a Poisson process: their count spreads by its square root.
        return self.said is not None and self.begun <= self.said + 2 * self.said**0.5

    @property
    def time_trusted(self) -> bool:
        return self.said_share is not None and self.share <= self.said_share


def judge(runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
    cells = [_found(s, r) for s, r in runs if isinstance(s.about, Cell)]
    boards = [(s, r) for s, r in runs if isinstance(s.about, Power)]
    n = len(cells)
    always = [Found(c.cell, 1, 1.0, False, "", None) for c in cells]
    never = [Found(c.cell, 0, 0.0, True, "", None) for c in cells]
    trivial = {"always_alarm": figures_of(always), "never_alarm": figures_of(never)} if n else {}
    return base.Judgement(figures_of(cells), trivial, _table(cells) + _power(boards))


def _found(session: base.Session, run: base.Run) -> Found:
    _, quiet, step = run.windows_of(session.recording)
    alarm = run.alarm[quiet.start : quiet.stop]
    begins = np.count_nonzero(alarm & ~np.append(False, alarm[:-1]))
    learned: dict[str, Any] = next((e.what for e in run.events if e.name == "learned"), {})
    warned = str(learned.get("warning") or "")
    interval = learned.get("alarms_per_day")
    percent = learned.get("alarm_percent")
    stated = session.config["alarms_per_day"]
    return Found(
        session.about,
        int(begins),
        float(alarm.mean()),
        not run.alarm[step.start : step.stop].any(),
        warned,
        interval[1] / stated * PROMISED if interval else None,
        percent[1] / 100 if percent else None,
    )


def figures_of(cells: Sequence[Found]) -> dict[str, float | None]:
    """Return the figures. silent_blind and cells are counts."""

    def share(some: list[bool]) -> float | None:
        return float(np.mean(some)) if some else None

    settled = [c.share for c in cells if c.cell.settled]
    lasting = [c.share for c in cells if c.cell.settled and c.long]
    return {
        "cells_within_3x": share([c.within for c in cells if c.long]),
        "cells_at_most_3x": share([c.begun <= FACTOR * PROMISED for c in cells if c.long]),
        "worst_time_in_alarm": max(settled, default=None),
        "worst_time_in_alarm_long": max(lasting, default=None),
        "time_in_alarm_settled": float(np.mean(settled)) if settled else None,
        "silent_blind": sum(c.missed and not c.warned for c in cells),
        "blind": sum(c.missed for c in cells),
        "short_trusted": share([c.trusted for c in cells if not c.long]),
        "time_trusted": share([c.time_trusted for c in cells if c.cell.settled]),
        "cells": len(cells),
    }


def _table(cells: Sequence[Found]) -> list[dict[str, object]]:
    return [
        {
            "file": f"{c.cell.kind}/{c.cell.signal}",
            "learned": c.cell.n_learned,
            "promised": PROMISED,
            "begun": c.begun,
            "in_alarm": c.share,
            "judged": "yes" if c.cell.settled else "no",
            "step_of_8": ("missed, told" if c.warned else "**missed**") if c.missed else "seen",
            "said_at_most": "–" if c.said is None else f"{c.said:.3g}",
            "said_in_alarm": c.said_share,
        }
        for c in cells
    ]


def _power(boards: Sequence[tuple[base.Session, base.Run]]) -> list[dict[str, object]]:
    """Return a row for each signal: the smallest change of each kind that enough boards detect."""
    seen: dict[str, dict[tuple[str, float], list[bool]]] = {}
    for session, run in boards:
        changed = run.windows_of(session.recording)[2::2]
        for change, windows in zip(session.about.changes, changed, strict=True):
            before = bool(run.alarm[windows.start - 1])
            alarm = not before and bool(run.alarm[windows.start : windows.stop].any())
            seen.setdefault(session.about.signal, {}).setdefault(change, []).append(alarm)
    table: list[dict[str, object]] = []
    for signal, changes in seen.items():
        row: dict[str, object] = {
            "file": f"power/{signal}",
            "learned": "400",
            "boards": max(len(v) for v in changes.values()),
        }
        for what, size in changes:
            enough = np.mean(changes[what, size]) >= ENOUGH_SEEDS
            if enough and f"least_{what}" not in row:
                row[f"least_{what}"] = f"{size:g} spreads"
        table.append(row)
    return table
