"""Rows of the table of faults.

A module of this folder that has a function `rows(say)` is part of the table. It yields a Row for
every fault and stage. say(text) reports its progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

STAGES = (
    "flash: check", "flash: connect", "flash: detect", "flash: stub", "flash: prepare",
    "flash: begin", "flash: write", "flash: verify", "flash: any packet", "flash: any block",
    "boot", "learn", "watch", "enrol", "save", "pull", "life",
)  # fmt: skip

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """fault, stage (one of STAGES): what was done, and when. cases: how often, such as at how many
    offsets.

    outcome: the promised result of all cases. If not ok, the result of the first case that differs.
    """

    fault: str
    stage: str
    cases: int
    outcome: str
    ok: bool = True

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise ValueError(f"stage {self.stage!r} is none of {', '.join(STAGES)}")
        if self.cases < 1:
            raise ValueError(f"{self.fault}, {self.stage}: a row of no case shows nothing")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a table of text, by fault in their order, and by stage."""
    faults: dict[str, list[Row]] = {}
    for row in rows:
        faults.setdefault(row.fault, []).append(row)
    lines = [("fault", "stage", "cases", "", "outcome")]
    for some in faults.values():
        for row in sorted(some, key=lambda row: STAGES.index(row.stage)):
            lines.append(
                (row.fault, row.stage, f"{row.cases:,}", "ok" if row.ok else "FAIL", row.outcome)
            )
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    return "\n".join(
        f"{fault:<{widths[0]}}  {stage:<{widths[1]}}  {cases:>{widths[2]}}  {ok:<{widths[3]}} "
        f" {outcome}"
        for fault, stage, cases, ok, outcome in lines
    )
