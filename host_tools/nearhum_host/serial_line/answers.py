"""Answers of the console: what the fields that the host reads must be, whoever is at the other
end of the line.

Enters: an answer as it came. Leaves: the same, or a DeviceError. A field that is not here is shown
and nothing more; one that is here may be missing (an older board), but never of another kind: what
works with answers may trust them.
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
_BEGIN = b'{"ok":'  # of every answer, see firmware/nearhum/console
_MAX_COUNT = 1 << 53  # exact in every tool that reads our JSON


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
    """A list of objects with these fields, each present."""

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
    """Settings as the firmware bounds them; what a later one may have beside them is shown and
    nothing more.
    """
    try:
        return isinstance(value, dict) and all(
            config.check(name, value[name]) is not None for name in value if name in SETTINGS
        )
    except (ConfigError, TypeError, ValueError):
        return False


def _interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _whole(value: Any) -> bool:  # the number of the window before the first is -1
    return value == -1 or _count(value)


def _shares(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and _text(one[0]) and _number(one[1])
        for one in value
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


# by verb: the fields that some command reads
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
    """Return the answer in a line, or None for noise and for an answer that lost bytes.

    What a program printed last may stand before it, without an end of its line.
    """
    at = line.find(_BEGIN)
    return object_in(line[at:]) if at >= 0 else None


class Absent(DeviceError, KeyError):
    """A field that a board's answer has not."""


class Answer(dict[str, Any]):
    """A board's answer.

    answer[name] raises a DeviceError where it is not there, answer.get(name) gives None.
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
    """Return an answer that says what it must.

    Raises DeviceError naming the field that does not; see Answer.
    """
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
    """Return the fields of an answer that are of the kind that they must be."""
    fields = _FIELDS[verb]
    return {
        name: value
        for name, value in answer.items()
        if isinstance(name, str) and (name not in fields or fields[name](value))
    }
