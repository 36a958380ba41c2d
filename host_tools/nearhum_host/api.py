"""Functions of `import nearhum_host` that combine several modules, as the commands do.

Enters: boards, recordings and folders. Leaves: the results that the commands print. All other
functions of the package come from the modules that nearhum_host.__getattr__ names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .boards.board_files import Board
    from .boards.deployment import Deployed
    from .evaluation.benchmarks.base import Run
    from .fleet.comparison import FleetFigures
    from .recordings.nhr import Recording
    from .serial_line.link import Link


def deploy(
    link: Link,
    board: str | Board,
    settings: Mapping[str, Any] | None = None,
    prior: bytes | None = None,
) -> Deployed:
    """Copy the application to a board and start it, as `nearhum deploy` does.

    board: a board's name, the path of a .toml file, or a Board.
    settings: override those of the board file. prior: a state image to start from.
    Raises UsageError for wrong settings, DeviceError if the board does not answer.
    """
    from .boards import board_files, deployment, state_image
    from .boards.application import application
    from .virtual import stand_in

    over = {**(settings or {}), **({"prior": state_image.PRIOR.lstrip("/")} if prior else {})}
    there = board_files.load(board) if isinstance(board, str) else board

    def made(board: Board) -> dict[str, bytes]:
        files = application(board, over or None)
        return {**files, state_image.PRIOR: prior} if prior else files

    done = deployment.deploy(link, made(there), in_place=stand_in.maker(there, made))
    if prior:
        state_image.check_prior(link, prior)
    return done


def run(recording: Recording, settings: Mapping[str, Any], path: str = "fixed") -> Run:
    """Run the firmware over a recording on this machine.

    settings: as in a board file: kind, rate_hz, n_channels and any other.
    path: "fixed" or "float", the firmware's numeric path.
    The recording's cues are console lines, typed before their segments: `learn 400`, `enrol tap 3`.
    A segment whose cue begins with ~ follows the one before without a gap.
    Returns the score, alarm and label of every window, with its features and embedding as int8
    arrays (windows, dimensions). Raises HostError if the firmware refuses a setting or a cue.
    """
    from .evaluation.benchmarks.base import Session
    from .evaluation.benchmarks.runner import run_one
    from .virtual.unix_port import interpreter

    return run_one(Session("run", dict(settings), recording), path, interpreter())


def evaluate_fleet(
    folder: str | Path,
    labels: str | Path | None = None,
    engine: str = "duckdb",
    master: str = "local[2]",
) -> FleetFigures:
    """Evaluate the tables in a folder, as `nearhum fleet evaluate` does.

    labels: csv with the truth about boards. engine: "duckdb" or "spark". master: address of Spark.
    Raises UsageError if there are no tables or the labels are wrong.
    """
    from .fleet import comparison, engines

    with engines.opened(Path(folder), engine, master) as backend:
        return comparison.evaluate(backend, Path(labels) if labels else None)
