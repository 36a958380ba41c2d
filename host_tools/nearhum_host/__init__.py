"""nearhum's host tools as a library: what the command `nearhum` does, as functions.

    import nearhum_host as nh

    with nh.VirtualBoard() as board, nh.connect(board.path) as link:
        nh.deploy(link, "virtual")
        link.ask("learn 400")           # the console's verbs: status, learn, enrol, list, get, set,
                                        # trust, ...
        nh.pull(link, "pump.nhl")

The names in __all__ are what is kept stable. Each is imported when it is first used, so that
importing this costs nothing, and only what needs an extra asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import deploy, evaluate_fleet, run
    from .boards.board_files import Board
    from .boards.board_files import load as load_board
    from .boards.state_image import fetch as backup
    from .boards.state_image import give as restore
    from .errors import DeviceError, HostError, UsageError
    from .fleet.merging import merge
    from .heads.training import train
    from .logs.log_file import read_log
    from .logs.pulling import pull
    from .logs.traces import trace
    from .recordings.converting import to_nhr as convert
    from .recordings.nhr import Recording
    from .report.page import report as draw_report
    from .serial_line.link import Link, connect
    from .virtual import VirtualBoard

__all__ = [
    "Board",
    "DeviceError",
    "HostError",
    "Link",
    "Recording",
    "UsageError",
    "VirtualBoard",
    "backup",
    "connect",
    "convert",
    "deploy",
    "draw_report",
    "evaluate_fleet",
    "load_board",
    "merge",
    "pull",
    "read_log",
    "restore",
    "run",
    "trace",
    "train",
]

# name: (module, its name there, the extra it needs)
FROM = {
    "Board": ("boards.board_files", "Board", ""),
    "DeviceError": ("errors", "DeviceError", ""),
    "HostError": ("errors", "HostError", ""),
    "Link": ("serial_line.link", "Link", ""),
    "Recording": ("recordings.nhr", "Recording", "eval"),
    "UsageError": ("errors", "UsageError", ""),
    "VirtualBoard": ("virtual", "VirtualBoard", ""),
    "backup": ("boards.state_image", "fetch", ""),
    "connect": ("serial_line.link", "connect", ""),
    "convert": ("recordings.converting", "to_nhr", "eval"),
    "deploy": ("api", "deploy", ""),
    "draw_report": ("report.page", "report", "eval"),
    "evaluate_fleet": ("api", "evaluate_fleet", "fleet"),
    "load_board": ("boards.board_files", "load", ""),
    "merge": ("fleet.merging", "merge", "eval"),
    "pull": ("logs.pulling", "pull", ""),
    "read_log": ("logs.log_file", "read_log", ""),
    "restore": ("boards.state_image", "give", ""),
    "run": ("api", "run", "eval"),
    "trace": ("logs.traces", "trace", "eval"),
    "train": ("heads.training", "train", "train"),
}


def __getattr__(name: str) -> Any:
    if name not in FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .extras import needs

    module, there, extra = FROM[name]
    with needs(extra or "eval"):
        found = getattr(import_module(f".{module}", __name__), there)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
