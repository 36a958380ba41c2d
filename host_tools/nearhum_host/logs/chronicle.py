"""List a board's events for the report: those that changed what it has learned, and all.

Enters: a trace. Leaves: rows of text, oldest first.
"""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

from nearhum import wire

from ..report.svg import duration
from ..report.wording import learning, plural
from .decoding import Event
from .traces import Trace

MAX_EVENTS = 200


def when(t: Trace, at: int, event: Event | None) -> str:
    """Return the time of an event as text.

    It is local time if a host had told the board the time, otherwise the time watched before.

    at: index of the window. event: None if it is not in the log, such as the start of an alarm that
    began in an earlier part.
    """
    if event and math.isfinite(event.utc):
        return local(event.utc)
    return f"after {after(t, at)}" if at else "at the start"


def local(utc: float) -> str:
    """Return local time as text. utc: seconds since 1970."""
    return datetime.datetime.fromtimestamp(utc).astimezone().strftime("%a %d %b %Y, %H:%M:%S")


def after(t: Trace, n: int) -> str:
    """Return the length of n windows as text: a duration, or a count if the log has no rate."""
    return duration(n * t.window_s) if t.window_s else plural(n, "window")


def history(t: Trace) -> list[tuple[str, str, str]]:
    """Return (when, what, details) for each event that changed what the board has learned.

    Consecutive examples of a label become one row. At most the last MAX_EVENTS rows are returned.
    """
    rows: list[tuple[str, str, str]] = []
    for at, event in t.events:
        told = learning(event.name, event.what, t.window_s)
        if not told:
            continue
        if rows and event.name == "enrolled" and rows[-1][1] == told[0]:
            rows.pop()
        rows.append((when(t, at, event), *told))
    return rows[-MAX_EVENTS:]


def events_of(t: Trace) -> list[dict[str, str]]:
    """Return {name, when, window, what} for every event, as text."""
    rows = []
    seen: set[int] = set()
    for at, event in t.events:
        if event.name == "boot":
            if event.boot in seen:  # Every segment on flash begins with a copy of this record.
                continue
            seen.add(event.boot)
        left = {
            k: v
            for k, v in event.what.items()
            if k not in ("event", "config", "window") and v not in (None, "")
        }
        for key in ("score", "threshold"):
            if isinstance(left.get(key), int):
                left[key] = (
                    "–"
                    if left[key] == wire.NO_SCORE
                    else f"{left[key] / wire.OCTAVE_Q8:.2f} octaves"
                )
        rows.append(
            {
                "name": event.name,
                "when": when(t, at, event),
                "window": str(at),
                "what": ", ".join(f"{k.replace('_', ' ')} {_brief(v)}" for k, v in left.items()),
            }
        )
    return rows


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:159] + "…"
