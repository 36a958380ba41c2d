"""Find a MicroPython image by name or path, download it once, and check it.

Enters: a board, and "stock", "ulab" or a path. Leaves: the path of a file that is whole and made
for the board's chip. pooch downloads images into the user's cache (extra "flash").
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..boards.application import cache_dir
from ..boards.board_checks import FIRMWARES
from ..boards.board_files import Board, Firmware
from ..errors import HostError, UsageError
from ..extras import needs
from . import esp_image, uf2
from .chips import CHIPS, ESPTOOL, UF2

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FirmwareFile:
    """A checked image.

    came_from: its address or path, to show. verified: whether its SHA-256 was known and matched.
    """

    path: Path
    came_from: str
    verified: bool


class _Bar:
    """The progress bar that pooch expects. It passes bytes so far and in all to a function."""

    def __init__(self, on_bytes: Progress) -> None:
        self.total = 0
        self._done = 0
        self._on_bytes = on_bytes

    def update(self, n: int) -> None:
        self._done += n
        self._on_bytes(self._done, self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def find(board: Board, wanted: str, on_bytes: Progress = lambda done, of: None) -> FirmwareFile:
    """Find the image for a board and check it.

    wanted: "stock", "ulab" or a path. on_bytes: called with the bytes downloaded and in all.
    Raises UsageError if there is no such image or it fails the check, HostError if the download
    fails.
    """
    if wanted not in FIRMWARES:
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise UsageError(
                f"there is no file {wanted}",
                f"--firmware takes a file, or {' or '.join(FIRMWARES)}",
            )
        check(board, path)
        return FirmwareFile(path, str(path), verified=False)
    firmware = of_board(board, wanted)
    path = _downloaded(firmware, on_bytes)
    try:
        if firmware.size_bytes not in (None, path.stat().st_size):
            raise UsageError(
                f"{path} has {path.stat().st_size} bytes, not {firmware.size_bytes}",
                "download it again",
            )
        check(board, path)
    except UsageError as error:
        path.unlink(missing_ok=True)  # Do not leave a bad file in the cache for the next run.
        raise UsageError(
            error.message, f"it came from {firmware.url}; repeat the command to download it anew"
        ) from None
    return FirmwareFile(path, firmware.url, verified=firmware.sha256 is not None)


def of_board(board: Board, name: str) -> Firmware:
    """Return a board file's entry for a named image. Raises UsageError if it has none."""
    if name not in board.firmware:
        raise UsageError(
            f"the board file of {board.name} names no {name} image",
            "give the path of a file with --firmware",
        )
    return board.firmware[name]


def cached(firmware: Firmware) -> Path:
    """Return the path of an image in the cache, whether or not it has been downloaded."""
    folder = "sum-" + firmware.sha256[:12] if firmware.sha256 else "no-sum"
    return cache_dir().with_name("firmware") / folder / firmware.url.rpartition("/")[2]


def _downloaded(firmware: Firmware, on_bytes: Progress) -> Path:
    path = cached(firmware)
    with needs("flash"):
        import pooch
        import requests
    pooch.get_logger().setLevel("ERROR")
    fetch = pooch.HTTPDownloader(progressbar=_Bar(on_bytes), timeout=30)  # type: ignore[arg-type]
    try:
        pooch.retrieve(
            firmware.url,
            known_hash=f"sha256:{firmware.sha256}" if firmware.sha256 else None,
            fname=path.name,
            path=path.parent,
            downloader=fetch,  # type: ignore[arg-type]
        )
    except ValueError as error:  # Wrong SHA-256. pooch has deleted the download.
        raise HostError(
            f"{firmware.url} is not the image that the board file means: its SHA-256 is another",
            "repeat the command; if it stays so, download it yourself and give --firmware FILE"
            f" ({error})",
        ) from None
    except (requests.RequestException, OSError) as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise HostError(
            f"cannot download {firmware.url}: {_reason(error)}",
            "is this machine on the net? or download it elsewhere and give its path with"
            " --firmware",
        ) from None
    return path


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}"
    return type(error).__name__ + (f": {error}" if len(str(error)) < 120 else "")


def check(board: Board, path: Path) -> None:
    """Raise UsageError unless the file is a whole image for the board's chip."""
    if board.flash.method == UF2:
        uf2.read(path, CHIPS[board.chip])
    elif board.flash.method == ESPTOOL:
        esp_image.read(path, board)
    else:
        raise UsageError(
            f"board {board.name} takes no firmware image", "start it with `nearhum virtual`"
        )
