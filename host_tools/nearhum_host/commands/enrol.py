"""nearhum enrol: teach the board a word, a gesture or a mode by examples."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..amounts import plural
from .terminal import Json, Port, Resume, note, print_json, print_pairs, progress

_POLL_S = 0.3


def enrol(
    label: Annotated[str, typer.Argument(help="The name of the examples.")],
    n: Annotated[
        int, typer.Argument(metavar="N", min=1, help="Number of windows to take as examples.")
    ] = 1,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until all examples were taken.")
    ] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Take the next N windows as examples of LABEL."""
    from ..errors import UsageError
    from ..serial_line.link import connect

    if not label or any(c.isspace() for c in label):
        raise UsageError(
            f"{label!r} is not a label: a label is one word", hint="join words with _ or -"
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
            f"{label} and {answer['too_close_to']} are hard to tell apart: enrol another example,"
            " or choose another word"
        )
    if not wait:
        note(f"the next {plural(n, 'window')} will be taken as examples of {label}")


def _expected(listed: dict[str, Any]) -> dict[str, Any]:
    """Return what the board expects of a label, under the names of this command's output.

    Values that the board does not know are left out.
    """
    names = {"close": "too_close_to", "accepts": "false_accepts_percent"}
    return {names[key]: listed[key] for key in names if listed.get(key) is not None}


def _until_enrolled(link, label: str) -> dict[str, Any]:
    """Wait until all examples were taken, and return what was enrolled.

    Raises DeviceError if no more windows arrive.
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
                    f"{plural(left, 'example')} missing, but no more windows arrive: the"
                    + (" recording is over" if status.get("source") == "end" else " sensor fails"),
                    hint="the board keeps what was enrolled: `nearhum list` shows it",
                )
            time.sleep(_POLL_S)
