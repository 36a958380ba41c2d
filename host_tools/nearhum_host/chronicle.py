"""Chronicle: what happened, in order: what changed what the board knows, and all events.

Enters: a trace, and what was seen of the board, by which the host's clock is known. Leaves: rows for the report.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from nearhum import wire

from .seen import Seen
from .svg import duration
from .traces import Trace
from .wording import learning, plural

MAX_EVENTS = 200


def clock_of(t: Trace, seen: Seen | None) -> dict[int, datetime.datetime]:
    """Return when the boots began of which that is known, by their number in the log."""
    if not seen:
        return {}
    numbers = {event.boot: event.what.get("boot") for _, event in t.events if event.name == "boot"}
    return {boot: seen.started() for boot, number in numbers.items() if number == seen.status.get("boot")}


def local(when: datetime.datetime) -> str:
    return when.astimezone().strftime("%a %d %b %Y, %H:%M:%S")


def after(t: Trace, n: int) -> str:
    return duration(n * t.window_s) if t.window_s else plural(n, "window")


def history(t: Trace, clock: dict[int, datetime.datetime]) -> list[tuple[str, str, str]]:
    """Return (when, what, particulars) of all that changed what is learned; examples of a label that follow are one."""
    rows: list[tuple[str, str, str]] = []
    for at, event in t.events:
        told = learning(event.name, event.what, t.window_s)
        if not told:
            continue
        if rows and event.name == "enrolled" and rows[-1][1] == told[0]:
            rows.pop()
        when = clock.get(event.boot)
        said = local(when + datetime.timedelta(milliseconds=event.ticks_ms)) if when else f"after {after(t, at)}"
        rows.append((said if at or when else "at the start", *told))
    return rows[-MAX_EVENTS:]


def events_of(t: Trace) -> list[dict[str, str]]:
    rows = []
    seen: set[int] = set()
    for at, event in t.events:
        if event.name == "boot":
            if event.boot in seen:  # the record that begins every segment on flash
                continue
            seen.add(event.boot)
        left = {k: v for k, v in event.what.items() if k not in ("event", "config", "window")}
        for key in ("score", "threshold"):
            if isinstance(left.get(key), int):
                left[key] = "–" if left[key] == wire.NO_SCORE else f"{left[key] / wire.SCORE_ONE:.2f} octaves"
        rows.append(
            {
                "name": event.name,
                "when": duration(at * t.window_s) if t.window_s else f"window {at}",
                "window": str(at),
                "what": ", ".join(f"{k.replace('_', ' ')} {_brief(v)}" for k, v in left.items()),
            }
        )
    return rows


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:159] + "…"
