"""A virtual board: real MicroPython behind a serial line, with a NOR flash image, power and a
USB plug.

    with VirtualBoard("rp2040", image=Path("flash.bin")) as board:
        print(board.path)  # a PTY: connect mpremote, pyserial or nearhum to it

It imports on any host; where it cannot run, the first use of VirtualBoard says so.
"""

from typing import TYPE_CHECKING, Any

from .chips import CHIPS, interpreter_dir

if TYPE_CHECKING:
    from .board import VirtualBoard

__all__ = ["CHIPS", "VirtualBoard"]


def __getattr__(name: str) -> Any:
    if name == "VirtualBoard":
        interpreter_dir()  # before the import: board needs modules that only Linux has
        from .board import VirtualBoard

        return VirtualBoard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
