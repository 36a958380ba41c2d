"""Run code with the firmware: on the unix port, a virtual board, an emulated RP2040, a real board.

Enters: the name of a target, and files that the code needs. Leaves: a Target whose `run` executes
MicroPython code. Every run starts with an empty heap. Files that were copied to a board are removed
afterwards, and its detector is resumed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..boards import application, board_files, deployment
from ..boards.upgrade.places import STARTERS, folder_named
from ..errors import HostError, UsageError
from ..paths import firmware_dir
from ..serial_line.link import Link, connect
from ..serial_line.repl import stopped
from . import emulated
from .stand_in import ARCH
from .unix_port import interpreter

DEVICE_SCRIPTS = Path(__file__).parents[1] / "device_scripts"
FOLDER = "/run.tmp/"  # On a board. It is removed afterwards.
# An RP2040 has this module only if everything was deployed.
_IN_VIPER = "/nearhum/kernels/viper_spectrum.mpy"
UNIX, VIRTUAL, EMULATED = "unix", "virtual", "emulated"


@dataclass(frozen=True)
class Target:
    """A place where code runs.

    run(code): executes code, which can import the firmware, and returns the output.
    root: folder of the files there. variants: of the kernels, that can run there.
    n_at_once: number of runs in parallel that do not disturb each other.
    """

    run: Callable[[str], str]
    root: str
    variants: tuple[str, ...]
    n_at_once: int = 1


@contextmanager
def open_target(
    name: str | None,
    files: tuple[Path, ...],
    uf2: Path | None,
    timeout_s: float,
    board: board_files.Board | None = None,
) -> Iterator[Target]:
    """Yield the target of that name.

    name: unix, virtual, emulated, or a port. None: the only board on USB.
    files: copied to the target. Modules (.py) are compiled for a board.
    uf2: firmware image of an emulated board. None: the one that NEARHUM_UF2 names.
    timeout_s: time limit of one run, in seconds of this machine.
    board: the board at the port. None: the one that it reports.
    Raises UsageError for a wrong combination, HostError if the target does not start or answer.
    """
    if uf2 is not None and name != EMULATED:
        raise UsageError(
            f"--uf2 {uf2} without an emulated board", "say --target emulated, or leave --uf2 out"
        )
    if name == UNIX:
        with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
            for file in files:
                shutil.copy(file, folder)
            yield Target(lambda code: _on_unix(code, folder, timeout_s), f"{folder}/", ("viper",))
    elif name == EMULATED:
        yield _emulated(files, uf2, timeout_s)
    elif name == VIRTUAL:
        from . import VirtualBoard

        virtual = board_files.load("virtual")
        with VirtualBoard("rp2040") as there, Link(there.path) as link:
            yield from _over_the_line(
                link, virtual, _application(virtual) | _compiled(files, virtual.mpy_arch)
            )
    else:
        with connect(name) as link:
            board = board or board_files.named(str(link.ask("get board").get("value")))
            try:
                with stopped(link) as repl:
                    if deployment.says_of_itself(repl):  # A virtual board that stands in for it.
                        board = replace(board, mpy_arch=ARCH)
                yield from _over_the_line(
                    link, board, _compiled(files, board.mpy_arch), _application(board)
                )
            finally:
                link.resume()


def _on_unix(code: str, folder: str, timeout_s: float) -> str:
    script = f"import sys\nsys.path[:0] = [{str(firmware_dir())!r}, {folder!r}]\n{code}"
    command = [interpreter(), "-X", "heapsize=4M", "-c", script]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise HostError(f"MicroPython did not end within {timeout_s:.0f} s") from None
    if done.returncode:
        raise HostError(
            f"MicroPython stopped with {(done.stderr or done.stdout).strip().splitlines()[-1:]}"
        )
    return done.stdout


def _emulated(files: tuple[Path, ...], uf2: Path | None, timeout_s: float) -> Target:
    named = uf2 or (
        Path(os.environ[emulated.UF2_NAME]) if os.environ.get(emulated.UF2_NAME) else None
    )
    if named is None:
        raise UsageError(
            f"an emulated board needs a firmware image: --uf2 FILE or {emulated.UF2_NAME}",
            emulated.WHERE,
        )
    emulated.check_uf2(named)
    board = board_files.load(emulated.BOARD)
    on_board = _application(board) | _compiled(files, board.mpy_arch)
    # Each run has a chip with a clock of its own, so parallel runs do not disturb each other.
    return Target(
        lambda code: emulated.run(named, on_board, _on_board(code), timeout_s),
        FOLDER, _variants(board.mpy_arch), os.cpu_count() or 1,
    )  # fmt: skip


def _over_the_line(
    link: Link,
    board: board_files.Board,
    files: dict[str, bytes],
    lent: dict[str, bytes] | None = None,
) -> Iterator[Target]:
    """Yield a target at the end of a line.

    lent: modules to copy if the board does not have them, because its settings never load them.
    They are removed afterwards.
    """

    def run(code: str) -> str:
        with stopped(link, fresh=True) as repl:
            return repl.run(_on_board(code, folder))

    with stopped(link, fresh=True) as repl:
        folder = folder_named(repl)
        has_all = bool(repl.hashes([folder + _IN_VIPER])) or _IN_VIPER in files
        there = repl.hashes([f"{folder}/{application.PACKAGE}"]) if lent else {}
        borrowed = {
            folder + path: contents
            for path, contents in (lent or {}).items()
            if path != application.CONFIG_PATH and folder + path not in there
        }
        for path, contents in (files | borrowed).items():
            repl.write(path, contents)
    variants = _variants(board.mpy_arch)
    try:
        yield Target(run, FOLDER, variants if has_all else variants[:1])
    finally:
        with stopped(link, fresh=True) as repl:
            repl.remove([*repl.hashes([FOLDER.rstrip("/")]), *borrowed])


def _on_board(code: str, folder: str = "") -> str:
    return f"import sys\nsys.path[:0] = [{FOLDER.rstrip('/')!r}, {folder or '/'!r}]\n{code}"


def _application(board: board_files.Board) -> dict[str, bytes]:
    """Return the application's files, without those that start it."""
    files = application.application(board, everything=True)
    return {path: contents for path, contents in files.items() if path not in STARTERS}


def _compiled(files: tuple[Path, ...], mpy_arch: str) -> dict[str, bytes]:
    out = {}
    for file in files:
        if file.suffix == ".py":
            out[f"{FOLDER}{file.stem}.mpy"] = application.compiled(
                file, f"{FOLDER[1:]}{file.name}", mpy_arch
            )
        else:
            out[FOLDER + file.name] = file.read_bytes()
    return out


def _variants(mpy_arch: str) -> tuple[str, ...]:
    return ("asm", "viper") if mpy_arch == "armv6m" else ("viper",)
