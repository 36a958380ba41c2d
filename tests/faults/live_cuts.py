"""Power cuts of a running board, at any moment or inside a flash operation. Then the board
restarts.

Nothing is replayed: the virtual board dies, and LittleFS and the compiled application start from
its own flash. What the board then says over the serial line is compared with what it had said
before. Its clock is the fast one of session.py.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from nearhum_host.errors import DeviceError
from nearhum_host.logs.log_file import read_log
from nearhum_host.logs.pulling import pull
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard

from faults import session
from faults.rows import Row, Say

N_CUTS = 12  # In each stage.
ACTS = {
    "learn": ("learn 100000", "learn pause", "learn resume"),
    "watch": ("learn 64", "status", "status", "status"),
    "enrol": ("enrol a 2", "enrol b 2", "forget a", "relabel b a"),
    "save": ("veto a", "veto a off", "trust", "rollback"),
    "pull": ("pull",),
    "boot": (),
}


def rows(say: Say) -> Iterator[Row]:
    """Yield a row for every stage."""
    with tempfile.TemporaryDirectory() as folder:
        for stage in ACTS:
            wrong = cut(Path(folder) / stage, stage, N_CUTS, seed=len(stage))
            for one in wrong[:3]:
                say(one)
            outcome = (
                wrong[0]
                if wrong
                else "starts; nothing that it had told is missing; the log has no gap"
            )
            yield Row("power cut of the running board", stage, N_CUTS, outcome, not wrong)


def cut(folder: Path, stage: str, n: int, seed: int) -> list[str]:
    """Cut the power n times while the board does what a stage does. Returns what was wrong."""
    folder.mkdir()
    session.make_card(folder / "sd")
    image, log = folder / "flash.bin", folder / "board.nhl"
    image.write_bytes(session.chip_with(session.files(), "rp2040"))
    chance, wrong = random.Random(seed), []
    synced = sequence = 0
    for i in range(n):
        # Every second cut is inside one of the next flash operations, which is done in part.
        at = -1 if i % 2 else chance.randrange(6 if stage == "boot" else 60)
        with VirtualBoard(
            "rp2040", image, sd=folder / "sd", cut_at=at, cut_keep=chance.randrange(1024)
        ) as board:
            synced, sequence = _until_it_dies(board, stage, chance, at, log, synced, sequence)
        with VirtualBoard("rp2040", image, sd=folder / "sd") as board, Link(board.path) as link:
            status = link.ask("status")
            told = _sequence(link)
            if status["synced_seq"] < synced or told < sequence or "state." in status["warning"]:
                wrong.append(
                    f"cut {i}: synced {synced}, state {sequence}; now {status['synced_seq']},"
                    f" {told}: {status}"
                )
            if stage == "watch" and status["state"] == "learn":
                link.ask("watch")
            synced, sequence = (
                max(synced, link.ask("status")["synced_seq"]),
                max(sequence, _sequence(link)),
            )
            pull(link, log)
    kept = read_log(log)
    if kept.gaps or kept.damages or kept.records[-1].seq + 1 < synced:
        wrong.append(
            f"the log has gaps {kept.gaps}, damage {kept.damages}, ends at {kept.records[-1].seq}"
            f" of {synced}"
        )
    return wrong


def _until_it_dies(board, stage, chance, at, log, synced, sequence) -> tuple[int, int]:
    """Do what the stage does until the power is cut. Returns what the board had acknowledged by
    then.
    """
    moment = chance.random() * 1.5

    def die() -> None:
        with contextlib.suppress(TimeoutError):
            board.wait_event("cut", 5.0 if at >= 0 else moment)
        board.power_off()
        board.unplug()  # So that a host that waits for an answer gets an error at once.

    killer = threading.Thread(target=die)
    killer.start()
    with contextlib.suppress(DeviceError, OSError), Link(board.path) as link:
        while True:
            synced = max(synced, link.ask("status")["synced_seq"])
            for act in chance.sample(ACTS[stage], min(1, len(ACTS[stage]))):
                if act == "pull":
                    pull(link, log)
                    continue
                try:
                    link.ask(act)
                except DeviceError as error:
                    # refused: what is to be forgotten is not there, say
                    if not error.message.startswith("board:"):
                        raise
                sequence = max(sequence, _sequence(link))
    killer.join()
    return synced, sequence


def _sequence(link: Link) -> int:
    """Return the number of the saved state."""
    return int.from_bytes(b64decode(link.ask("get state 0")["b64"])[8:12], "little")
