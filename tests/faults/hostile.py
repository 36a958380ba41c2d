"""Hostile input to a board: a million lines at the console while it watches, and random states.

It runs the device tests hostile_lines and hostile_states for a long time, with modules compiled as
they are deployed. It takes about five minutes on two cores.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from device import run
from nearhum_host.boards import application, board_files

from faults.rows import Row, Say

N_LINES = 1_000_000
N_STATES = 30_000
AT_ONCE = 2
TIMEOUT_S = 4 * 3600
_LINES = "answered, the sensor read between any two, heap as before"
_STATES = "taken or refused with a message, nothing changed, every verb answers"


def rows(say: Say) -> Iterator[Row]:
    """Yield a row for each kind of hostile input."""
    with tempfile.TemporaryDirectory(prefix="nearhum-hostile-") as folder:
        device = compiled(Path(folder))
        for name, fault, stage, n, outcome in (
            ("hostile_lines", "any lines at the console", "watch", N_LINES, _LINES),
            ("hostile_states", "a state of a right CRC and no sense", "boot", N_STATES, _STATES),
        ):
            say(f"{name}: {n:,}")
            with ThreadPoolExecutor(AT_ONCE) as pool:
                said = list(
                    pool.map(
                        lambda seed, name=name, n=n: flood(device, name, n // AT_ONCE, seed),
                        range(AT_ONCE),
                    )
                )
            for text in said:
                for line in text.splitlines():
                    say(line)
            wrong = [
                line
                for text in said
                for line in run.verdict(text)[0]
                if line.startswith(("FAIL", "Traceback"))
            ]
            cases = sum(
                int(count)
                for text in said
                for count in re.findall(r": (\d+) (?:lines|states)", text)
            )
            yield Row(fault, stage, max(1, cases), "; ".join(wrong[:1]) or outcome, not wrong)


def compiled(folder: Path) -> Path:
    """Put the application as it is deployed, and the device tests, into a folder. Returns that of
    the tests.
    """
    for path, contents in application.application(
        board_files.load("virtual"), everything=True
    ).items():
        if path.startswith("/nearhum/"):
            file = folder / f"firmware{path}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents)
    device = folder / "tests" / "device"
    device.mkdir(parents=True)
    for source in run.DEVICE.glob("*.py"):
        shutil.copy(source, device)
    return device


def flood(device: Path, name: str, n: int, seed: int) -> str:
    """Run a device test with n lines or states. Returns what it printed."""
    interpreter = run.micropython()
    assert interpreter is not None, "no MicroPython unix port"
    with tempfile.TemporaryDirectory(prefix="nearhum-scratch-") as scratch:
        # of three changes of a state the test makes one
        n_lines = n if name == "hostile_lines" else n // 3 * 3
        environment = {
            "NEARHUM_SCRATCH": scratch,
            "NEARHUM_LINES": str(n_lines),
            "NEARHUM_SEED": str(1000 * seed + 1),
        }
        command = [interpreter, "-X", "heapsize=1M", str(device / f"{name}.py")]
        done = subprocess.run(
            command, env={**os.environ, **environment}, timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    return done.stdout.decode(errors="replace")
