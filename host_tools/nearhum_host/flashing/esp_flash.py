"""Write an image to the flash of a chip of the ESP32 family, with esptool as a library.

Enters: a port and a checked image. Leaves: a board that was reset. Needs the extra "flash".

The loader is in the chip's ROM, so a board can always be flashed again.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

import serial

from ..boards.board_files import Board
from ..errors import DeviceError, HostError, UsageError
from ..extras import needs
from .chips import CHIPS
from .esp_image import EspImage

FAST_BAUD = 460800
READ_S = 5.0  # Without a time limit esptool waits forever for a stub that never starts.
_AGAIN = (
    "repeat the command; if it cannot connect, hold BOOT, tap RESET (or plug the board in again),"
    " and repeat it"
)
# The current step, and what the flash holds if it fails.
_STAGES = {
    "connecting": "nothing was changed on the board",
    "preparing": "nothing was changed on the board",
    "writing": "the image on the board is incomplete and will not start",
    "verifying": "what is on the board is not what was sent",
    "restarting": "the image is whole and verified on the board",
}


class _Stage:
    name = "connecting"


def write(
    port: str,
    board: Board,
    image: EspImage,
    on_bytes: Callable[[int, int], None] = lambda done, of: None,
) -> str:
    """Write the image, verify its MD5 in the flash, and reset the board.

    on_bytes: called with the bytes written and in all.
    Returns the name that the chip reports. Raises UsageError for another chip or a flash of another
    size. Raises DeviceError, which states what the board holds now and what to do.
    """
    stage = _Stage()
    with needs("flash"), _logged(on_bytes, stage), _named_errors(port, stage):
        from esptool.cmds import (
            attach_flash,
            detect_chip,
            detect_flash_size,
            reset_chip,
            run_stub,
            write_flash,
        )

        with detect_chip(port) as loader:
            loader._port.timeout = READ_S
            found = loader.CHIP_NAME
            if found.lower().replace("-", "") != CHIPS[board.chip].name:
                reset_chip(loader, "hard-reset")
                raise UsageError(
                    f"the chip on {port} is an {found}; board {board.name} has an"
                    f" {CHIPS[board.chip].name}",
                    "name the right board with --board (`nearhum boards` lists them)",
                )
            stage.name = "preparing"
            loader = run_stub(loader)
            if "://" not in port:
                loader.change_baud(FAST_BAUD)
            attach_flash(loader)
            _check_size(detect_flash_size(loader), board, image)
            stage.name = "writing"
            write_flash(loader, [(image.address, image.contents)], no_progress=False)
            stage.name = "restarting"
            reset_chip(loader, "hard-reset")
    return found


def _check_size(found: str | None, board: Board, image: EspImage) -> None:
    """Raise UsageError if the module's flash does not have the size that the image was made for."""
    if not found or not found.endswith("MB"):
        raise DeviceError("the flash chip does not say its size", _AGAIN)
    n_bytes = int(found[:-2]) << 20
    end = image.address + len(image.contents)
    offset, size = image.fs
    least = max(end, offset + (size or 0))
    with_files = end > board.flash.fs_offset_bytes
    if n_bytes < least or (with_files and n_bytes != board.flash.size_bytes):
        raise UsageError(
            f"the module has {found} of flash, and the image is for "
            f"{max(least, board.flash.size_bytes if with_files else 0) >> 20} MB",
            "a board file of your own with size_bytes and fs_size_bytes of the module makes the"
            " right one",
        )


@contextlib.contextmanager
def _logged(on_bytes: Callable[[int, int], None], stage: _Stage) -> Iterator[None]:
    """Pass esptool's progress to on_bytes, and follow the stage by the text that it prints."""
    from esp_pylib.logger import EspLog
    from esptool.logger import EsptoolLogger, TemplateLogger

    class Logger(TemplateLogger):
        def print(self, *args: Any, **kwargs: Any) -> None:
            if args and str(args[0]).startswith("Verifying"):
                stage.name = "verifying"

        def note(self, message: str) -> None:
            pass

        def warning(self, message: str) -> None:
            pass

        def error(self, message: str) -> None:
            pass

        def stage(self, finish: bool = False) -> None:
            pass

        def progress_bar(self, cur_iter: int, total_iters: int, *_: Any, **__: Any) -> None:
            on_bytes(cur_iter, total_iters)

        def set_verbosity(self, verbosity: str) -> None:
            pass

    before = EspLog.instance  # esptool has one logger for the process: restore it afterwards.
    logger: Any = EsptoolLogger()
    logger.set_logger(Logger())
    try:
        yield
    finally:
        EspLog.instance = before


@contextlib.contextmanager
def _named_errors(port: str, stage: _Stage) -> Iterator[None]:
    from esptool.util import FatalError

    try:
        yield
    except HostError:
        raise
    except (
        FatalError,
        serial.SerialException,
        OSError,
        struct.error,
        IndexError,
        TypeError,
        ValueError,
    ) as error:
        # esptool raises the last four when it parses an answer that lost bytes on the line.
        why = (
            (str(error).strip().splitlines() or [type(error).__name__])[0]
            .split(". ")[0]
            .rstrip(".")
        )
        raise DeviceError(
            f"{port}: {why}, while {stage.name}; {_STAGES[stage.name]}", _AGAIN
        ) from None
