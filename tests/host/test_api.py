"""Test `import nearhum_host`: its names, that it loads nothing until used, and its docstrings."""

import inspect
import subprocess
import sys
from pathlib import Path

import nearhum_host
import pytest


def test_importing_it_imports_nothing_large():
    code = (
        "import sys, nearhum_host; print([n for n in ('numpy', 'serial', 'duckdb', 'typer') if n in"
        " sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("name", nearhum_host.__all__)
def test_each_name_is_there_and_says_what_it_is(name: str):
    found = getattr(nearhum_host, name)
    assert getattr(nearhum_host, name) is found  # and again: no module took its place
    assert found.__doc__
    if inspect.isfunction(found):
        hints = inspect.signature(found)
        assert hints.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not inspect.Parameter.empty for p in hints.parameters.values())


def test_names_agree_with_what_type_checkers_read():
    source = (
        Path(nearhum_host.__file__).read_text().split("if TYPE_CHECKING:")[1].split("__all__")[0]
    )
    typed = {
        part.split(" as ")[-1].strip()
        for line in source.splitlines()
        if " import " in line
        for part in line.split(" import ")[1].split(",")
    }
    assert typed == set(nearhum_host.__all__)
    assert sorted(nearhum_host.FROM) == sorted(nearhum_host.__all__) == dir(nearhum_host)


def test_other_names_are_no_attributes():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nearhum_host.nothing


def test_run_learns_and_says_which_setting_is_wrong():
    import numpy as np

    recording = nearhum_host.Recording(400, 1)
    recording.add(
        np.random.default_rng(1).normal(0, 300, (64 * 60, 1)).astype(np.int16), "learn 40"
    )
    settings = {
        "kind": "vibration",
        "rate_hz": 400,
        "n_channels": 1,
        "n_window": 64,
        "n_hop": 64,
        "n_bands": 6,
    }
    run = nearhum_host.run(recording, settings)
    assert len(run.scores) == 60
    # a lamp, and what resets a board, are a board's: here they say nothing, set in whichever way
    recording.segments[0].cue = "learn 40"
    recording.add(recording.segments[0].frames, "set alarm_pin 5")
    of_board = {**settings, "alarm_pin": "25 low", "watchdog_s": 8}
    there = nearhum_host.run(recording, of_board)
    assert list(there.scores[:60]) == list(run.scores)
    recording.segments.pop()
    with pytest.raises(nearhum_host.HostError, match="n_hop"):
        nearhum_host.run(recording, {**settings, "n_hop": 65})
