"""Fixtures of the host tests: virtual boards that are stopped again, and mpremote as a user runs
it.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from device import run

if TYPE_CHECKING:
    from nearhum_host.virtual import VirtualBoard

ON_LINUX_X86_64 = sys.platform == "linux" and platform.machine() == "x86_64"
# For a script: sets `own` to the most memory that its process has had, in KiB. ru_maxrss begins at
# what the process had that started it.
OWN_MEMORY = """
import re
with open("/proc/self/status") as status:
    own = int(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])
"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which array library the tests on the unix port ran against."""
    terminalreporter.write_line(run.arrays())


@pytest.fixture
def flash_image(tmp_path: Path) -> Path:
    """The path of a flash image that the first board to use it makes."""
    return tmp_path / "flash.bin"


@pytest.fixture
def virtual_board() -> Iterator["Callable[..., VirtualBoard]"]:
    """A factory: virtual_board(model, image, ...) starts a board; all are stopped after the
    test.
    """
    if not ON_LINUX_X86_64:
        pytest.skip("the virtual board needs Linux on x86-64")
    from nearhum_host.virtual import VirtualBoard

    started: list[VirtualBoard] = []

    def make(*args: Any, **options: Any) -> VirtualBoard:
        board = VirtualBoard(*args, **options)
        started.append(board)
        return board.start()

    yield make
    for board in started:
        board.stop()


@pytest.fixture
def mpremote() -> Callable[..., str]:
    """mpremote(board, *arguments): run the real one, return what it printed; fail the test if
    it failed.
    """

    def run(
        board: "VirtualBoard | str", *arguments: str, stdin: str = "", fails: bool = False
    ) -> str:
        port = board if isinstance(board, str) else board.path
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port, *arguments],
            capture_output=True, text=True, input=stdin, timeout=20,
        )  # fmt: skip
        if (done.returncode != 0) != fails:
            raise AssertionError(
                f"mpremote {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done.stdout + done.stderr if fails else done.stdout

    return run


@pytest.fixture(scope="module")
def call() -> Iterator[Callable[..., Any]]:
    """What calls a kernel by name in one MicroPython that stays."""
    interpreter = run.micropython()
    if interpreter is None:
        pytest.skip("no MicroPython unix port")
    script = run.TESTS / "reference" / "run_kernels.py"
    command = [interpreter, "-X", "heapsize=4M", str(script), str(run.TESTS.parent / "firmware")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def ask(*arguments: Any) -> Any:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(arguments) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, "the kernel died"
            return json.loads(answer)

        yield ask
        process.stdin.close()
