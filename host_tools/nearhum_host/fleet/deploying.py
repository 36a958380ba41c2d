"""Deploy the application and a prior to every attached board, several at a time.

Enters: ports, a board file and a prior. Leaves: the result of each board. A board that fails does
not stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from nearhum.errors import NearhumError

from ..boards import deployment, state_image
from ..boards.application import application
from ..boards.board_files import Board
from ..errors import DeviceError, HostError, UsageError
from ..serial_line.link import Link
from ..serial_line.ports import every_port
from ..virtual import stand_in

AT_ONCE = 8  # Boards.


@dataclass
class Done:
    """The result of one board. told: what was done. error: why it failed, "" if it did not."""

    port: str
    board: str = ""
    told: str = ""
    error: str = ""


def ports(named: Sequence[str] | None) -> list[str]:
    """Return the named ports, or without any the port in NEARHUM_PORT and all boards on USB.

    Raises UsageError if a port is named twice, DeviceError if there is no board.
    """
    found = list(named) if named else every_port()
    if not found:
        raise DeviceError(
            "there is no board on any USB port", hint="plug some in, or name each with --port"
        )
    twice = {port for port in found if found.count(port) > 1}
    if twice:
        raise UsageError(f"{', '.join(sorted(twice))} is named twice", hint="name each port once")
    return found


def deploy(
    ports: Sequence[str],
    board: Board,
    prior: bytes,
    on_board: Callable[[int, int], None] = lambda done, of: None,
    secret: bytes | None = None,
) -> list[Done]:
    """Deploy the application and the prior to every board.

    prior: a state image. A board that has already learned keeps its own state. To start it from
        the prior, send `nearhum console "reset factory"`.
    on_board: called with the number of boards done and of all boards.
    secret: the key that all these boards hold. The prior is signed with it.
    Returns the results in the order of ports.
    """

    def made(board: Board) -> dict[str, bytes]:
        files = application(board, {"prior": state_image.PRIOR.lstrip("/")}, False, secret)
        return {**files, state_image.PRIOR: prior}

    files, in_place = made(board), stand_in.maker(board, made)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {pool.submit(_one, port, files, prior, in_place): port for port in ports}
        done = {}
        for future in as_completed(waiting):
            done[waiting[future]] = future.result()
            on_board(len(done), len(ports))
    return [done[port] for port in ports]


def _one(
    port: str,
    files: dict[str, bytes],
    prior: bytes,
    in_place: Callable[[Mapping[str, Any]], dict[str, bytes]],
) -> Done:
    out = Done(port)
    try:
        with Link(port, on_stopped=lambda: True) as link:
            made = deployment.deploy(link, files, in_place=in_place)
            out.board = str(made.start.get("board") or link.ask("status").get("board"))
            state_image.check_prior(link, prior)
            state = link.ask("status")["state"]
            out.told = (
                f"{len(made.copied)} files copied, {len(made.unchanged)} unchanged; state {state}"
            )
    except (HostError, NearhumError) as error:
        out.error = error.message
    return out
