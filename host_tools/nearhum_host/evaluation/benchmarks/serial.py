"""Run a session on a virtual board over its serial line: deploy, play the recording, pull the log.

Enters: a session. Leaves: a run, as from runner.py. It goes through everything that a real board
    needs: compiled modules on a flash file system, the console beside the detector, and the log in
    pieces. If the run differs from that of runner.py, one of the two does not show what a board
    does.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from nearhum import settings as board_settings

from ...boards import board_files, deployment
from ...boards.application import application
from ...errors import HostError
from ...logs.log_file import SUFFIX
from ...logs.pulling import pull
from ...recordings.nhr import write_nhr
from ...serial_line.link import connect
from ...virtual import VirtualBoard
from .base import Run, Session
from .runner import TIMEOUT_S, read_run

BOARD = "virtual"


def run_over_serial(session: Session, path: str = "fixed") -> Run:
    """Run one session on a virtual board of its own, as fast as it computes.

    Raises HostError as run_one.
    """
    settings = board_settings.defaults(session.config["kind"])
    settings = (
        {key: value for key, value in settings.items() if key != "board"}
        | session.config
        | {"path": path}
    )
    with tempfile.TemporaryDirectory(prefix="nearhum-serial-") as folder:
        card = Path(folder) / "sd"
        card.mkdir()
        write_nhr(session.recording, card / "replay.nhr")
        (card / "replay.json").write_text(json.dumps({"speed": 0}), encoding="utf-8")
        log = Path(folder) / f"run{SUFFIX}"
        with VirtualBoard(sd=card) as board, connect(board.path) as link:
            deployment.deploy(link, application(board_files.load(BOARD), settings))
            end = time.monotonic() + TIMEOUT_S
            while True:
                ended = link.ask("status")["source"] == "end"
                # Pull while it runs, because the board's flash holds less than a long session.
                pull(link, log)
                if ended:
                    break
                if time.monotonic() > end:
                    raise HostError(
                        f"{session.name}: the virtual board did not end within {TIMEOUT_S} s"
                    )
                time.sleep(0.2)
        return read_run(log.read_bytes(), session.name)


def differences(one: Run, other: Run) -> list[str]:
    """Return the names of what two runs of a session have different, by window; empty if they
    agree.
    """
    out = []
    for what in ("scores", "thresholds", "states", "labels", "alarm"):
        here, there = getattr(one, what), getattr(other, what)
        if len(here) != len(there):
            return [f"{len(here)} windows, not {len(there)}"]
        n = int((here != there).sum())
        if n:
            out.append(f"{what} of {n} windows")
    events = [
        [
            (e.name, e.what.get("window"))
            for e in run.events
            if e.name not in ("boot", "stop", "time")
        ]
        for run in (one, other)
    ]
    if events[0] != events[1]:
        out.append("events")
    return out
