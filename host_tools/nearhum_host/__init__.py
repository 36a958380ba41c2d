"""nearhum's host tools as a library: what the command `nearhum` does, as functions.

    import nearhum_host as nh

    with nh.VirtualBoard() as board, nh.connect(board.path) as link:
        nh.deploy(link, "virtual")
        link.ask("learn 400")           # the console's verbs: status, learn, enrol, list, get, set, trust, ...
        nh.pull(link, "pump.nhl")

The names in __all__ are what is kept stable. Each is imported when it is first used, so that importing this costs
nothing, and only what needs an extra asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import deploy, evaluate_fleet, run
    from .boards import Board
    from .boards import load as load_board
    from .errors import DeviceError, HostError, UsageError
    from .fleet.merging import merge
    from .learned import fetch as backup
    from .learned import give as restore
    from .link import Link, connect
    from .logs import read_log
    from .pulling import pull
    from .recordings import Recording
    from .recordings import to_nhr as convert
    from .report import report as draw_report
    from .traces import trace
    from .training import train
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
_FROM = {
    "Board": ("boards", "Board", ""),
    "DeviceError": ("errors", "DeviceError", ""),
    "HostError": ("errors", "HostError", ""),
    "Link": ("link", "Link", ""),
    "Recording": ("recordings", "Recording", "eval"),
    "UsageError": ("errors", "UsageError", ""),
    "VirtualBoard": ("virtual", "VirtualBoard", ""),
    "backup": ("learned", "fetch", ""),
    "connect": ("link", "connect", ""),
    "convert": ("recordings", "to_nhr", "eval"),
    "deploy": ("api", "deploy", ""),
    "draw_report": ("report", "report", "eval"),
    "evaluate_fleet": ("api", "evaluate_fleet", "fleet"),
    "load_board": ("boards", "load", ""),
    "merge": ("fleet.merging", "merge", "eval"),
    "pull": ("pulling", "pull", ""),
    "read_log": ("logs", "read_log", ""),
    "restore": ("learned", "give", ""),
    "run": ("api", "run", "eval"),
    "trace": ("traces", "trace", "eval"),
    "train": ("training", "train", "train"),
}


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .extras import needs

    module, there, extra = _FROM[name]
    with needs(extra or "eval"):
        found = getattr(import_module(f".{module}", __name__), there)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
