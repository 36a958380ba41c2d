"""Chronicle: what happened, in order: what changed what the board knows, and all events.

Enters: a trace. Leaves: rows for the report.
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
    """Return when an event was: by the clock where a host had told the board the time, else
    what was heard before.

    event: None where the log does not have it, as the begin of an alarm that goes on from another
    period.
    """
    if event and math.isfinite(event.utc):
        return local(event.utc)
    return f"after {after(t, at)}" if at else "at the start"


def local(utc: float) -> str:
    """Return a time, seconds since 1970, as a person here reads it."""
    return datetime.datetime.fromtimestamp(utc).astimezone().strftime("%a %d %b %Y, %H:%M:%S")


def after(t: Trace, n: int) -> str:
    """Return how long n windows are, as a time where the log says it."""
    return duration(n * t.window_s) if t.window_s else plural(n, "window")


def history(t: Trace) -> list[tuple[str, str, str]]:
    """Return (when, what, particulars) of all that changed what is learned; examples of a label
    that follow are one.
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
    rows = []
    seen: set[int] = set()
    for at, event in t.events:
        if event.name == "boot":
            if event.boot in seen:  # the record that begins every segment on flash
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
                    else f"{left[key] / wire.SCORE_ONE:.2f} octaves"
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
