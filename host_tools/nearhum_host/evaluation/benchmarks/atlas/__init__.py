"""The atlas: what a board promises, against what it does, on signals made up on purpose.

No recordings and no labels: every signal is seeded, every number it was made with is known. Read
sessions.py for what a board is given; judging.py for what is asked of it.
"""

from collections.abc import Sequence
from pathlib import Path

from ..base import Judgement, Run, Session, WindowsIn
from . import judging, sessions
from .signals import SIGNALS


class Atlas:
    """A session a signal and learning period; and ten a signal that are changed, for power.

    cells_within_3x, cells_at_most_3x: of the cells that learned one promised interval or more;
    worst_time_in_alarm: of cells that learned two cycles; silent_blind: cells, counted, in which a
    step of 8 spreads was missed and no warning had said that it would be; short_trusted: of the
    cells that learned less, those that said how many alarms there may be, and were right;
    time_trusted: of the cells that learned two cycles, those that said how much of the time they
    may be in alarm, and were right; worst_time_in_alarm_long: as above, of cells that learned one
    promised interval or more.
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
