"""nearhum learn: make the board learn the present signal as normal."""

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
                "Number of windows, duration (30s, 10m, 24h), or `stop` to end now. Default: the"
                " board's setting."
            ),
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="MODE",
            help="Keep what was learned, and add this mode of normal: night, full load.",
        ),
    ] = None,
    stable: Annotated[
        bool,
        typer.Option(
            "--until-stable",
            help="End as soon as more windows change nothing, at the latest after 24h.",
        ),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of learning.")] = False,
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Start a learning period. The board learns the present signal as normal.

    What it learned before is replaced, unless --as adds a mode to it.
    """
    import re

    from ..errors import UsageError
    from ..scores import in_octaves
    from ..serial_line.link import connect

    # Checked here too: the board would only say that "ten" is not a whole number.
    if spec and not re.fullmatch(r"[0-9]+[smhd]?|stop|pause|resume", spec):
        raise UsageError(
            f"{spec[:40]!r} is not a length",
            "say how many windows (400), or how long: 30s, 10m, 24h",
        )
    if stable and spec == "stop":
        raise UsageError("--until-stable and stop contradict each other", "leave one of them out")
    if mode is not None and spec in (None, "stop") and not stable:
        raise UsageError(f"--as {mode} needs a length", "for example nearhum learn 10m --as MODE")

    with connect(port, resume) as link:
        words = ["learn", "stable" if stable else None, spec, f"as {mode}" if mode else None]
        answer = link.ask(" ".join(word for word in words if word))
        if wait and spec != "stop":
            answer = _until_learned(link)
    answer.pop("verb", None)
    if as_json:
        print_json(in_octaves(answer))
    elif wait and spec != "stop":
        from .status import octaves

        said = (
            f"learned {answer.get('n_learned')} windows, threshold"
            f" {octaves(answer.get('threshold'))} octaves"
        )
        tell(f"{said}, now: {'stable, ' if answer.get('learn_most') else ''}{answer.get('state')}")
    elif answer:
        print_pairs(in_octaves(answer))
    if not wait and spec != "stop":
        note("learning has started; `nearhum status` shows the progress")


def _until_learned(link) -> dict:
    """Wait for the end of learning, and return the status then.

    Raises DeviceError if no more windows arrive before.
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
                        ("`nearhum learn stop` uses those windows; or " if total > left else "")
                        + "start `nearhum virtual --replay` again, with a shorter learning period"
                        " or a longer recording"
                    ),
                )
            if ended(status):
                raise DeviceError(
                    f"{left} of {total} windows are still to be learned, and the sensor does not"
                    f" answer: {status.get('fault') or status.get('source')}",
                    hint="`nearhum doctor` looks at it; learning goes on once it answers",
                )
            time.sleep(_POLL_S)
