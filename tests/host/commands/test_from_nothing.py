"""Test the README's commands from an empty board to a report, on simulated boards.

The flashing tools and MicroPython are real. MicroPython is the virtual board's, with the file
system in the flash. The firmware image in that flash is not executed (tests/emulated_image.py boots
a real one).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ON_LINUX_X86_64
from hardware import firmware
from nearhum_host.boards import board_files
from nearhum_host.recordings.nhr import Recording, write_nhr

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ON_LINUX_X86_64, reason="the simulated boards need Linux on x86-64"),
]
RATE_HZ, N_CHANNELS, N_WINDOW = 50, 3, 50


@pytest.fixture
def nearhum(tmp_path: Path) -> Callable[..., Any]:
    """nearhum(*arguments): run the command as a user does, return its JSON."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*arguments: str, code: int = 0) -> Any:
        command = [sys.executable, "-m", "nearhum_host.commands.cli", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env=environment, cwd=tmp_path
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr

    return run


def own_board(folder: Path, extends: str) -> Path:
    """A board file as a user writes one: MicroPython here is the virtual board's, its sensor a
    recording on a card.
    """
    path = folder / "bench.toml"
    # the code of x86-64 is half as long again as that of the chip, which the limit is for
    limits = "[limits]\nnative_bytes = 32768\n" if extends == "esp32_generic" else ""
    path.write_text(
        f'extends = "{extends}"\nmpy_arch = "x64"\nkind = "motion"\nrate_hz = {RATE_HZ}\nn_channels'
        f' = {N_CHANNELS}\n[source]\ndriver = "replay"\npath = "/sd/replay.nhr"\nspeed ='
        f" 20\n[settings]\nn_window = {N_WINDOW}\nn_hop = {N_WINDOW}\n{limits}"
    )
    return path


def card(folder: Path) -> Path:
    """A card with ten minutes of a movement, and a stronger one now and then in its second half."""
    draw = np.random.default_rng(3)
    t = np.arange(600 * RATE_HZ)[:, None] / RATE_HZ
    frames = np.sin(2 * np.pi * 2 * t + np.arange(N_CHANNELS)) * 2000 + draw.normal(
        0, 150, (len(t), N_CHANNELS)
    )
    for second in range(330, 600, 30):
        frames[second * RATE_HZ : (second + 5) * RATE_HZ] *= 5
    session = Recording(RATE_HZ, N_CHANNELS)
    session.add(frames.astype(np.int16))
    sd = folder / "sd"
    sd.mkdir()
    write_nhr(session, sd / "replay.nhr")
    return sd


def watches(nearhum: Callable[..., Any], port: str, folder: Path) -> None:
    """Learn, pull and report; the board was flashed."""
    at = ("--port", port)
    assert nearhum("status", *at, "--json")["state"] == "idle"
    learned = nearhum("learn", "60", "--wait", *at, "--json")
    print(learned)
    end = time.monotonic() + 120
    while True:
        status = nearhum("status", *at, "--json")
        if status["n_windows"] > 400:
            break
        assert time.monotonic() < end, status
    assert status["state"] == "watch"
    assert status["threshold"] > 0
    nearhum("pull", "bench.nhl", *at)
    nearhum("report", "bench.nhl")
    report = (folder / "report.html").read_text()
    assert "alarm" in report
    assert not status["faults"]


def test_esp32_from_nothing(nearhum: Callable[..., Any], tmp_path: Path) -> None:
    from hardware.esp32_board import Esp32Board

    toml, sd = own_board(tmp_path, "esp32_generic"), card(tmp_path)
    image = tmp_path / "firmware.bin"
    image.write_bytes(firmware.esp(board_files.load(str(toml))))
    with Esp32Board(tmp_path / "flash.bin", sd=sd) as there:
        done = nearhum(
            "flash", "--board", str(toml), "--firmware", str(image), "--port", there.url, "--json"
        )
        assert done["selftest"] is True
        assert done["into"] == "ESP32"
        assert done["start"]["board"] == "bench"
        assert {"download", "run"} <= set(there.trace)
        contents = image.read_bytes()
        watches(nearhum, there.url, tmp_path)
        assert there.flash()[0x1000:][: len(contents)] == contents


def test_rp2040_from_nothing(nearhum: Callable[..., Any], tmp_path: Path) -> None:
    from hardware.rp2_board import Rp2Board

    toml, sd = own_board(tmp_path, "rpi_pico"), card(tmp_path)
    image = tmp_path / "firmware.uf2"
    image.write_bytes(firmware.rp2(board_files.load(str(toml))))
    with Rp2Board(tmp_path, sd=sd) as there:
        where = ("--volume", str(there.volume), "--port", str(there.link))
        flash = ("flash", "--board", str(toml), "--firmware", str(image), *where)
        done = nearhum(*flash, "--json")
        assert done["selftest"] is True
        assert there.trace == ["boot rom", "run"]
        watches(nearhum, str(there.link), tmp_path)
        assert there.flash()[:20000] == firmware.noise(20000)
        # again, from a board that runs MicroPython: what it has learned stays
        again = nearhum(*flash, "--json")
        assert there.trace == ["boot rom", "run", "boot rom", "run"]
        assert (again["copied"], again["selftest"]) == (0, True)
        status = nearhum("status", "--port", str(there.link), "--json")
        assert (status["state"], status["n_learned"]) == ("watch", 60)


@pytest.mark.parametrize("name", ["rpi_pico", "esp32_generic"])
def test_one_file_is_a_board(nearhum: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """The image of `nearhum image` alone: dragged onto the drive, or flashed, and the board
    watches.
    """
    from hardware.esp32_board import Esp32Board
    from hardware.rp2_board import Rp2Board

    toml, sd = own_board(tmp_path, name), card(tmp_path)
    board = board_files.load(str(toml))
    is_rp2 = board.flash.method == "uf2"
    stock, made = (tmp_path / f"{what}.{'uf2' if is_rp2 else 'bin'}" for what in ("stock", "made"))
    stock.write_bytes(firmware.image(board))
    nearhum("image", "--board", str(toml), "--firmware", str(stock), "-o", str(made))
    if is_rp2:
        with Rp2Board(tmp_path, sd=sd) as there:
            (there.volume / "NEARHUM.UF2").write_bytes(made.read_bytes())
            there.await_run()
            watches(nearhum, str(there.link), tmp_path)
    else:
        with Esp32Board(tmp_path / "flash.bin", sd=sd) as there:
            done = nearhum(
                "flash",
                "--board",
                str(toml),
                "--firmware",
                str(made),
                "--port",
                there.url,
                "--json",
            )
            # the sizes of the chip's native code, for a virtual board alone, and with them the list
            # of hashes: nothing of the application
            assert (done["copied"], done["selftest"]) == (2, True)
