"""The atlas: what a board promises, compared with what it does, on synthetic signals.

There are no recordings and no labels. Every signal has a seed, and all of its parameters are known.
sessions.py makes what a board is given, judging.py judges it.
"""

from collections.abc import Sequence
from pathlib import Path

from ..base import Judgement, Run, Session, WindowsIn
from . import judging, sessions
from .signals import SIGNALS


class Atlas:
    """One session (cell) for each signal and learning period, and ten for each signal to measure
    power.

    cells_within_3x, cells_at_most_3x: alarms begun, against the promise, in cells that learned at
        least one promised interval.
    worst_time_in_alarm: in cells that learned two cycles of their signal.
    worst_time_in_alarm_long: in those of them that learned at least one promised interval.
    silent_blind: number of cells that missed a step of 8 spreads without having warned of it.
    short_trusted: of cells that learned less than one promised interval, the share that stated how
        many alarms to expect, and was right.
    time_trusted: of cells that learned two cycles, the share that stated how much of the time they
        may be in alarm, and was right.
    """

    name = "atlas"
    told = f"a learning period of {sessions.LENGTHS[0]} to {sessions.LENGTHS[-1]} windows"
    batch = 10
    made_in = Path(__file__).parent

    def __init__(
        self,
        signals: Sequence[str] = tuple(SIGNALS),
        lengths: Sequence[int] = sessions.LENGTHS,
        n_seeds: int = sessions.N_SEEDS,
    ) -> None:
        self._chosen = signals, lengths, n_seeds

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        return sessions.sessions(*self._chosen, windows_in)

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        return judging.judge(runs)
