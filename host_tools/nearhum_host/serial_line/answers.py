"""Check the console's answers: every field that the host reads must have the right type.

Enters: an answer as received. Leaves: the same answer, or a DeviceError.

A field listed here may be missing, because an older board does not send it, but it must have its
type, so that all other code can rely on it. A field that is not listed here is only shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nearhum import config
from nearhum.errors import ConfigError
from nearhum.settings import SETTINGS

from ..errors import DeviceError
from .visible_text import object_in

_Check = Callable[[Any], bool]
_BEGIN = b'{"ok":'  # Every answer begins so, see firmware/nearhum/console.
_MAX_COUNT = 1 << 53  # Every JSON reader represents integers up to here exactly.


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _optional(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _number(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_COUNT
    )


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _rows(**fields: _Check) -> _Check:
    """Return a check for a list of objects that have all of these fields."""

    def check(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(row, dict) and has_all(row) for row in value
        )

    def has_all(row: dict[str, Any]) -> bool:
        return all(name in row and fields[name](row[name]) for name in fields)

    return check


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _settings(value: Any) -> bool:
    """Return whether settings are within the firmware's limits. Unknown settings are allowed,
    because a later firmware may have more.
    """
    try:
        return isinstance(value, dict) and all(
            config.check(name, value[name]) is not None for name in value if name in SETTINGS
        )
    except (ConfigError, TypeError, ValueError):
        return False


def _interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _whole(value: Any) -> bool:  # -1 is the number of the window before the first.
    return value == -1 or _count(value)


def _shares(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and _text(one[0]) and _number(one[1])
        for one in value
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


# By verb: the fields that a command of the host reads.
_FIELDS: dict[str, dict[str, _Check]] = {
    "start": {"version": _text, "board": _text},
    "help": {"verbs": _table},
    "status": {
        **dict.fromkeys(("version", "board", "kind", "path", "state", "source"), _text),
        **dict.fromkeys(
            ("seq", "synced_seq", "log_first", "boot", "uptime_s", "mem_free", "n_windows"), _count
        ),
        **dict.fromkeys(
            ("n_learned", "learn_left", "learn_total", "learn_most", "state_bytes", "faults"),
            _count,
        ),
        **dict.fromkeys(("n_prototypes", "n_labels", "enrolling", "dropped", "log_lost"), _count),
        **dict.fromkeys(("label", "mode", "warning", "unsaved", "fault", "id"), _optional(_text)),
        **dict.fromkeys(("drift_of", "drift_amount"), _optional(_text)),
        **dict.fromkeys(("flash_years", "erased", "gaps", "late", "turn_ms"), _optional(_number)),
        **dict.fromkeys(("score", "threshold", "drift_left"), _optional(_number)),
        "independent": _optional(_count),
        "alarms_per_day": _optional(_interval),
        "alarm_percent": _optional(_interval),
        "native_free": _optional(_count),
        "folder": _text,
        "alarm": _truth,
        "alarm_s": _optional(_count),
        "starts_in_s": _count,
        "in_alarm_percent": _optional(_number),
        "paused": _truth,
    },
    "list": {
        "prototypes": _rows(count=_count, id=_count, label=_optional(_text)),
        "pending": _rows(),
        "snapshots": _rows(number=_count),
        "vetoed": _texts,
        "set": _settings,
    },
    "log": {"from": _count, "next": _count, "last": _count, "b64": _text},
    "get": {"size": _count, "crc": _count, "offset": _count, "b64": _text, "settings": _settings},
    "look": {
        **dict.fromkeys(("of", "window"), _optional(_whole)),
        **dict.fromkeys(("embedding", "variance"), _text),
        **dict.fromkeys(("names", "means"), _texts),
        "mode": _optional(_count),
        "strangest": _shares,
    },
    "raw": {"from": _count, "n": _count, "b64": _text},
    "learn": {"windows": _count, "mode": _optional(_text)},
    "rollback": {"to": _count, "state": _text},
    "veto": {"vetoed": _texts},
    **dict.fromkeys(("accept", "reject", "enrol", "forget", "relabel"), {"label": _text}),
}


def answer_in(line: bytes) -> dict[str, Any] | None:
    """Return the answer in a line. Return None for noise, and for an answer that lost bytes.

    The answer may follow other output on the same line, if a program printed without a line break.
    """
    at = line.find(_BEGIN)
    return object_in(line[at:]) if at >= 0 else None


class Absent(DeviceError, KeyError):
    """A field is missing in a board's answer."""


class Answer(dict[str, Any]):
    """A board's answer.

    answer[name] raises a DeviceError if the field is missing, answer.get(name) returns None.
    """

    def __missing__(self, name: str) -> Any:
        raise Absent(
            f"the board's answer has no {name!r}",
            hint=(
                "does an older nearhum run on it? `nearhum deploy --board NAME` installs this"
                " host together"
            ),
        )


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer as an Answer. Raises DeviceError if a field has a wrong type."""
    verb = str(answer.get("verb") or "")
    for name, check in _FIELDS.get(verb, {}).items():
        if name in answer and not check(answer[name]):
            raise DeviceError(
                f"the board's answer to {verb!r} is invalid: {name} is {answer[name]!r}"[:200],
                hint=(
                    "does nearhum run on it? `nearhum deploy --board NAME` brings board and host"
                    " together"
                ),
            )
    return Answer(
        {
            name: Answer(value) if isinstance(value, dict) else value
            for name, value in answer.items()
        }
    )


def sensible(verb: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an answer that have the right type."""
    fields = _FIELDS[verb]
    return {
        name: value
        for name, value in answer.items()
        if isinstance(name, str) and (name not in fields or fields[name](value))
    }
