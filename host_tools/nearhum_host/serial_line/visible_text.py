"""Make text of a board, a log or a file harmless for terminals and file systems.

Enters: texts and JSON values. Leaves: the same, with control characters written out (`\\x1b`,
`\\u202e`), and names that cannot be paths. Imports no other module of the host.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DIGITS = 20  # Of a number in JSON. No count of a board is longer.
MAX_DEPTH = 32  # Of nested JSON, far below Python's limit of recursion.

# Control characters (C0, DEL, C1), line separators, surrogates. A terminal takes some of them as
# the start of a command.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Also the characters that change the direction of writing, by which a name can look like another.
# Tabs and line breaks are allowed. Source: Boucher, Anderson, Trojan Source, 2021.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
# Names of devices on Windows, whatever follows a dot:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def visible(text: str) -> str:
    """Return a text for a terminal, with control characters written out. Tabs and line breaks
    stay.
    """
    return _STEERING.sub(_written_out, text)


def as_json(value: Any) -> str:
    """Return a value as JSON for a terminal.

    Characters that JSON does not escape are escaped too: DEL, C1, and changes of the direction of
    writing. Objects of other types become texts.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_controls(value: Any) -> Any:
    """Return a JSON value with the control characters of all texts and keys written out."""
    if isinstance(value, str):
        return _CONTROLS.sub(_written_out, value)
    if isinstance(value, dict):
        return {
            _CONTROLS.sub(_written_out, str(key)): without_controls(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_controls(item) for item in value]
    return value


def _written_out(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def object_in(text: bytes | str) -> dict[str, Any] | None:
    """Return the object in a JSON text, with control characters written out.

    Returns None if the text is not a JSON object, if a number is not finite (NaN, Infinity, 1e999)
    or longer than MAX_DIGITS, or if it is nested deeper than MAX_DEPTH.
    """
    try:
        found = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_refused)
        return (
            without_controls(found)
            if isinstance(found, dict) and _depth(found) <= MAX_DEPTH
            else None
        )
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError.
        return None


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(digits)
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise ValueError(digits)
    return number


def _refused(name: str) -> None:
    raise ValueError(name)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def as_name(text: Any, fallback: str = "board") -> str:
    """Return a text as part of a file name: at most 64 letters, digits, _ and -.

    The result cannot be a path or a hidden file. fallback: returned if nothing is left.
    """
    return no_device(_NO_NAME.sub("_", str(text)).strip("_-")[:64] or fallback)


def no_device(name: str) -> str:
    """Return the name of a file that Windows does not take for a device: `con_` for `con`."""
    return _DEVICE.sub(r"\1_\2", name, count=1) if _DEVICE.match(name) else name
