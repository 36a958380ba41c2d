"""Test Ctrl-C anywhere among commands and garbage: the board stops and loses nothing."""

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.boards import application, board_files, deployment
from nearhum_host.errors import DeviceError
from nearhum_host.logs import log_file, pulling
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard

SETTINGS = {
    "kind": "vibration",
    "rate_hz": 1000,
    "n_channels": 1,
    "n_window": 64,
    "n_hop": 64,
    "n_bands": 6,
}
LINES = (
    b"learn 40", b"learn stop", b"enrol tap 2", b"forget tap", b"veto tap", b"veto tap off",
    b"rollback", b"trust", b"log 0", b"status", b"reset learned", b"get state 0", b"list snapshots",
    b"\xff\xfe", b"x" * 1500,
)  # fmt: skip


@pytest.fixture
def watching(virtual_board: Callable[..., VirtualBoard], tmp_path: Path) -> VirtualBoard:
    """A virtual board with the application on it, that plays an hour of noise in real time."""
    card = tmp_path / "sd"
    card.mkdir()
    recording = Recording(1000.0, 1)
    noise = np.random.default_rng(1)
    for _ in range(60):
        recording.add(noise.integers(-2000, 2000, (60_000, 1), dtype=np.int16), "~")
    write_nhr(recording, card / "replay.nhr")
    board = virtual_board(sd=card)
    with Link(board.path) as link:
        deployment.deploy(link, application.application(board_files.load("virtual"), SETTINGS))
    return board


def stops(log: Path) -> tuple[int, int]:
    """Return the starts and the stops in a log that has no damage."""
    read = log_file.read_log(log)
    assert not read.damages
    assert not read.gaps
    names = [record.json().get("event", "boot") for record in read.records if record.kind in (1, 3)]
    return names.count("start"), names.count("stop")


def test_every_ctrl_c_is_logged_as_a_stop(watching: VirtualBoard, tmp_path: Path) -> None:
    chance = random.Random(5)
    log = tmp_path / "x.nhl"
    with Link(watching.path, lambda: True) as link:
        pulling.pull(link, log)
        before = stops(log)
        for n in range(1, 13):
            burst = [chance.choice(LINES) + b"\n" for _ in range(chance.randrange(8))]
            text = b"".join(burst)
            at = chance.randrange(len(text) + 1)
            link.serial.write(text[:at] + b"\x03" * chance.choice((1, 1, 2, 5)) + text[at:])
            time.sleep(chance.random() * 0.2)
            with contextlib.suppress(Exception):  # the REPL meets what came after Ctrl-C
                link.stop()
            link.resume()
            status = link.ask("status")
            assert status["source"] == "ok"
            pulling.pull(link, log)
            assert stops(log) == (before[0] + n, before[1] + n)


def test_a_board_that_is_starting_is_stopped_too(watching: VirtualBoard) -> None:
    """Whatever it has loaded by then: the REPL answers, and the next start is a whole one.

    MicroPython's unix port has threads, and a mutex around its table of names (py/qstr.c). One
    Ctrl-C in fifty during the first imports raises while that is held, and the REPL hangs; boards
    have no such mutex. So one round of the eight may end without an answer.
    """
    chance = random.Random(7)
    hung = 0
    for _ in range(8):
        watching.reset()
        with Link(watching.path) as link:
            time.sleep(chance.random() * 0.3)
            link.serial.write(b"\x03" * chance.choice((1, 1, 2, 3)))
            try:
                link.stop()
            except DeviceError:
                hung += 1
                assert hung <= 1
                continue
            assert link.resume()["fault"] == ""
            assert link.ask("status")["source"] == "ok"
            link.stop()  # forgets the starts that ended early, where choose_app was interrupted


def test_a_stop_in_the_middle_of_changes_leaves_them_whole(
    watching: VirtualBoard, tmp_path: Path
) -> None:
    """The state after a stop is the one before a change or after it: it is there, and no slot
    is refused.
    """
    chance = random.Random(6)
    log = tmp_path / "x.nhl"
    with Link(watching.path, lambda: True) as link:
        for _ in range(8):
            link.serial.write(
                b"learn 40\nveto a\nveto a off\nlearn stop\n" + b"\x03" * chance.randrange(1, 3)
            )
            time.sleep(chance.random() * 0.1)
            with contextlib.suppress(Exception):
                link.stop()
            link.resume()
            # none, or that of a period that `learn stop` cut short
            warning = link.ask("status")["warning"]
            assert not warning or "the threshold comes from only" in warning
        pulling.pull(link, log)
    events = [
        record.json().get("event")
        for record in log_file.read_log(log).records
        if record.kind in (1, 3)
    ]
    assert "refused" not in events
    assert "fault" not in events
