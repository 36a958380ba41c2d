"""Confidence: how much the figures would change with other files, speakers or machines of the kind.

Enters: a protocol and its runs. Leaves: for each figure the 95 % interval of a bootstrap (Efron
    1979).

The bootstrap draws units with replacement, as many as there are: files, wearers or rooms. The
protocol judges each resample as it judged the whole. The seed is fixed, so the same runs give the
same intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .benchmarks.base import SEED, EvaluationProtocol, Run, Session, judged

N_RESAMPLES = 200
LEAST_UNITS = 3  # Fewer units say nothing about others.
_PERCENTILES = (2.5, 97.5)

# By protocol: the unit that a session belongs to. Without an entry, each session is a unit.
UNIT_OF: Mapping[str, Callable[[Session], str]] = {
    "adi_motor": lambda session: session.about.condition,
    "fan": lambda session: session.about.group,
    "fsdd": lambda session: session.name.split("_")[0],  # All draws of a speaker.
    "watch": lambda session: session.name.split("_")[0],  # Both sides and all draws of a wearer.
}


def intervals(
    protocol: EvaluationProtocol,
    runs: Sequence[tuple[Session, Run]],
    n_resamples: int = N_RESAMPLES,
) -> tuple[dict[str, tuple[float, float]], int]:
    """Return ({figure: (low, high)}, number of units). There are no intervals for fewer than
    LEAST_UNITS.
    """
    unit_of = UNIT_OF.get(protocol.name, lambda session: session.name)
    units: dict[str, list[tuple[Session, Run]]] = {}
    for session, run in runs:
        units.setdefault(unit_of(session), []).append((session, run))
    names = sorted(units)
    if len(names) < LEAST_UNITS:
        return {}, len(names)
    draw = np.random.default_rng(SEED)
    drawn: dict[str, list[float]] = {}
    for _ in range(n_resamples):
        some: list[tuple[Session, Run]] = []
        for place, index in enumerate(draw.integers(0, len(names), len(names))):
            some += [(_again(session, place), run) for session, run in units[names[index]]]
        for figure, value in judged(protocol, some).figures.items():
            if value is not None:
                drawn.setdefault(figure, []).append(value)
    found = {
        figure: tuple(float(v) for v in np.percentile(values, _PERCENTILES))
        for figure, values in drawn.items()
    }
    return {figure: (low, high) for figure, (low, high) in found.items()}, len(names)


def _again(session: Session, place: int) -> Session:
    """Return the session under a new name, so that a unit drawn twice counts twice."""
    return replace(session, name=f"{place}.{session.name}", about=_renamed(session.about, place))


def _renamed(about: Any, place: int) -> Any:
    for field in ("condition", "group"):  # Protocols group their sessions by these.
        if hasattr(about, field):
            about = replace(about, **{field: f"{place}.{getattr(about, field)}"})
    return about
