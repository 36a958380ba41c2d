"""Measure a head's accuracy after a few examples of each label, with the board's own recogniser.

Enters: windows, and for each head the fold of windows that it was trained without. Leaves: rounds
for the firmware to answer, and from its answers the accuracy by number of examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluation import metrics
from .embedding import Round
from .windows import Windows

SHOTS = (1, 3, 5)  # Examples of each label.
N_DRAWS = 5  # Random choices of examples in each session.
MOST_LABELS, MOST_EXAMPLES = 16, 64  # A board holds no more.
SEED = 1


@dataclass(frozen=True)
class Asked:
    """What a round measures: the kind of fold, examples of each label, with the head or without."""

    what: str
    shots: int
    with_head: bool


def rounds_of(w: Windows, folds: Sequence[tuple[str, np.ndarray]]) -> Iterator[tuple[Asked, Round]]:
    """Yield the rounds of every fold but the first, which is the file's own head.

    Each session of a fold gives one round for each draw and number of examples, with the head and
    without.
    """
    draw = np.random.default_rng(SEED)
    # Network 0 is "" (no head) and network 1 the file's own head: the folds' heads start at 2.
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
    """Return the mean accuracy, 0 to 1, for each kind of fold and number of examples.

    answers: for each round the labels that the firmware answered.
    """
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
