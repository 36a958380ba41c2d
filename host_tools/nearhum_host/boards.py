"""Board files: TOML in, a checked Board out, and from it the configuration that deploy writes to the board.

A board file says what a chip is and what hangs on its pins. One file may extend another, so that a user's
own board is a few lines (boards/README.md has every key).
"""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nearhum.config import KINDS

from .chips import CHIPS, ESPTOOL, UF2, VIRTUAL
from .errors import UsageError
from .paths import boards_dir

PATHS = ("fixed", "float")
PORTS = ("rp2", "esp32", "unix")
FLASH_METHODS = (UF2, ESPTOOL, VIRTUAL)
FIRMWARES = ("stock", "ulab")
# Arches that mpy-cross 1.28 has a native emitter for.
# fmt: off
MPY_ARCHES = (
    "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin",
    "rv32imc", "rv64imc",
)
# fmt: on
Check = Callable[[Any], str]


@dataclass(frozen=True)
class Firmware:
    """A MicroPython image: where it comes from; its size and its sum, None where they are not known."""

    version: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Flash:
    """How the chip is written, and where its file system lies; all in bytes, from the start of the flash.

    image_offset_bytes: where a firmware image goes, for esptool.
    """

    method: str
    size_bytes: int
    fs_offset_bytes: int
    fs_size_bytes: int
    block_bytes: int
    prog_bytes: int
    image_offset_bytes: int = 0


@dataclass(frozen=True)
class Board:
    """One checked board file. rate_hz is samples a second and channel; heap_bytes is free after a start.

    firmware: by name, of FIRMWARES.
    """

    name: str
    title: str
    chip: str
    port: str
    mpy_arch: str
    path: str
    kind: str
    rate_hz: float
    n_channels: int
    source: dict[str, Any]
    flash: Flash
    heap_bytes: int
    firmware: dict[str, Firmware] = field(default_factory=dict)
    usb_ids: tuple[tuple[int, int], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def config(self, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what goes to /nearhum.json: a flat object, source apart.

        overrides: keys of the board file (checked as there) or firmware settings (checked on the board);
        "source" is laid over the file's source key by key. Raises UsageError.
        """
        config: dict[str, Any] = {
            "board": self.name,
            "kind": self.kind,
            "path": self.path,
            "source": dict(self.source),
            "rate_hz": self.rate_hz,
            "n_channels": self.n_channels,
            **self.settings,
        }
        for key, value in (overrides or {}).items():
            if key in _TOP or key == "source":
                _check_one("override", key, value, _TOP.get(key, _is_table))
            config[key] = _lay_over(config["source"], value) if key == "source" else value
        _check_one("override", "source.driver", config["source"].get("driver"), _is_driver)
        return config


# ---- checks: each returns what the value must be, or "" when it is -----------------------------------


def _one_of(allowed: tuple[str, ...]) -> Check:
    def check(value: Any) -> str:
        if value in allowed:
            return ""
        return "must be one of " + ", ".join(allowed) + _near(value, allowed)

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: Any) -> str:
        right = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return "" if right else f"must be a whole number from {low} to {high}"

    return check


def _matching(pattern: str, what: str) -> Check:
    def check(value: Any) -> str:
        return "" if isinstance(value, str) and re.fullmatch(pattern, value) else f"must be {what}"

    return check


def _is_rate(value: Any) -> str:
    # The range of a recording's header, whose rate is a u32 in millihertz.
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0.001 <= value <= 1_000_000
    return "" if right else "must be a number of hertz from 0.001 to 1000000"


def _is_table(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be a table"


def _is_usb_list(value: Any) -> str:
    right = isinstance(value, list) and all(
        isinstance(item, str) and re.fullmatch(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}", item) for item in value
    )
    return "" if right else 'must be a list of "vid:pid", four hexadecimal digits each'


def _is_setting(value: Any) -> str:
    return "" if isinstance(value, str | int | float) else "must be a text or a number"


def _is_in_json(value: Any) -> str:
    # what the board gets is JSON: no dates, no numbers that are none
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return "must be texts, numbers, lists or tables"
    return ""


_is_text = _matching(r"(?s).+", "a text that is not empty")
_is_driver = _matching(r"[a-z][a-z0-9_]*", "the name of a module in firmware/nearhum/sources")
_MAX_BYTES = 1 << 28
_MAX_FILE_BYTES = 1 << 16

_TOP: dict[str, Check] = {
    "name": _matching(r"[a-z0-9][a-z0-9_-]*", "lower-case letters, digits, - and _"),
    "title": _is_text,
    "chip": _one_of(tuple(CHIPS)),
    "port": _one_of(PORTS),
    "mpy_arch": _one_of(MPY_ARCHES),
    "path": _one_of(PATHS),
    "kind": _one_of(KINDS),
    "rate_hz": _is_rate,
    "n_channels": _whole(1, 255),
}
_TABLES: dict[str, dict[str, Check]] = {
    "flash": {
        "method": _one_of(FLASH_METHODS),
        "size_bytes": _whole(4096, _MAX_BYTES),
        "fs_offset_bytes": _whole(0, _MAX_BYTES),
        "fs_size_bytes": _whole(8192, _MAX_BYTES),
        "block_bytes": _whole(256, 1 << 20),
        "prog_bytes": _whole(1, 1 << 16),
        "image_offset_bytes": _whole(0, _MAX_BYTES),
    },
    "limits": {"heap_bytes": _whole(8192, _MAX_BYTES)},
    "usb": {"ids": _is_usb_list},
}
_FIRMWARE: dict[str, Check] = {
    "version": _matching(r"\d+\.\d+\.\d+", "a version such as 1.28.0"),
    "url": _matching(r"https?://\S+", "an http or https address"),
    "size_bytes": _whole(1, _MAX_BYTES),
    "sha256": _matching(r"[0-9a-f]{64}", "64 lower-case hexadecimal digits"),
}
_OPTIONAL_TABLES = ("firmware", "usb", "settings")
_OPTIONAL_KEYS = ("size_bytes", "sha256", "image_offset_bytes")
# What belongs to the value of a key, and means nothing beside another value of it.
_OF_ANOTHER = {"url": ("size_bytes", "sha256")}


def names() -> list[str]:
    """Return the names of the boards that come with nearhum, in order."""
    return sorted(path.stem for path in boards_dir().glob("*.toml"))


def load(board: str) -> Board:
    """Return the board of that name, or of that file (a path ending in .toml).

    Raises UsageError: no such board (with the nearest names), or a file that does not hold, naming file, key,
    value and what is allowed.
    """
    path = _find(board, Path())
    raw = _read(path, ())
    raw.setdefault("title", raw.get("name"))
    _check_file(path, raw)
    return Board(
        **{key: raw[key] for key in _TOP},
        source=raw["source"],
        flash=Flash(**raw["flash"]),
        heap_bytes=raw["limits"]["heap_bytes"],
        firmware={name: Firmware(**given) for name, given in raw.get("firmware", {}).items()},
        usb_ids=tuple((int(item[:4], 16), int(item[5:], 16)) for item in raw.get("usb", {}).get("ids", ())),
        settings=raw.get("settings", {}),
    )


def named(board: str) -> Board:
    """Return the board that came with nearhum under that name: where a board says it, no file is opened for it."""
    if board not in names():
        raise UsageError(f"no board {board[:40]!r} came with nearhum", hint="there are: " + ", ".join(names()))
    return load(board)


def _find(board: str, beside: Path) -> Path:
    if board.endswith(".toml"):
        path = beside / Path(board).expanduser()
        if path.is_file():
            return path
        raise UsageError(f"there is no board file {path}")
    known = names()
    if board in known:
        return boards_dir() / f"{board}.toml"
    hint = "there are: " + ", ".join(known) + "; or give the path of your own .toml file"
    raise UsageError(f"no board {board!r}{_near(board, known)}", hint=hint)


def _read(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    """Return the file's content over that of the file it extends."""
    if path.resolve() in extended_by:
        raise UsageError(f"{path}: extends leads back to the file itself")
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
        if len(text) > _MAX_FILE_BYTES:
            raise UsageError(f"{path}: more than {_MAX_FILE_BYTES} bytes: no board file")
        raw = tomllib.loads(text.decode("utf-8"))
    except RecursionError:
        raise UsageError(f"{path}: not TOML of a board: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, and numbers of thousands of digits
        raise UsageError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    raw.setdefault("name", path.stem)
    if "extends" not in raw:
        return raw
    parent_name = raw.pop("extends")
    if not isinstance(parent_name, str):
        raise UsageError(f"{path}: extends = {parent_name!r}: must be the name or the path of a board file")
    parent = _read(_find(parent_name, path.parent), (*extended_by, path.resolve()))
    return _lay_over(parent, raw)


def _lay_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return above laid over below, tables key by key; another driver brings pins of its own, another url its sum."""
    if "driver" in above and above["driver"] != below.get("driver"):
        return dict(above)
    merged = dict(below)
    for key, others in _OF_ANOTHER.items():
        if key in above and above[key] != below.get(key):
            merged = {name: value for name, value in merged.items() if name not in others}
    for key, value in above.items():
        both_tables = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = _lay_over(below[key], value) if both_tables else value
    return merged


def _check_file(path: Path, raw: dict[str, Any]) -> None:
    _check_keys(path, "", raw, [*_TOP, "source", "settings", "firmware", *_TABLES])
    for key, check in _TOP.items():
        _check_one(path, key, _required(path, raw, key, key), check)
    for table in ("source", "settings", "firmware", *_TABLES):
        if table in raw or table not in _OPTIONAL_TABLES:
            _check_one(path, table, _required(path, raw, table, f"[{table}]"), _is_table)
    _check_one(path, "source.driver", raw["source"].get("driver"), _is_driver)
    for key, value in raw.get("settings", {}).items():
        if key in _TOP or key == "source":
            raise UsageError(f"{path}: settings.{key}: belongs to the file itself, not among its settings")
        _check_one(path, f"settings.{key}", value, _is_setting)
    for key, value in raw["source"].items():
        _check_one(path, f"source.{key}", value, _is_in_json)
    for table, checks in _TABLES.items():
        if table in raw:
            _check_table(path, table, raw[table], checks)
    _check_keys(path, "firmware.", raw.get("firmware", {}), list(FIRMWARES))
    for name, given in raw.get("firmware", {}).items():
        _check_one(path, f"firmware.{name}", given, _is_table)
        _check_table(path, f"firmware.{name}", given, _FIRMWARE)
    flash = raw["flash"]
    method = CHIPS[raw["chip"]].method
    if flash["method"] not in (VIRTUAL, method):
        raise UsageError(f"{path}: flash.method = {flash['method']!r}: must be {method!r} for chip {raw['chip']!r}")
    if flash["fs_offset_bytes"] + flash["fs_size_bytes"] > flash["size_bytes"]:
        raise UsageError(
            f"{path}: flash.fs_offset_bytes + flash.fs_size_bytes = "
            f"{flash['fs_offset_bytes'] + flash['fs_size_bytes']}: must be at most flash.size_bytes = "
            f"{flash['size_bytes']}"
        )
    for key in ("fs_offset_bytes", "fs_size_bytes"):
        if flash[key] % flash["block_bytes"]:
            raise UsageError(
                f"{path}: flash.{key} = {flash[key]}: must be a multiple of flash.block_bytes = {flash['block_bytes']}"
            )


def _check_table(path: Path, name: str, table: dict[str, Any], checks: dict[str, Check]) -> None:
    _check_keys(path, f"{name}.", table, list(checks))
    for key, check in checks.items():
        if key in table or key not in _OPTIONAL_KEYS:
            _check_one(path, f"{name}.{key}", _required(path, table, key, f"{name}.{key}"), check)


def _required(path: Path, table: dict[str, Any], key: str, shown: str) -> Any:
    if key not in table:
        raise UsageError(f"{path}: {shown} is missing", hint="boards/README.md explains every key")
    return table[key]


def _check_keys(path: Path, prefix: str, table: dict[str, Any], known: list[str]) -> None:
    for key in table:
        if key not in known:
            allowed = ", ".join(known)
            raise UsageError(f"{path}: unknown key {prefix}{key}{_near(key, known)}", hint=f"keys: {allowed}")


def _check_one(where: Path | str, key: str, value: Any, check: Check) -> None:
    wrong = check(value)
    if wrong:
        raise UsageError(f"{where}: {key} = {_shown(value)}: {wrong}")


def _shown(value: Any) -> str:
    try:
        return repr(value)[:200]
    except ValueError:  # a number of thousands of digits
        return "a number too large"


def _near(value: Any, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(_shown(value).strip("'")[:64], known, n=2)
    return f" (did you mean {' or '.join(near)}?)" if near else ""
