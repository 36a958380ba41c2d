"""One file that is a board: MicroPython, the compiled application and the board's settings.

Enters: a checked firmware image and the files (see `application`). Leaves: the bytes of a UF2 file,
or of an image for `esptool write-flash`. What was made is taken apart again before it is given
away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..boards.board_files import Board
from ..errors import HostError, UsageError
from . import esp_image, uf2
from .chips import CHIPS, ESPTOOL, UF2, XIP_ADDRESS
from .littlefs_image import file_system, read_back


@dataclass(frozen=True)
class Image:
    """contents: of the file. suffix: of its name. n_files: on its file system. firmware_bytes:
    of MicroPython in it.
    """

    contents: bytes
    suffix: str
    n_files: int
    firmware_bytes: int


def build(board: Board, firmware: Path, files: Mapping[str, bytes]) -> Image:
    """Return the image of a board with a firmware and files by path.

    Raises UsageError, HostError.
    """
    fs = file_system(files, board.flash)
    found, blocks = read_back(fs, board.flash)
    if found != dict(files):
        raise HostError(
            "the file system does not read back as it was written", "report this: it is a defect"
        )
    at = board.flash.fs_offset_bytes
    if board.flash.method == UF2:
        chip = CHIPS[board.chip]
        stock = uf2.read(firmware, chip)
        made = uf2.combined(stock, {at + offset: block for offset, block in blocks.items()})
        contents = made.packed()
        check(contents, board, files)
        return Image(contents, ".uf2", len(files), stock.end - XIP_ADDRESS)
    if board.flash.method == ESPTOOL:
        image = esp_image.read(firmware, board)
        esp_image.check_geometry(image, str(firmware), board)
        contents = esp_image.combined(image, board, fs)
        check(contents, board, files)
        return Image(contents, ".bin", len(files), len(image.contents))
    raise UsageError(f"board {board.name} takes no image", "start it with `nearhum virtual`")


def files_in(contents: bytes, board: Board) -> dict[str, bytes]:
    """Return the files on the file system of an image for a board. Raises UsageError, HostError."""
    flash = board.flash
    if flash.method == UF2:
        pages = uf2.parse(contents, "the image", CHIPS[board.chip]).pages
        fs = bytearray(b"\xff" * flash.fs_size_bytes)
        for address, page in pages.items():
            offset = address - XIP_ADDRESS - flash.fs_offset_bytes
            if 0 <= offset < len(fs):
                fs[offset : offset + len(page)] = page
    else:
        image = esp_image.parse(contents, "the image", board)
        start = flash.fs_offset_bytes - image.address
        fs = image.contents[start : start + flash.fs_size_bytes]
    return read_back(bytes(fs), flash)[0]


def check(contents: bytes, board: Board, files: Mapping[str, bytes]) -> None:
    """Raise HostError unless an image holds exactly these files."""
    if files_in(contents, board) != dict(files):
        raise HostError(
            "the image does not read back as it was made", "report this: it is a defect"
        )
