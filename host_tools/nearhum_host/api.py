"""What is not one call below: the few compositions that commands make, for `import nearhum_host`.

Everything else that a command does is a function of the module that nearhum_host.__getattr__ names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .boards import Board
    from .deployment import Deployed
    from .fleet.evaluation import FleetFigures
    from .link import Link
    from .protocols.base import Run
    from .recordings import Recording


def deploy(
    link: Link, board: str | Board, settings: Mapping[str, Any] | None = None, prior: bytes | None = None
) -> Deployed:
    """Put the application on a board and start it, as `nearhum deploy` does.

    board: a board's name, a .toml file or a Board. settings: laid over those of its file. prior: a state image to start
    from. Raises UsageError, DeviceError.
    """
    from . import boards, deployment, learned
    from .application import application

    over = {**(settings or {}), **({"prior": learned.PRIOR.lstrip("/")} if prior else {})}
    files = application(boards.load(board) if isinstance(board, str) else board, over or None)
    if prior:
        files[learned.PRIOR] = prior
    done = deployment.deploy(link, files)
    if prior:
        learned.check_prior(link, prior)
    return done


def run(recording: Recording, settings: Mapping[str, Any], path: str = "fixed") -> Run:
    """Run the firmware over a recording on this machine, and return what it said of every window.

    settings: as in a board file: kind, rate_hz, n_channels and any other. The recording's cues are the console lines
    typed before its segments: `learn 400`, `enrol tap 3`; one that begins with ~ follows without a gap.
    Raises HostError where the firmware refuses a setting or a cue.
    """
    from .protocols.base import Session
    from .protocols.runner import interpreter, run_one

    return run_one(Session("run", dict(settings), recording), path, interpreter())


def evaluate_fleet(
    folder: str | Path, labels: str | Path | None = None, engine: str = "duckdb", master: str = "local[2]"
) -> FleetFigures:
    """Return what the tables in a folder say of a fleet, as `nearhum fleet evaluate` does."""
    from .fleet import engines, evaluation

    with engines.opened(Path(folder), engine, master) as backend:
        return evaluation.evaluate(backend, Path(labels) if labels else None)
