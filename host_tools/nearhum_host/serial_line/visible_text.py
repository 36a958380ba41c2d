"""Text from elsewhere, made harmless: what a board, a log or a file says must not steer a
terminal or a file system.

Leaf. Enters: texts, and JSON values of them. Leaves: the same, with every sign that a terminal
would act on written out (`\\x1b`, `\\u202e`), and names that are no paths.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DIGITS = 20  # of a number in JSON: no count that a board keeps has more
MAX_DEPTH = 32  # of JSON within JSON

# Control characters (C0, DEL, C1: a terminal takes some for the start of a command), line
# separators, surrogates.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# and what turns the direction of writing, so that a name is shown as another: Trojan Source,
# Boucher, Anderson, 2021
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
# Names of devices on Windows, whatever follows a dot:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def visible(text: str) -> str:
    """Return a text for a terminal: what would steer it is written out, tabs and ends of lines
    stay.
    """
    return _STEERING.sub(_written_out, text)


def as_json(value: Any) -> str:
    """Return a value as JSON that steers no terminal: what JSON itself leaves as it is (DEL, C1,
    signs that turn the direction of writing) is escaped. Other kinds of objects are texts.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_controls(value: Any) -> Any:
    """Return a JSON value whose texts, keys included, have their control characters written out."""
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
    """Return the object in a JSON text from elsewhere, without control characters; None where there
    is none.

    Refused too: numbers that are none (NaN, Infinity, 1e999) or have more than MAX_DIGITS digits,
    and what is nested deeper than MAX_DEPTH.
    """
    try:
        found = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_refused)
        return (
            without_controls(found)
            if isinstance(found, dict) and _depth(found) <= MAX_DEPTH
            else None
        )
    except (ValueError, RecursionError):  # UnicodeDecodeError is one of the first
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
    """Return a text as a part of a file's name: letters, digits, _ and -, 64 at most; no path,
    nothing hidden.
    """
    return no_device(_NO_NAME.sub("_", str(text)).strip("_-")[:64] or fallback)


def no_device(name: str) -> str:
    """Return the name of a file that Windows does not take for a device: `con_` for `con`."""
    return _DEVICE.sub(r"\1_\2", name, count=1) if _DEVICE.match(name) else name
