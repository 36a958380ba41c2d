"""nearhum enrol: show the board examples of a word, a gesture or a mode, and name them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .terminal import Json, Port, Resume, note, print_json, print_pairs, progress

_POLL_S = 0.3


def enrol(
    label: Annotated[str, typer.Argument(help="The name that the examples get.")],
    n: Annotated[
        int, typer.Argument(metavar="N", min=1, help="How many of the next windows are examples.")
    ] = 1,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until all examples are there.")
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Make the next N windows examples of LABEL."""
    from ..errors import UsageError
    from ..serial_line.link import connect

    if not label or any(c.isspace() for c in label):
        raise UsageError(
            f"{label!r} is no label: a label is one word", hint="join words with _ or -"
        )
    with connect(port, resume) as link:
        answer = link.ask(f"enrol {label} {n}")
        if wait:
            answer = _until_enrolled(link, label)
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    elif answer:
        print_pairs(answer)
    if answer.get("too_close_to"):
        note(
            f"{label} and {answer['too_close_to']} are hard to tell apart: choose another example,"
            " or another word"
        )
    if not wait:
        note(f"next windows taken as examples of {label}: {n}")


def _expected(listed: dict[str, Any]) -> dict[str, Any]:
    """Return what the board expects of a label, by the names that a person reads; nothing it
    does not know.
    """
    names = {"close": "too_close_to", "accepts": "false_accepts_percent"}
    return {names[key]: listed[key] for key in names if listed.get(key) is not None}


def _until_enrolled(link, label: str) -> dict[str, Any]:
    """Return what was enrolled once all of it is there.

    Raises DeviceError when no window comes any more.
    """
    import time

    from ..errors import DeviceError
    from .status import ended

    total, warned = 0, ""
    with progress(f"enrolling {label}", "examples") as bar:
        while True:
            status = link.ask("status")
            left = int(status.get("enrolling") or 0)
            total = max(total, left)
            if not left:
                listed = link.ask("list").get("prototypes", [])
                mine = next((p for p in listed if p.get("label") == label and p.get("id")), {})
                return {"label": label, "examples": int(mine.get("count") or 0), **_expected(mine)}
            bar(total - left, total)
            if status.get("warning") and status["warning"] != warned:
                warned = status["warning"]
                note(warned)
            if ended(status):
                raise DeviceError(
                    f"{left} examples are missing, and no window comes any more: the"
                    + (" recording is over" if status.get("source") == "end" else " sensor fails"),
                    hint="what was enrolled stays: `nearhum list` shows it",
                )
            time.sleep(_POLL_S)
