"""What a board file may hold: the check of every key, and of what must fit together in a whole
file.

Leaf of boards.py. Enters: a file's tables as TOML gave them. A check returns what the value must
be, "" when it is.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nearhum.settings import KINDS

from ..errors import UsageError
from ..flashing.chips import CHIPS, ESPTOOL, UF2, VIRTUAL
from .checking.faults import Faults

PATHS = ("fixed", "float")
PORTS = ("rp2", "esp32", "unix")
FLASH_METHODS = (UF2, ESPTOOL, VIRTUAL)
FIRMWARES = ("stock", "ulab")
# Arches for which mpy-cross 1.28 has a native emitter.
# fmt: off
MPY_ARCHES = (
    "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa",
    "xtensawin", "rv32imc", "rv64imc",
)
# fmt: on
Check = Callable[[Any], str]


def _one_of(allowed: tuple[str, ...]) -> Check:
    def check(value: Any) -> str:
        if value in allowed:
            return ""
        return "must be one of " + ", ".join(allowed) + near(value, allowed)

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
    # The range of a recording's header: its rate is a u32 in millihertz.
    right = (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0.001 <= value <= 1_000_000
    )
    return "" if right else "must be a number of hertz from 0.001 to 1000000"


def is_table(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be a table"


def _is_usb_list(value: Any) -> str:
    right = isinstance(value, list) and all(
        isinstance(item, str) and re.fullmatch(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}", item)
        for item in value
    )
    return "" if right else 'must be a list of "vid:pid", four hexadecimal digits each'


def _is_setting(value: Any) -> str:
    return "" if isinstance(value, str | int | float) else "must be a text or a number"


def _is_in_json(value: Any) -> str:
    # The board gets JSON, which has no dates, NaN or infinity.
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return "must be texts, numbers, lists or tables"
    return ""


_is_text = _matching(r"(?s).+", "a text that is not empty")
is_driver = _matching(r"[a-z][a-z0-9_]*", "the name of a module in firmware/nearhum/sources")
_MAX_BYTES = 1 << 28

TOP: dict[str, Check] = {
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
    "limits": {"heap_bytes": _whole(8192, _MAX_BYTES), "native_bytes": _whole(0, _MAX_BYTES)},
    "usb": {"ids": _is_usb_list},
}
_FIRMWARE: dict[str, Check] = {
    "version": _matching(r"\d+\.\d+\.\d+", "a version such as 1.28.0"),
    # Plain http only from this machine, where nobody can change the file on its way.
    "url": _matching(r"https://\S+|http://(127\.0\.0\.1|localhost)[:/]\S+", "an https address"),
    "size_bytes": _whole(1, _MAX_BYTES),
    "sha256": _matching(r"[0-9a-f]{64}", "64 lower-case hexadecimal digits are expected"),
}
_OPTIONAL_TABLES = ("firmware", "usb", "settings")
_OPTIONAL_KEYS = ("size_bytes", "sha256", "image_offset_bytes", "native_bytes")


def check_file(path: Path, raw: dict[str, Any]) -> None:
    """Raise one UsageError that lists all faults of a file's tables."""
    faults = Faults(str(path))
    _check_keys(faults, "", raw, [*TOP, "source", "settings", "firmware", *_TABLES])
    missing = [key for key in TOP if key not in raw]
    for key, check in TOP.items():
        if key in raw:
            _check(faults, key, raw[key], check)
    tables = {}
    for table in ("source", "settings", "firmware", *_TABLES):
        if table in raw:
            _check(faults, table, raw[table], is_table)
        elif table not in _OPTIONAL_TABLES:
            missing.append(f"[{table}]")
        tables[table] = raw[table] if isinstance(raw.get(table), dict) else {}
    if isinstance(raw.get("source"), dict):
        _check(faults, "source.driver", raw["source"].get("driver"), is_driver)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        faults.add(
            f"{', '.join(missing)} {verb} missing",
            'a file that begins with extends = "rpi_pico" has them from there; boards/README.md'
            " explains every key",
        )
    for key, value in tables["settings"].items():
        if key in TOP or key == "source":
            faults.add(f"settings.{key}: belongs to the file itself, not among its settings")
        _check(faults, f"settings.{key}", value, _is_setting)
    for key, value in tables["source"].items():
        _check(faults, f"source.{key}", value, _is_in_json)
    for table, checks in _TABLES.items():
        if isinstance(raw.get(table), dict):
            _check_table(faults, table, raw[table], checks)
    _check_keys(faults, "firmware.", tables["firmware"], list(FIRMWARES))
    for name, given in tables["firmware"].items():
        _check(faults, f"firmware.{name}", given, is_table)
        if isinstance(given, dict):
            _check_table(faults, f"firmware.{name}", given, _FIRMWARE)
    _check_flash(faults, tables["flash"], raw.get("chip"))
    faults.tell()


def _check_flash(faults: Faults, flash: dict[str, Any], chip: Any) -> None:
    """Check combinations of keys whose single values are right."""
    right = {
        key: flash[key] for key, check in _TABLES["flash"].items() if not check(flash.get(key))
    }
    if "method" in right and not TOP["chip"](chip):
        method = CHIPS[chip].method
        if right["method"] not in (VIRTUAL, method):
            faults.add(f"flash.method = {right['method']!r}: must be {method!r} for chip {chip!r}")
    if right.keys() >= {"fs_offset_bytes", "fs_size_bytes", "size_bytes"}:
        end = right["fs_offset_bytes"] + right["fs_size_bytes"]
        if end > right["size_bytes"]:
            faults.add(
                f"flash.fs_offset_bytes + flash.fs_size_bytes = {end}: must be at most"
                f" flash.size_bytes = {right['size_bytes']}"
            )
    for key in ("fs_offset_bytes", "fs_size_bytes"):
        if right.keys() >= {key, "block_bytes"} and right[key] % right["block_bytes"]:
            faults.add(
                f"flash.{key} = {right[key]}: must be a multiple of flash.block_bytes ="
                f" {right['block_bytes']}"
            )


def _check_table(
    faults: Faults, name: str, table: dict[str, Any], checks: dict[str, Check]
) -> None:
    _check_keys(faults, f"{name}.", table, list(checks))
    for key, check in checks.items():
        if key in table:
            _check(faults, f"{name}.{key}", table[key], check)
        elif key not in _OPTIONAL_KEYS:
            faults.add(f"{name}.{key} is missing", "boards/README.md explains every key")


def _check_keys(faults: Faults, prefix: str, table: dict[str, Any], known: list[str]) -> None:
    for key in table:
        if key not in known:
            allowed = ", ".join(known)
            faults.add(f"unknown key {prefix}{key}{near(key, known)}", f"keys: {allowed}")


def _check(faults: Faults, key: str, value: Any, check: Check) -> None:
    with faults.caught():
        check_one("", key, value, check)


def check_one(where: Path | str, key: str, value: Any, check: Check) -> None:
    wrong = check(value)
    if wrong:
        raise UsageError(f"{where}{': ' if where else ''}{key} = {_shown(value)}: {wrong}")


def _shown(value: Any) -> str:
    try:
        return repr(value)[:200]
    except ValueError:  # A number with thousands of digits.
        return "a number too large"


def near(value: Any, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(_shown(value).strip("'")[:64], known, n=2)
    return f" (did you mean {' or '.join(near)}?)" if near else ""
