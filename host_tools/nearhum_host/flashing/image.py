"""Build one image for a board: MicroPython, the compiled application and the settings.

Enters: a firmware image and files (boards/application.py). Leaves: the bytes of a UF2 file, or of
an image for `esptool write-flash`. Each image is read back and compared before it is returned.
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
    """A built image.

    contents: bytes of the file. suffix: .uf2 or .bin. n_files: files on its file system.
    firmware_bytes: size of MicroPython in it.
    """

    contents: bytes
    suffix: str
    n_files: int
    firmware_bytes: int


def build(board: Board, firmware: Path, files: Mapping[str, bytes]) -> Image:
    """Build the image of a board.

    firmware: path of a MicroPython image. files: {path on the board: contents}.
    Raises UsageError if the firmware does not suit the board or overlaps the file system. Raises
    HostError if the files do not fit.
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
    """Return {path: contents} of the files in an image.

    Raises UsageError if it is not an image for this board, HostError if it has no file system.
    """
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
