"""What a program that was killed, or noise, leaves at the other end of the line: each is found and
put right, and a running detector is not stopped for it.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from host.serial_line.test_link import SETTINGS
from nearhum_host.boards import application, board_files, deployment
from nearhum_host.errors import DeviceError
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard

BOOTS = "/nearhum/boots.mpy"


def watching(board: VirtualBoard, resume_s: int, folder: Path) -> None:
    """Deploy to a board an application that goes on so many seconds after a Ctrl-C."""
    files = application.application(board_files.load("virtual"), SETTINGS)
    source = folder / "boots.py"
    text = (application.firmware_dir() / "nearhum" / "boots.py").read_text()
    assert "RESUME_S = 60 " in text
    source.write_text(text.replace("RESUME_S = 60 ", f"RESUME_S = {resume_s} "))
    files[BOOTS] = application.compiled(source, "boots", "x64")
    with Link(board.path) as link:
        deployment.deploy(link, files)


def typed(board: VirtualBoard, *pieces: bytes) -> None:
    """Write to a port as a program does that is killed then."""
    line = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
    for piece in pieces:
        os.write(line, piece)
        time.sleep(0.4)
    os.close(line)


def test_a_ctrl_c_that_nobody_follows_up_is_noise(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
):
    board = virtual_board()
    watching(board, 2, tmp_path)
    board.wait_event("soft")
    with Link(board.path) as link:
        link.ask("learn 9")
    for noise in (b"\x03", b"\xfe\x03\x81\x03status\n~"):
        typed(board, noise)
        board.wait_event("soft", 10)
        with Link(board.path) as link:
            assert link.ask("status")["state"] == "learn"
    typed(board, b"\x03", b"\x04")
    board.wait_event("soft", 1)  # at once
    # who follows it up has the prompt for as long as it takes
    for pieces in ([b"\r\x03", b"\r\x01"], [b"\x03", b"\r"], [b"\x03", b"\x02"]):
        typed(board, *pieces)
        with pytest.raises(TimeoutError):
            board.wait_event("soft", 3)
        with Link(board.path) as link:
            with pytest.raises(DeviceError, match="is stopped"):
                link.ask("status")
            link.resume()
        board.wait_event("soft", 10)


def test_mpremote_has_the_board_as_ever(
    virtual_board: Callable[..., VirtualBoard], mpremote: Callable[..., str], tmp_path: Path
):
    board = virtual_board()
    watching(board, 30, tmp_path)
    assert mpremote(board, "exec", "print(6 * 7)").strip() == "42"
    with Link(board.path) as link:
        link.resume()
    assert mpremote(board, "resume", "exec", "print(6 * 7)").strip() == "42"


@pytest.mark.parametrize(
    "code",
    [
        b"print(1)\nx=",
        b"f(\n)\n)\n",
        *(
            pytest.param(code, marks=pytest.mark.slow)
            for code in (b"x = 1 #", b"x = '''", b"(", b"")
        ),
    ],
    ids=repr,
)
def test_a_host_that_was_killed_inside_raw_paste(
    code: bytes, virtual_board: Callable[..., VirtualBoard], tmp_path: Path
):
    board = virtual_board()
    watching(board, 30, tmp_path)
    typed(board, b"\r\x03\r", b"\x01", b"\x05A\x01" + code)
    with Link(board.path) as link, pytest.raises(DeviceError, match="is stopped"):
        link.ask("status")
    board.reset()
    time.sleep(1)
    typed(board, b"\r\x03\r", b"\x01", b"\x05A\x01" + code)
    with Link(board.path, lambda: True) as link:
        assert link.ask("learn 9")["windows"] == 9
