"""Sensible: whether what a log says can be so. Asked once, where a record enters (decoding).

Enters: what a BOOT or EVENT record of whoever made the log says. Leaves: the same, where every
field that the host's tools read is of the kind that it must be; else an event of the name ODD,
which is shown as what it is, so that one of them does not keep the others from being drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nearhum import config
from nearhum.errors import ConfigError
from nearhum.settings import SETTINGS

ODD = "odd"
_MAX_COUNT = 1 << 53  # exact in every tool that reads our tables
_MAX_BOOT = (1 << 31) - 1  # column `boot` of the tables
_MAX_SAID = 200  # characters that are shown of an event that makes no sense


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= _MAX_COUNT


def _count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= _MAX_COUNT


def _score(value: Any) -> bool:
    return isinstance(value, int) and -32768 <= value <= 32767


def _scalar(value: Any) -> bool:
    return _text(value) or _number(value)


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_count, value))


def _shares(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and _text(one[0]) and _number(one[1])
        for one in value
    )


# by name of a field, whatever the event: null stands for none
_FIELDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("event", "label", "was", "state", "mode", "cause", "warning", "error"), _text),
    **dict.fromkeys(("hint", "close", "by", "key", "line", "what"), _text),
    **dict.fromkeys(("windows", "n", "independent", "scores", "dirt", "count", "id"), _count),
    **dict.fromkeys(("accepts", "distance", "limit", "utc"), _number),
    **dict.fromkeys(("score", "threshold"), _score),
    **dict.fromkeys(("paused", "off", "learning"), _truth),
    **dict.fromkeys(("to", "value"), _scalar),
    "modes": _counts,
    "strangest": _shares,
    "alarms_per_day": _pair,
}


def event(what: dict[str, Any] | None) -> dict[str, Any]:
    """Return what an EVENT record says, or an event ODD. None: it is no JSON."""
    if what is not None and all(
        check(what[name]) for name, check in _FIELDS.items() if what.get(name) is not None
    ):
        return what
    said = json.dumps(what, ensure_ascii=False)
    said = said if len(said) <= _MAX_SAID else said[: _MAX_SAID - 1] + "…"
    return {"event": ODD, "said": said, "window": (what or {}).get("window")}


def boot(what: dict[str, Any]) -> dict[str, Any]:
    """Return what a BOOT record says, without the fields and settings that no board can have."""
    out = dict(what)
    if not _count(out.get("boot")) or out["boot"] > _MAX_BOOT:
        out["boot"] = None
    if not isinstance(out.get("config"), dict):
        out.pop("config", None)
        return out
    out["config"] = {name: value for name, value in out["config"].items() if _can_be(name, value)}
    return out


def _can_be(name: str, value: Any) -> bool:
    if name not in SETTINGS:
        return isinstance(value, dict) or value is None or _scalar(value)
    try:
        config.check(name, value)
    except (ConfigError, TypeError, ValueError):
        return False
    return True
