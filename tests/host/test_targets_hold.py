"""Every figure that must hold does, by the firmware over the recordings, with the defaults of each kind of signal."""

import os
from pathlib import Path

import pytest
from nearhum_host import datasets
from nearhum_host.errors import HostError
from nearhum_host.evaluation import evaluate
from nearhum_host.protocols.targets import TARGETS

RECORDINGS = Path(os.environ.get("NEARHUM_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_targets_hold(name: str) -> None:
    try:
        datasets.folder(RECORDINGS, name)
    except HostError as absent:
        pytest.skip(f"{name}: {absent.message}")
    figures = evaluate(name, RECORDINGS)["figures"]
    missed = {
        figure: f"{figures[figure]} is not {target.said()[0]} %"
        for figure, target in TARGETS[name].items()
        if not target.holds(figures[figure])
    }
    assert not missed
