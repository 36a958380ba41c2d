"""nearhum status: what the board is doing."""

from __future__ import annotations

from typing import Any

from ..terminal import Json, Port, Resume, print_json, print_pairs
from ..times import shown

SAFE = "safe"  # state of a board that could not start: a console, and nothing else
_OCTAVE = 256  # a score counts octaves in Q8
_MANY_FAULTS = 5  # in a row; a single one may pass


def status(port: Port = None, resume: Resume = False, as_json: Json = False) -> None:
    """Show what the board is doing: state, score, what it has learned, and its journal."""
    from ..link import connect

    with connect(port, resume) as link:
        answer = link.ask("status")
        where = link.port
    answer.pop("verb", None)
    if as_json:
        print_json({"port": where, **answer})
    else:
        print_pairs(readable(where, answer))


def readable(port: str, status: dict[str, Any]) -> dict[str, Any]:
    """Return a status as a person reads it: what belongs together in one line, octaves instead of Q8."""
    left = dict(status)
    if left.get("state") == SAFE:
        return {
            "board": f"{left['board']} on {port}, nearhum {left['version']}",
            "state": f"safe mode: nothing is watched; starts by itself in {left['starts_in_s']} s, "
            "or at once by `nearhum trust`",
            "warning": left["warning"],
            "journal": f"records {left['log_first']} to {left['seq']}, safe on flash below {left['synced_seq']}",
        }

    def take(name: str) -> Any:
        return left.pop(name, None)

    state, learned, to_learn, of = take("state"), take("n_learned"), take("learn_left"), take("learn_total")
    enrolling, faults, most, fault = take("enrolling"), take("faults"), take("learn_most"), take("fault")
    if state == "learn":
        state = f"learn ({of - to_learn} of {of} windows{f', {most} at most until stable' if most else ''})"
    elif most and state == "watch":
        state = f"{state}, after learning until stable"
    if enrolling:
        state = f"{state}, enrolling {enrolling} more windows"
    score, threshold = octaves(take("score")), octaves(take("threshold"))
    gaps, late, turn_ms = take("gaps"), take("late") or 0, take("turn_ms")
    seq, synced, first = take("seq"), take("synced_seq"), take("log_first")
    shown = {
        "board": f"{take('board')} on {port}, nearhum {take('version')}",
        "signal": f"{take('kind')}, {take('path')} path, source {take('source')}"
        + (f", {faults} faults" if faults else "")
        + (f": {fault}" if fault else ""),
        "sampling": f"{gaps} gaps, {late} samples late; longest turn {turn_ms} ms",
        "state": state,
        "alarm": take("alarm"),
        "score": f"{score} (threshold {threshold})",
        "label": take("label"),
        "mode": take("mode"),
        "windows": take("n_windows"),
        "learned": f"{learned} windows; {take('n_prototypes')} normal prototypes, {take('n_labels')} labels, "
        f"{take('state_bytes')} bytes",
        "journal": f"records {first} to {seq}, safe on flash below {synced}",
        "uptime": f"{take('uptime_s')} s since boot {take('boot')}{_utc(take('utc'))}",
        "flash": f"{take('erased')} blocks erased since boot, lasts {take('flash_years')} years at that rate",
        "free memory": f"{take('mem_free')} bytes",
    }
    if shown["mode"] is None:
        shown.pop("mode")
    for name in ("dropped", "unsaved", "warning"):
        if not left.get(name):
            left.pop(name, None)
    return {**shown, **left}


def _utc(utc: int | None) -> str:
    return "" if utc is None else f"; it is {shown(utc)} there"


def ended(status: dict[str, Any]) -> bool:
    """Return whether no window will come any more: the recording was played, or the sensor keeps failing."""
    return status.get("source") == "end" or int(status.get("faults") or 0) >= _MANY_FAULTS


def octaves(score: int | None) -> str:
    """Return a Q8 score as text, "–" for none."""
    return "–" if score is None or score == -32768 else f"{score / _OCTAVE:+.2f}"
