"""The device tests, file by file, on the unix port and on a virtual board; and their runner
itself.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64
from device import run
from faults import power_cuts


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


@pytest.fixture(scope="module")
def compiled() -> Iterator[Path | None]:
    if not ON_LINUX_X86_64:
        yield None
        return
    with power_cuts.compiled_application() as folder:
        yield folder


# These take 4 to 9 s on the unix port. `make test` runs them on the virtual board alone.
LONG = {
    "accelerometers",
    "damaged_files",
    "dirt_learned",
    "exact_over_time",
    "hostile_states",
    "journal_log",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in run.names()],
)
def test_unix(name: str, compiled: Path | None) -> None:
    judge(run.on_unix(name, compiled))


@pytest.mark.parametrize("name", run.names())
def test_virtual(name: str, on_virtual_board: Callable[[str], str]) -> None:
    judge(on_virtual_board(name))


def runner(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(Path(run.__file__)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_what_needs_a_module_is_asked_where_there_is_one(on_virtual_board) -> None:
    for target in (run.on_unix, on_virtual_board):
        assert (
            "ok time_between_packets_is_the_second_channel"
            in target("sources_wifi").replace("\r", "").splitlines()
        )
    # a host may have a ulab, or is told
    assert " the_float_path_on_ulab" in run.on_unix("no_allocation")


def test_runner_runs_what_is_named() -> None:
    done = runner("windows")
    assert done.returncode == 0, done.stdout
    interpreter, tests = done.stdout.split("\n", 1)
    assert "np is " in interpreter
    assert tests.startswith("windows: ")
    assert runner("no_such_test").returncode == 2


def test_runner_on_the_port_of_a_board(virtual_board, tmp_path: Path) -> None:
    """As on a real board: the application is deployed with the wiring of its board file, its
    sensor is tried.
    """
    from nearhum_host.recordings.nhr import Recording, write_nhr
    from nearhum_host.serial_line.link import Link
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


STUCK = {
    # in the middle of what mpremote answers, with Ctrl-C off, and who would answer was ended
    "asking": "import os\nwhile True:\n os.stat('/remote/device')\n",
    "deaf": "import micropython, sys\nmicropython.kbd_intr(-1)\nwhile True:\n sys.stdin.read(1)\n",
}


@pytest.mark.parametrize("name", STUCK)
def test_a_board_that_a_file_left_silent_is_brought_back(name, virtual_board, tmp_path) -> None:
    """The file after one that did not end runs as if nothing had been."""
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / f"{name}.py").write_text(STUCK[name])
    (tmp_path / "device" / "well.py").write_text("print('done: 1 ok, 0 failed, 0 skipped')\n")
    port = virtual_board("rp2040").path
    assert not run.verdict(run.on_port(port, tmp_path, 6)(name))[1]
    assert run.verdict(run.on_port(port, tmp_path)("well"))[1]


def test_after_a_board_that_stays_silent_nothing_is_run(monkeypatch) -> None:
    monkeypatch.setattr(run, "printed_by", lambda *_: "ok a\n" + run.TOO_LATE)
    monkeypatch.setattr(run, "recovered", lambda _: False)
    there = run.on_port("/dev/none")
    assert not run.verdict(there("first"))[1]
    monkeypatch.setattr(run, "printed_by", lambda *_: "done: 1 ok, 0 failed, 0 skipped")
    said = there("second")
    assert "the board is silent since first" in said
    assert not run.verdict(said)[1]
