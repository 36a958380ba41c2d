"""A virtual board: MicroPython's unix port that behaves like a board on a serial port.

It has a NOR flash image, power, a reset button and a USB plug:

    with VirtualBoard("rp2040", image=Path("flash.bin")) as board:
        print(board.path)  # a PTY: connect mpremote, pyserial or nearhum to it

This package can be imported on any host. Where a virtual board cannot run, the first use of
VirtualBoard raises HostError.
"""

from typing import TYPE_CHECKING, Any

from .chips import CHIPS, interpreter_dir

if TYPE_CHECKING:
    from .board import VirtualBoard

__all__ = ["CHIPS", "VirtualBoard"]


def __getattr__(name: str) -> Any:
    if name == "VirtualBoard":
        interpreter_dir()  # Check the host first: `board` imports modules that only Linux has.
        from .board import VirtualBoard

        return VirtualBoard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
