"""Run a script on an emulated RP2040 (`rp2040py`) with a real firmware image.

Enters: a UF2 image, files by path, MicroPython source. Leaves: the output.

The emulator counts the chip's clock cycles. One second of the chip takes about a minute here. The
emulated flash has no wait states, so C code and tables in flash appear slightly faster than they
are. Code that MicroPython loads is in RAM, as on the real chip.
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
    """Boot the chip, run script at its raw REPL, and return the output.

    files: {path on the board: contents}. A /main.py among them runs before the script.
    timeout_s: time limit in seconds of this machine. on_line: called with each line of output.
    sensor: name of the sensor on its I2C bus, an attribute of emulated_sensor.
    Raises UsageError for a wrong image. Raises HostError if the emulator is missing, the script
    raises (the message has its traceback), or the time is up.
    """
    check_uf2(uf2)
    if importlib.util.find_spec("rp2040py") is None:
        raise HostError("rp2040py is not installed", "pip install 'nearhum[emulated]'")
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        image, source, complaints = (
            Path(folder) / name for name in ("fs.img", "script.py", "err.txt")
        )
        image.write_bytes(file_system(files, load(BOARD).flash))
        source.write_text(script, encoding="utf-8")
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
                line
                for line in complaints.read_text(errors="replace", encoding="utf-8").splitlines()
                if line.strip()
            ]
            at = next(
                (i for i, line in enumerate(told) if line.startswith("Traceback")),
                max(0, len(told) - 3),
            )
            raise HostError(f"the emulated board stopped with {' | '.join(told[at:])}")
        return "".join(said)
