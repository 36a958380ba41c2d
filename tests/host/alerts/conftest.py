"""A board that has raised alarms, and `nearhum follow` as a user starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import synthetic
from channels import Broker, Hook
from nearhum_host.boards import board_files, deployment
from nearhum_host.boards.application import application
from nearhum_host.logs.seen import name_of
from nearhum_host.serial_line.link import Link

CHANNELS = ("lines", "exec", "webhook", "mqtt")


@pytest.fixture
def pump(tmp_path: Path, virtual_board):
    """A board that learns 40 windows, then has a bearing that rings three times; ten times as fast
    as it would be. `told.json` has bookmarks at the beginning of its log.
    """
    ringing = [
        stretch
        for i in range(3)
        for stretch in (
            (synthetic.hum(60, seed=2 + 2 * i), "~"),
            (synthetic.hum(40, fault=1.4, seed=3 + 2 * i), "~"),
        )
    ]
    played = [
        (synthetic.hum(42, seed=1), "learn 40"),
        (synthetic.hum(20, seed=1), "~watch"),
        *ringing,
        (synthetic.hum(2000, seed=9), "~"),
    ]
    board = virtual_board("rp2040", sd=synthetic.card(tmp_path / "sd", *played, speed=10))
    with Link(board.path) as link:
        files = application(board_files.load("virtual"), {**synthetic.SETTINGS, "board": "pump"})
        deployment.deploy(link, files, lambda done, of: None)
        name = name_of(link.ask("status"))
    marks = {"format": 1, "boards": {name: {channel: [0, 0] for channel in CHANNELS}}}
    (tmp_path / "told.json").write_text(json.dumps(marks))
    return board


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """follow(board, *options, **environment): the process; ended after the test."""
    running: list[subprocess.Popen] = []

    def start(board: Any, *options: str, **environment: str) -> subprocess.Popen:
        words = [sys.executable, "-m", "nearhum_host.commands.cli", "follow", "--json"]
        words += ["--port", board.path, "--state", str(tmp_path / "told.json"), *options]
        running.append(
            subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **environment},
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """broker(tls=False, port=0): starts one."""
    started: list[Broker] = []

    def start(tls: bool = False, port: int = 0) -> Broker:
        started.append(Broker(tmp_path, tls, port))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server."""
    one = Hook()
    yield one
    one.stop()
