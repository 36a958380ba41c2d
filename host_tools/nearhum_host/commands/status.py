"""nearhum status: show what the board is doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..amounts import lasting
from ..logs.times import shown
from ..scores import in_octaves
from .terminal import Json, Port, Resume, print_json, print_pairs

SAFE = "safe"  # State of a board that could not start: only its console runs.
_OCTAVE = 256  # Scores are octaves in Q8.
# Faults in a row after which the sensor counts as failed. A single fault may pass.
_MANY_FAULTS = 5


def status(port: Port = None, resume: Resume = False, as_json: Json = False) -> None:
    """Show what the board does: state, score, alarm, what it has learned, and its journal."""
    from ..serial_line.link import connect

    with connect(port, resume) as link:
        answer = link.ask("status")
        where = link.port
    answer.pop("verb", None)
    if as_json:
        print_json({"port": where, **in_octaves(answer)})
    else:
        print_pairs(readable(where, answer))


def readable(port: str, status: dict[str, Any]) -> dict[str, Any]:
    """Return a status as rows for a person: related fields in one row, scores in octaves."""
    left = {name: value for name, value in status.items() if name != "folder"}
    if left.get("state") == SAFE:
        return {
            "board": f"{left['board']} on {port}, nearhum {left['version']}{_in(status)}",
            "state": (
                "safe mode: the detector does not run. It starts by itself in"
                f" {lasting(left['starts_in_s'])}, or now with `nearhum trust`"
            ),
            "warning": left["warning"],
            "journal": (
                f"records {left['log_first']} to {left['seq']}, safe on flash below"
                f" {left['synced_seq']}"
            ),
        }

    def take(name: str) -> Any:
        return left.pop(name, None)

    state, learned, to_learn, of = (
        take("state"),
        take("n_learned"),
        take("learn_left"),
        take("learn_total"),
    )
    enrolling, faults, most, fault = (
        take("enrolling"),
        take("faults"),
        take("learn_most"),
        take("fault"),
    )
    if state == "learn":
        state = (
            f"learn ({of - to_learn} of {of}"
            f" windows{f', {most} at most until stable' if most else ''})"
        )
    elif most and state == "watch":
        state = f"{state}, after learning until stable"
    if enrolling:
        state = f"{state}, enrolling {enrolling} more windows"
    score, threshold = octaves(take("score")), octaves(take("threshold"))
    gaps, late, turn_ms = take("gaps"), take("late") or 0, take("turn_ms")
    seq, synced, first = take("seq"), take("synced_seq"), take("log_first")
    shown = {
        "board": f"{take('board')} on {port}, nearhum {take('version')}{_in(status)}",
        "signal": (
            f"{take('kind')}, {take('path')} path, source {take('source')}"
            + (f", {_count(faults, 'fault')}" if faults else "")
            + (f": {fault}" if fault else "")
        ),
        "sampling": (
            f"{_count(gaps, 'gap')}, {_count(late, 'sample')} late; longest turn {turn_ms} ms"
        ),
        "state": state,
        "alarm": _alarm(take("alarm"), take("alarm_s"), take("in_alarm_percent")),
        "score": f"{score} (threshold {threshold}{_trusted(take)})",
        "label": take("label"),
        "mode": take("mode"),
        "drift": _drift(take("drift_left"), take("drift_of")),
        "windows": take("n_windows"),
        "learned": (
            f"{_count(learned, 'window')}; {_count(take('n_prototypes'), 'normal prototype')},"
            f" {_count(take('n_labels'), 'label')}, {take('state_bytes')} bytes"
        ),
        "journal": f"records {first} to {seq}, safe on flash below {synced}",
        "uptime": f"{lasting(take('uptime_s') or 0)} since boot {take('boot')}{_utc(take('utc'))}",
        "flash": _flash(take("erased"), take("flash_years")),
        "free memory": _memory(take("mem_free"), take("native_free")),
    }
    for name in ("mode", "drift"):
        if shown[name] is None:
            shown.pop(name)
    for name in ("dropped", "log_lost", "unsaved", "warning"):
        if not left.get(name):
            left.pop(name, None)
    return {**shown, **left}


def _alarm(alarm: bool, lasts_s: int | None, percent: float | None) -> str:
    """Return whether there is an alarm, since when, and the share of time in alarm."""
    if lasts_s is None:  # An older board does not say it.
        return "yes" if alarm else "no"
    now = f"yes, for {lasting(lasts_s)}" if alarm else "no"
    return f"{now}; {percent:g} % of the time watched"


def _drift(left: int | None, of: str | None) -> str | None:
    """Say how much of the drift budget is used, and by what; None where no drift is followed."""
    if left is None:
        return None
    told = f"followed, {100 - left} % of its budget" + (f" ({of})" if of else "")
    more = ": no further. Where the machine is sound, `nearhum trust` starts the budget anew"
    return told + (more if left <= 0 else "")


def _in(status: dict[str, Any]) -> str:
    """Return the folder of the running application. An older application does not say it."""
    return f" in {status['folder']}" if status.get("folder") else ""


def _trusted(take: Callable[[str], Any]) -> str:
    """Return how many scores set the threshold, and the false alarms to expect."""
    independent = take("independent")
    interval = {name: take(name) for name in ("alarms_per_day", "alarm_percent")}
    if not independent:
        return ""
    from ..report.wording import promised  # Here because it imports NumPy.

    return f" from {_count(independent, 'independent score')}{promised(interval)}"


def _count(number: Any, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _flash(erased: float | None, years: float | None) -> str:
    lasts = "" if years is None else f"; the flash lasts {_count(years, 'year')} at that rate"
    return f"{_count(erased, 'block')} erased since boot{lasts}"


def _memory(heap: int, native: int | None) -> str:
    apart = "" if native is None else f", and {native} bytes of executable memory"
    return f"{heap} bytes{apart}"


def _utc(utc: int | None) -> str:
    return "" if utc is None else f"; it is {shown(utc)} there"


def ended(status: dict[str, Any]) -> bool:
    """Return whether no more windows will come: the recording is over, or the sensor has failed."""
    return status.get("source") == "end" or int(status.get("faults") or 0) >= _MANY_FAULTS


def octaves(score: int | None) -> str:
    """Return a Q8 score in octaves as text, "–" if there is no score."""
    return "–" if score is None or score == -32768 else f"{score / _OCTAVE:+.2f}"
