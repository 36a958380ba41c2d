"""What a head is worth after a few examples of each label, by the board's own recogniser.

Enters: windows and the folds of them that a head was trained without. Leaves: the rounds to ask of
the firmware, and the shares of right answers by number of examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluation import metrics
from .embedding import Round
from .windows import Windows

SHOTS = (1, 3, 5)
N_DRAWS = 5
MOST_LABELS, MOST_EXAMPLES = 16, 64  # that a board holds
SEED = 1


@dataclass(frozen=True)
class Asked:
    """What a round is for: which folds it is of, how many examples, with the head or without."""

    what: str
    shots: int
    with_head: bool


def rounds_of(w: Windows, folds: Sequence[tuple[str, np.ndarray]]) -> Iterator[tuple[Asked, Round]]:
    """Yield the rounds of each fold but the first: one a session in it, draw and shots, with
    the head and without.
    """
    draw = np.random.default_rng(SEED)
    # heads are numbered behind "", and the file's own
    for head, (what, fold) in enumerate(folds[1:], 2):
        for session in np.unique(w.session[fold]):
            for _ in range(N_DRAWS):
                own = np.flatnonzero(fold & w.apart & (w.session == session))
                drawn = {
                    label: draw.permutation(own[w.label[own] == label])
                    for label in np.unique(w.label[own])
                }
                for shots in SHOTS:
                    most = min(MOST_LABELS, MOST_EXAMPLES // shots)
                    some = [label for label, windows in drawn.items() if len(windows) > shots][
                        :most
                    ]
                    if len(some) < 2:
                        continue
                    enrolled = [
                        (int(i), w.labels[label]) for label in some for i in drawn[label][:shots]
                    ]
                    asked = [int(i) for label in some for i in drawn[label][shots:]][
                        :: 1 + len(own) // w.most_asked
                    ]
                    for at in (head, 0):
                        yield Asked(what, shots, at > 0), Round(at, enrolled, asked)


def right_answers(
    w: Windows, rounds: Sequence[tuple[Asked, Round]], answers: Sequence[Sequence[str]]
):
    shares: dict[tuple[str, int], dict[bool, list[float | None]]] = {}
    for (asked, of), answer in zip(rounds, answers, strict=True):
        right = np.mean(
            [w.labels[w.label[i]] == said for i, said in zip(of.asked, answer, strict=True)]
        )
        shares.setdefault((asked.what, asked.shots), {}).setdefault(asked.with_head, []).append(
            float(right)
        )
    return [
        {
            "asked of": what,
            "examples": shots,
            "with head": metrics.mean(some[True]),
            "without": metrics.mean(some[False]),
        }
        for (what, shots), some in shares.items()
    ]
