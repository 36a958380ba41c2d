"""The device tests, file by file, on the unix port and on a virtual board; and their runner itself."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64
from device import run


@pytest.fixture(scope="module")
def on_virtual_board() -> Iterator[Callable[[str], str]]:
    if not ON_LINUX_X86_64:
        pytest.skip("the virtual board needs Linux on x86-64")
    with run.virtual() as target:
        yield target


def judge(output: str) -> None:
    lines, well = run.verdict(output)
    if not well:
        pytest.fail("\n".join(lines), pytrace=False)
    print("\n".join(lines))
    skipped = [line for line in lines if line.startswith("SKIP all")]
    if skipped:
        pytest.skip(skipped[0])


@pytest.mark.parametrize("name", run.names())
def test_unix(name: str) -> None:
    judge(run.on_unix(name))


@pytest.mark.parametrize("name", run.names())
def test_virtual(name: str, on_virtual_board: Callable[[str], str]) -> None:
    judge(on_virtual_board(name))


def runner(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(run.__file__)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_what_needs_a_module_is_asked_where_there_is_one(on_virtual_board) -> None:
    for target in (run.on_unix, on_virtual_board):
        assert "ok time_between_packets_is_the_second_channel" in target("other_sources").replace("\r", "").splitlines()
    assert " the_float_path_on_ulab" in run.on_unix("no_allocation")  # a host may have a ulab, or is told


def test_runner_runs_what_is_named() -> None:
    done = runner("windows")
    assert done.returncode == 0, done.stdout
    interpreter, tests = done.stdout.split("\n", 1)
    assert "nearhum.np is " in interpreter
    assert tests.startswith("windows: ")
    assert runner("no_such_test").returncode == 2


def test_runner_on_the_port_of_a_board(virtual_board, tmp_path: Path) -> None:
    """As on a real board: the application is deployed with the wiring of its board file, its sensor is tried."""
    from nearhum_host.link import Link
    from nearhum_host.recordings import Recording, write_nhr
    from numpy import random

    recording = Recording(50, 6)
    recording.add(random.default_rng(1).integers(-2000, 2000, (30000, 6), dtype="int16"))
    write_nhr(recording, tmp_path / "replay.nhr")
    board = virtual_board("rp2040", sd=tmp_path)
    done = runner("--target", board.path, "--board", "virtual", "windows", "sensor_wired")
    assert done.returncode == 0, done.stdout
    assert "sensor_wired: ok it_samples_at_its_rate_and_lives" in done.stdout
    with Link(board.path) as link:  # the detector goes on
        assert link.ask("status")["board"] == "virtual"


def test_runner_notices_failures_and_files_that_die() -> None:
    assert run.verdict("ok a\ndone: 1 ok, 0 failed, 0 skipped\n") == (["ok a"], True)
    assert run.verdict("ok a\nSKIP b: no ulab\ndone: 1 ok, 0 failed, 1 skipped\n")[1]
    assert not run.verdict("ok a\nFAIL b: why\ndone: 1 ok, 1 failed, 0 skipped\n")[1]
    assert not run.verdict("ok a\nMemoryError: \n")[1]
    assert not run.verdict("")[1]
