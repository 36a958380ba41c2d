"""An emulated RP2040: boots a real firmware image (UF2) in `rp2040py`, with files in its flash,
and runs a script.

Enters: a UF2, the files by path, MicroPython source. Leaves: what it printed. The chip's time is
exact and its own: a second of it takes about a minute here. Flash answers without wait states, so C
code and tables in flash look a little faster than they are; code that MicroPython loads lies in
RAM, on the real chip too.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ..boards.board_files import load
from ..errors import HostError, UsageError
from ..flashing.chips import CHIPS
from ..flashing.littlefs_image import file_system
from ..flashing.uf2 import read as read_uf2

BOARD = "rpi_pico"
CLOCK_HZ = 125_000_000
UF2_NAME = "NEARHUM_UF2"

WHERE = (
    "download RPI_PICO 1.28 from micropython.org/download/RPI_PICO (stock) or a release of "
    "github.com/v923z/micropython-builder (with ulab)"
)


def check_uf2(path: Path) -> None:
    """Raise UsageError unless path is a whole UF2 image for the RP2040."""
    try:
        read_uf2(path, CHIPS["rp2040"])
    except UsageError as error:
        raise UsageError(error.message, WHERE) from None


def run(
    uf2: Path,
    files: Mapping[str, bytes],
    script: str,
    timeout_s: float,
    on_line: Callable[[str], None] = lambda line: None,
    sensor: str | None = None,
) -> str:
    """Boot the chip, run script at its raw REPL, and return all it printed; on_line gets each line
    as it comes.

    Files named /main.py do run before. sensor: what is on its I2C bus, an attribute of
    emulated_sensor. Raises UsageError for a wrong image, HostError where the emulator is missing,
    the script raised (its traceback in the message) or did not end within timeout_s of this
    machine's time.
    """
    check_uf2(uf2)
    if importlib.util.find_spec("rp2040py") is None:
        raise HostError("rp2040py is not installed", "pip install 'nearhum[emulated]'")
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        image, source, complaints = (
            Path(folder) / name for name in ("fs.img", "script.py", "err.txt")
        )
        image.write_bytes(file_system(files, load(BOARD).flash))
        source.write_text(script)
        command = [
            sys.executable,
            "-m",
            "rp2040py",
            "micropython",
            "--image",
            str(uf2),
            "--littlefs",
            str(image),
        ]
        if sensor:
            command += ["--board-spec", f"nearhum_host.virtual.emulated_sensor:{sensor}"]
        with complaints.open("wb") as err:
            emulator = subprocess.Popen(
                [*command, str(source)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        late = threading.Event()

        def stop() -> None:
            late.set()
            emulator.kill()

        timer = threading.Timer(timeout_s, stop)
        timer.start()
        said = []
        try:
            assert emulator.stdout is not None
            for line in emulator.stdout:
                said.append(line)
                on_line(line.rstrip("\r\n"))
            code = emulator.wait()
        finally:
            timer.cancel()
            emulator.kill()
            emulator.wait()
        if late.is_set():
            raise HostError(
                f"the emulated board did not end within {timeout_s:.0f} s; its last words:"
                f" {''.join(said)[-200:]!r}",
                "it runs some 50 times slower than a board: give it less to do",
            )
        if code:
            told = [
                line for line in complaints.read_text(errors="replace").splitlines() if line.strip()
            ]
            at = next(
                (i for i, line in enumerate(told) if line.startswith("Traceback")),
                max(0, len(told) - 3),
            )
            raise HostError(f"the emulated board stopped with {' | '.join(told[at:])}")
        return "".join(said)
