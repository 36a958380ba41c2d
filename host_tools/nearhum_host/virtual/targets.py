"""Where code can run beside the firmware: the unix port, a virtual board, an emulated RP2040, a
real board.

Enters: a target's name and the files that are needed there. Leaves: a Target whose `run` takes a
line of MicroPython. Every run finds an empty heap. What is put on a board for it is taken away
again, and its detector goes on.
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

DEVICE_SCRIPTS = Path(__file__).parents[1] / "device_scripts"
FOLDER = "/run.tmp/"  # on a board, taken away afterwards
# an RP2040 has it only where everything was deployed
_IN_VIPER = "/nearhum/kernels/viper_spectrum.mpy"
UNIX, VIRTUAL, EMULATED = "unix", "virtual", "emulated"


@dataclass(frozen=True)
class Target:
    """run(code): run code with the modules importable, return what it printed. root: the folder
    of the files there.

    variants: of the kernels that run there. n_at_once: runs that do not disturb each other.
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
    """Yield the target of that name: unix, virtual, emulated (boots uf2, or NEARHUM_UF2), or a
    port; None finds one.

    files: copied there; modules (.py) are compiled for a board. timeout_s: of this machine, for one
    run. board: the board at the port; without it the one that it says it is. Raises UsageError and
    HostError.
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
                    if deployment.says_of_itself(repl):  # it stands in for that board
                        board = replace(board, mpy_arch=ARCH)
                yield from _over_the_line(
                    link, board, _compiled(files, board.mpy_arch), _application(board)
                )
            finally:
                link.resume()


def _on_unix(code: str, folder: str, timeout_s: float) -> str:
    from ..evaluation.benchmarks.runner import interpreter

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
    # each run on a chip of its own, whose clock is its own too
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
    """lent: modules that go there too where they are not, and are taken away again: the
    settings never load them.
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
    """Return the application without what would start it."""
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
