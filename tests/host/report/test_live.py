"""`nearhum live`: driven by keys, on two boards at once, and over a real pseudo-terminal."""

import asyncio
import os
import pty
import select
import sys
import time
from pathlib import Path

import pytest
import synthetic
from nearhum_host.boards import board_files, deployment
from nearhum_host.boards.application import application
from nearhum_host.logs.following import Followed, Follower, told
from nearhum_host.report.live import COLUMNS, Live, fitted, plain, row
from nearhum_host.serial_line.link import Link
from textual.widgets import DataTable, Input, Static


@pytest.fixture
def pumps(tmp_path: Path, virtual_board):
    """Two boards that play a machine as fast as it was recorded, and have learned it."""
    made = []
    for i in range(2):
        played = [
            (synthetic.hum(12, seed=i), "learn 10"),
            (synthetic.hum(900, fault=0.0, seed=5 + i), "~watch"),
        ]
        board = virtual_board("rp2040", sd=synthetic.card(tmp_path / f"sd{i}", *played, speed=1))
        with Link(board.path) as link:
            files = application(
                board_files.load("virtual"), {**synthetic.SETTINGS, "board": f"pump{i}"}
            )
            deployment.deploy(link, files, lambda done, of: None)
        made.append(board)
    return made


async def _until(pilot, holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        await pilot.pause(0.1)


def test_keys_on_two_boards_at_once(pumps):
    async def drive() -> None:
        app = Live([Follower(board.path) for board in pumps])
        async with app.run_test(size=(140, 48)) as pilot:
            first, second = (follower.followed for follower in app.followers)
            watching = lambda f: f.status.get("state") == "watch" and len(f.scores) > 2  # noqa: E731
            await _until(pilot, lambda: watching(first) and watching(second))
            await pilot.pause(0.5)
            table = app.query_one(DataTable)
            assert [
                str(table.get_cell(f.port, "board")).split("-")[0] for f in (first, second)
            ] == ["pump0", "pump1"]
            assert str(table.get_cell(first.port, "state")).strip() in ("watch", "ALARM")
            assert "dB" in str(app.query_one("#features", Static).render())
            assert "learned what is normal" in str(app.query_one("#journal", Static).render())
            # enrol on the second board alone
            await pilot.press("down", "e")
            assert app.query_one("#asked", Input).display
            await pilot.press(*"tap", "space", "2", "enter")
            await _until(pilot, lambda: second.status.get("n_labels") == 1)
            assert first.status["n_labels"] == 0
            await _until(pilot, lambda: any("enrolled tap" in text for _, text in second.events))
            # veto it, take everything back
            await pilot.press("v", *"tap", "enter")
            await _until(pilot, lambda: any("vetoed tap" in text for _, text in second.events))
            await pilot.press("r", "enter")
            await _until(pilot, lambda: any("rolled back" in text for _, text in second.events))
            # learn on the first; what is refused is told
            await pilot.press("up", "l", "escape", "l", "ctrl+u", *"xyz", "enter")
            await _until(pilot, lambda: "xyz" in first.said)
            await pilot.press("l", "ctrl+u", *"400", "enter")
            await _until(pilot, lambda: first.status.get("state") == "learn")
            assert second.status["state"] == "watch"
            svg = app.export_screenshot()
            assert "pump0" in svg
            windows = [f.status["n_windows"] for f in (first, second)]
            await _until(
                pilot,
                lambda: all(
                    f.status["n_windows"] > n for f, n in zip((first, second), windows, strict=True)
                ),
            )
            assert [f.status["faults"] for f in (first, second)] == [0, 0]
        assert not any(follower.is_alive() for follower in app.followers)

    asyncio.run(drive())


def test_everything_has_room_in_80_columns_and_24_lines(pumps):
    async def drive() -> None:
        app = Live([Follower(board.path) for board in pumps])
        async with app.run_test(size=(80, 24)) as pilot:
            first, second = (follower.followed for follower in app.followers)
            await _until(pilot, lambda: first.strange and second.strange and len(first.scores) > 2)
            await pilot.pause(0.5)
            table = app.query_one(DataTable)
            assert table.virtual_size.width <= table.size.width == 80
            assert table.size.height == 3  # The names of the columns, and two boards.
            for name, lines in (("score", 6), ("strange", 3), ("features", 3), ("journal", 8)):
                shown = app.query_one(f"#{name}", Static)
                assert shown.content_size.height >= lines
                assert shown.region.bottom <= 22  # The last two lines are the answer and the keys.
                said = str(shown.render()).splitlines()
                assert name == "journal" or 1 <= len(said) <= shown.content_size.height
            assert "now" in str(app.query_one("#score", Static).render())
            picture = app.export_screenshot()
            for said in ("pump0", "pump1", first.port, second.port, "dB", "quit", "stop"):
                assert said in picture
            await pilot.press("r")
            await pilot.pause(0.5)
            assert "snapshot" in str(app.query_one("#said", Static).render())
            assert app.query_one("#features").region.bottom <= 21

    asyncio.run(drive())


@pytest.mark.parametrize("width", [60, 80, 132])
def test_a_long_name_and_a_long_port_are_shortened_in_the_table(width):
    port = "/dev/serial/by-id/usb-MicroPython_Board_in_FS_mode_e661640843-if00"
    shown = Followed(port, {"board": "a" * 40, "id": "0123", "state": "watch", "score": -300})
    rows = fitted([row(shown), row(Followed("COM3"))], width)
    assert [len(cells) for cells in rows] == [8, 8]
    widths = [
        max(len(name) + 1, *(cell.cell_len for cell in cells))
        for name, *cells in zip(COLUMNS, *rows, strict=True)
    ]
    assert sum(widths) <= max(width, 66)
    assert rows[0][0].plain.startswith("aaaa")
    assert rows[0][-1].plain.strip().endswith("-if00")
    assert rows[1][-1].plain.strip() == "COM3"


def test_on_a_real_pseudo_terminal(pumps):
    pid, terminal = pty.fork()
    if pid == 0:  # the child: its terminal is the pseudo-terminal
        os.environ.update(TERM="xterm-256color", COLUMNS="130", LINES="45")
        os.execv(
            sys.executable,
            [sys.executable, "-m", "nearhum_host.commands.cli", "live", "--port", pumps[0].path],
        )
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 130, 0, 0))
    said, end, asked = b"", time.monotonic() + 90, False
    try:
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    said += os.read(terminal, 65536)
                except OSError:
                    break
            if b"pump0" in said and b"beside normal" in said and b"dB" in said and not asked:
                os.write(terminal, b"q")
                asked = True
        assert asked, said[-2000:]
        _, status = os.waitpid(pid, 0)
        pid = 0
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        if pid:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        os.close(terminal)
    with Link(pumps[0].path) as link:  # the port is free again, and the board goes on
        assert link.ask("status")["faults"] == 0


def test_a_board_that_is_not_there_is_told_and_others_are_shown(tmp_path: Path):
    async def drive() -> None:
        app = Live([Follower(str(tmp_path / "nothing"))])
        async with app.run_test() as pilot:
            await _until(pilot, lambda: "no port" in app.followers[0].followed.error)
            await pilot.pause(0.4)
            assert "no port" in str(app.query_one("#said", Static).render())

    asyncio.run(drive())


def test_what_a_board_says_is_text_only():
    assert "\x1b" not in plain("\x1b[2Jhum\n")
    assert (
        told({"event": "alarm", "strangest": [["c0.120-250Hz", 60]]}, [""])
        == "alarm: 120–250 Hz (60 %)"
    )
    assert told({"event": "fault", "error": "gone"}, [""]) == "fault: gone"
    assert told({"event": "time"}, [""]) == ""
