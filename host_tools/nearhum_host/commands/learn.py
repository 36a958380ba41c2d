"""nearhum learn: take what comes now for normal."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, Port, Resume, note, print_json, print_pairs, progress, tell

_POLL_S = 0.3


def learn(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="400 | 10m | stop",
            help=(
                "How many windows, how long (30s, 10m, 24h), or `stop` to end it now; default: the"
                " board's."
            ),
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="MODE",
            help="Keep what is normal, and add this as a mode of it: night, full load.",
        ),
    ] = None,
    stable: Annotated[
        bool,
        typer.Option(
            "--until-stable",
            help="End when more would change nothing; at the length given, or 24h.",
        ),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until learning has ended.")] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Start a learning period: what the board hears now is normal, and nothing else, or (--as)
    that too.
    """
    import re

    from ..errors import UsageError
    from ..serial_line.link import connect

    # Said before a board is looked for, which knows "ten" for no whole number and no more.
    if spec and not re.fullmatch(r"[0-9]+[smhd]?|stop|pause|resume", spec):
        raise UsageError(
            f"{spec[:40]!r} is no length", "say how many windows (400), or how long: 30s, 10m, 24h"
        )
    if stable and spec == "stop":
        raise UsageError("--until-stable and stop", "one or the other")
    if mode is not None and spec in (None, "stop") and not stable:
        raise UsageError(
            f"--as {mode} without a length", "say how long: nearhum learn 10m --as MODE"
        )

    with connect(port, resume) as link:
        words = ["learn", "stable" if stable else None, spec, f"as {mode}" if mode else None]
        answer = link.ask(" ".join(word for word in words if word))
        if wait and spec != "stop":
            answer = _until_learned(link)
    answer.pop("verb", None)
    if as_json:
        print_json(answer)
    elif wait and spec != "stop":
        from .status import octaves

        said = (
            f"learned {answer.get('n_learned')} windows, threshold"
            f" {octaves(answer.get('threshold'))} octaves"
        )
        tell(f"{said}, now: {'stable, ' if answer.get('learn_most') else ''}{answer.get('state')}")
    elif answer:
        print_pairs(answer)
    if not wait and spec != "stop":
        note("learning; `nearhum status` shows how far it is")


def _until_learned(link) -> dict:
    """Return the status once the board no longer learns.

    Raises DeviceError when its source ends before.
    """
    import time

    from ..errors import DeviceError
    from .status import ended

    with progress("learning", "windows") as bar:
        while True:
            status = link.ask("status")
            if status.get("state") != "learn":
                return status
            left, total = int(status.get("learn_left") or 0), int(status.get("learn_total") or 0)
            bar(total - left, total)
            if status.get("source") == "end":
                raise DeviceError(
                    f"the recording is over after {total - left} of {total} windows to be learned",
                    hint=(
                        ("`nearhum learn stop` makes do with those; or " if total > left else "")
                        + "start `nearhum virtual --replay` again, and learn a shorter time or a"
                        " longer recording"
                    ),
                )
            if ended(status):
                raise DeviceError(
                    f"{left} of {total} windows are still to be learned, and the sensor does not"
                    f" answer: {status.get('fault') or status.get('source')}",
                    hint="`nearhum doctor` looks at it; learning goes on once it answers",
                )
            time.sleep(_POLL_S)
