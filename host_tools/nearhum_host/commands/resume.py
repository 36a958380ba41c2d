"""nearhum resume: start the detector of a board that is at the MicroPython prompt."""

from __future__ import annotations

from .status import SAFE
from .terminal import Json, Port, print_json, tell


def resume(port: Port = None, as_json: Json = False) -> None:
    """Start the detector again after it was stopped by Ctrl-C, mpremote or Thonny.

    A running detector is not touched. A board in safe mode restarts now.
    """
    from ..serial_line.link import connect

    was_stopped = []
    with connect(port) as link:
        link.on_stopped = lambda: bool(was_stopped.append(True)) or True
        answer = link.ask("status")
        if answer.get("state") == SAFE:
            was_stopped.append(True)
            link.resume()
            answer = link.ask("status")
    if as_json:
        print_json({"resumed": bool(was_stopped), "state": answer.get("state")})
    else:
        tell(
            ("resumed" if was_stopped else "it was already running")
            + f", state: {answer.get('state')}"
        )
