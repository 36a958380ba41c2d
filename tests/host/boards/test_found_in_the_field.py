"""Test boards as users left them: a slow boot.py, all modules deployed, an invalid head."""

from collections.abc import Callable

import pytest
from host.boards.test_deploy import FILES, put
from host.boards.test_user_programs import write
from host.serial_line.test_link import SETTINGS
from nearhum_host.boards import application, board_files, deployment
from nearhum_host.errors import DeviceError
from nearhum_host.serial_line import link as line
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard

BOOT = b"""
import time
for _ in range(6):
    time.sleep_ms(%d)
    print(".", end="")
"""


def real(everything: bool = False) -> dict[str, bytes]:
    return application.application(board_files.load("virtual"), SETTINGS, everything)


def test_a_boot_py_that_takes_its_time_is_waited_for(
    virtual_board: Callable[..., VirtualBoard], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(line, "START_S", 4.0)
    board = virtual_board()
    write(board, {"/boot.py": BOOT % 1000})  # longer in all than it may be silent
    assert put(board, FILES).start["version"] == "1"


@pytest.mark.parametrize(
    ("silent_ms", "said"), [(400, "its last output is '.+'"), (60_000, "it prints nothing")]
)
def test_a_boot_py_that_does_not_end_is_named(
    silent_ms: int,
    said: str,
    virtual_board: Callable[..., VirtualBoard],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(line, "START_S", 1.5)
    monkeypatch.setattr(line, "START_MOST_S", 1.8)
    board = virtual_board()
    write(board, {"/boot.py": BOOT % silent_ms})
    with pytest.raises(DeviceError, match=f"its boot.py.* is busy.*{said}") as caught:
        put(board, FILES)
    assert "install" not in caught.value.hint


def test_a_deploy_follows_one_of_everything(virtual_board: Callable[..., VirtualBoard]):
    board = virtual_board()
    for everything in (True, False, True):
        assert put(board, real(everything)).start["board"] == "virtual"
    board.power_off()
    board.power_on()
    assert put(board, real()).start["board"] == "virtual"


def test_a_head_that_is_none_is_refused_and_taken_back(
    virtual_board: Callable[..., VirtualBoard],
):
    board = virtual_board()
    with Link(board.path) as link:
        deployment.deploy(link, real(everything=True))
        for name in ("nearhum.json", "main.py", "hum/log", "nowhere"):
            with pytest.raises(DeviceError, match="board: "):
                link.ask(f"set head {name}")
            with pytest.raises(DeviceError, match="board: "):
                link.ask(f"set yes head {name}")
        assert link.ask("list set")["set"] == {}
    # by a version that took it
    write(board, {"/hum/set.json": b'{"head": "nearhum.json", "smooth": 3}'})
    with Link(board.path, lambda: True) as link:
        status = link.ask("status")
        assert status["state"] != "safe"
        assert "undone: head" in status["warning"]
        assert link.ask("get")["settings"]["smooth"] == 3
