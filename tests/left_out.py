"""Choose constants with a set left out, and show what limits the sets that miss a target.

`python tests/left_out.py [--sets skab,nab] [--keep FOLDER]`, with NEARHUM_DATA. Each set goes
through the firmware once, which gives the scores of every window. This takes minutes, and --keep
stores the scores for the next time. From these scores, the oracle of tests/reference computes
thresholds and alarms with other constants:

  left out   for each constant that acts after the features: the value that the other sets would
             choose, and the merit of the left-out set with this value, with the default, and with
             its own best value. The merit of a set is the mean of the figures that have a target.
             Figures that should be low are subtracted from 1.
  limits     the figures if all thresholds of a set are moved by one distance, and if those of each
             unit are moved by its own, both chosen with the labels. What is missed even then is
             not missed because of the thresholds.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nearhum_host.evaluation import assessment
from nearhum_host.evaluation.benchmarks import PROTOCOLS
from nearhum_host.evaluation.benchmarks.bars import TARGETS
from nearhum_host.evaluation.benchmarks.base import Run, Session, judged
from nearhum_host.evaluation.confidence import UNIT_OF

sys.path.insert(0, str(Path(__file__).resolve().parent))

from reference.learning import MARGINS  # noqa: E402
from reference.rescored import Constants, Scored, rescored, scored  # noqa: E402

TELEMETRY, VIBRATION, RADIO, SPECTRA = (
    ("skab", "nab"),
    ("femto", "adi_motor"),
    ("csi", "rssi"),
    ("fan",),
)
ALL = (*TELEMETRY, *VIBRATION, *RADIO, *SPECTRA)
Figures = dict[str, float | None]
Of = Callable[[Any], Constants]


def _margin(name: str) -> Of:
    return lambda value: Constants(margins=replace(MARGINS, **{name: value}))


def _setting(name: str) -> Of:
    return lambda value: Constants(settings={name: value})


# (constant, its sets, the default, other values tried, how to set a value).
TRIED: Sequence[tuple[str, Sequence[str], Any, Sequence[Any], Of]] = (
    ("margin over few scores, 1/256 octave", ALL, MARGINS.over, (64, 192, 256), _margin("over")),
    ("the same of one score", ALL, MARGINS.one, (160, 224, 448), _margin("one")),
    ("of one mean over windows", VIBRATION, MARGINS.one_mean, (112, 224, 320), _margin("one_mean")),
    ("reach of the largest of few, spreads", ALL, MARGINS.reach, (3, 6, 8), _margin("reach")),
    ("`smooth` of telemetry", TELEMETRY, 40, (24, 32, 48, 64), _setting("smooth")),
    ("`release` of telemetry", TELEMETRY, 128, (0, 96, 112, 144, 160), _setting("release")),
    ("`fade` of telemetry", TELEMETRY, 1024, (256, 512, 2048), _setting("fade")),
    ("`smooth` of vibration", VIBRATION, 64, (32, 48, 96, 128), _setting("smooth")),
    ("`smooth` of radio", RADIO, 64, (32, 48, 96, 128), _setting("smooth")),
)
MOVED = range(-768, 769, 64)  # Distances in 1/256 octave.


def merit(name: str, figures: Figures) -> float:
    """Return the mean of the figures that have a target. Those that should be low count as 1 -
    figure.
    """
    values = []
    for figure, target in TARGETS[name].items():
        value = figures.get(figure)
        if value is not None:
            values.append(1 - value if target.at_most else value)
    return float(np.mean(values))


def _judged(name: str, runs: Sequence[tuple[Session, Run]]) -> Figures:
    return judged(PROTOCOLS[name], runs).figures


def figures_of(name: str, some: Iterable[Scored], constants: Constants) -> Figures:
    """Return a set's figures with other constants."""
    return _judged(name, [rescored(one, constants) for one in some])


def left_out(sets: dict[str, list[Scored]]) -> Iterator[str]:
    """Yield the table of what the other sets would choose, as lines of Markdown."""
    yield "| constant | default | left out | the others choose | with it | default | own best |"
    yield "|---|---|---|---|---|---|---|"
    for what, names, default, others, of in TRIED:
        names = [name for name in names if name in sets]
        if len(names) < 2:
            continue
        values = [default, *others]  # The default comes first, so it wins a tie.
        merits = np.array(
            [
                [merit(name, figures_of(name, sets[name], of(value))) for name in names]
                for value in values
            ]
        )
        for i, name in enumerate(names):
            chosen = int(np.argmax(np.delete(merits, i, axis=1).mean(axis=1).round(4)))
            best = int(np.argmax(merits[:, i].round(4)))
            got = [f"{100 * merits[at, i]:.1f}" for at in (chosen, 0, best)]
            yield (
                f"| {what} | {default} | {name} | {values[chosen]} | {got[0]} | {got[1]} |"
                f" {got[2]} with {values[best]} |"
            )


def limits(sets: dict[str, list[Scored]]) -> Iterator[str]:
    """Yield for each set its figures with thresholds that were chosen with the labels."""
    for name, some in sets.items():
        targets = TARGETS[name]
        yield ""
        yield "| " + " | ".join([f"{name}: thresholds", *targets]) + " |"
        yield "|---" * (1 + len(targets)) + "|"
        yield _row("as calibrated", name, figures_of(name, some, Constants()))
        moved = {by: [rescored(one, Constants(above=by)) for one in some] for by in MOVED}
        best = max(MOVED, key=lambda by: (merit(name, _judged(name, moved[by])), -abs(by)))
        yield _row(f"all moved by {best / 256:+.2f} octaves", name, _judged(name, moved[best]))
        unit_of = UNIT_OF.get(name, lambda session: session.name)
        units: dict[str, list[int]] = {}
        for i, one in enumerate(some):
            units.setdefault(unit_of(one.session), []).append(i)
        own: list[tuple[Session, Run] | None] = [None] * len(some)
        for members in units.values():
            by = max(
                MOVED,
                key=lambda by, m=members: (
                    merit(name, _judged(name, [moved[by][i] for i in m])),
                    -abs(by),
                ),
            )
            for i in members:
                own[i] = moved[by][i]
        yield _row("each unit's its own", name, _judged(name, [o for o in own if o]))


def _row(what: str, name: str, figures: Figures) -> str:
    values = [figures.get(figure) for figure in TARGETS[name]]
    return (
        f"| {what} | " + " | ".join("–" if v is None else f"{100 * v:.1f}" for v in values) + " |"
    )


def _scores_of(name: str, keep: Path | None) -> list[Scored]:
    stored = keep / f"{name}.pickle" if keep else None
    if stored and stored.exists():
        return pickle.loads(stored.read_bytes())  # noqa: S301, this tool wrote the file
    sessions = assessment.sessions_of(name, assessment.root_of(name, None), {})
    some = scored(sessions, getattr(PROTOCOLS[name], "batch", 1))
    for one in some:
        one.run.journal = b""
    if stored:
        stored.write_bytes(pickle.dumps(some))
    return some


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default=",".join(ALL))
    parser.add_argument("--keep", type=Path, help="folder of the scores, to use them again")
    asked = parser.parse_args()
    if "NEARHUM_DATA" not in os.environ:
        parser.error("NEARHUM_DATA names no folder of recordings")
    sets = {}
    for name in asked.sets.split(","):
        print(f"{name}: through the firmware", file=sys.stderr, flush=True)
        sets[name] = _scores_of(name, asked.keep)
    for part in (left_out(sets), limits(sets)):
        for line in part:
            print(line, flush=True)


if __name__ == "__main__":
    main()
