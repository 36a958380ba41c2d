"""Test that every figure meets its target, with the defaults of each kind of signal.

A figure that misses its target must be no worse than what was reached before (bars.py).
"""

import os
from pathlib import Path

import pytest
from nearhum_host.errors import HostError
from nearhum_host.evaluation.assessment import evaluate, root_of
from nearhum_host.evaluation.benchmarks.bars import TARGETS

RECORDINGS = Path(os.environ.get("NEARHUM_DATA", Path(__file__).parents[4] / "shared" / "wide"))


@pytest.mark.slow
# The atlas takes minutes of its own: `make evaluate` holds it.
@pytest.mark.parametrize("name", [name for name in TARGETS if name != "atlas"])
def test_targets_hold(name: str) -> None:
    try:
        root_of(name, RECORDINGS)
    except HostError as absent:
        pytest.skip(f"{name}: {absent.message}")
    figures = evaluate(name, RECORDINGS)["figures"]
    missed = {
        figure: f"{figures[figure]} is not {' '.join(target.said())} %"
        for figure, target in TARGETS[name].items()
        if not target.is_kept(figures[figure])
    }
    assert not missed
