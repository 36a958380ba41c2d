"""Build the LittleFS image of a board's file system, and read it back.

Enters: files and the flash geometry of the board file, as MicroPython mounts it
(extmod/vfs_lfsx.c and the ports' _boot.py). Leaves: an image. The same files give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

from ..boards.board_files import Flash
from ..errors import HostError

_READ_BYTES = 32  # As MicroPython reads. The content of the flash does not depend on it.


class _Watched(UserContext):
    """A flash in memory that remembers which blocks were read."""

    def __init__(self, image: bytes) -> None:
        super().__init__(buffer=bytearray(image))
        self.blocks_read: set[int] = set()

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        self.blocks_read.add(block)
        return super().read(cfg, block, off, size)


def file_system(files: Mapping[str, bytes], flash: Flash) -> bytes:
    """Build a LittleFS image that holds these files, {path: contents}.

    Raises HostError that names the first file that does not fit.
    """
    fs = LittleFS(
        block_size=flash.block_bytes,
        block_count=flash.fs_size_bytes // flash.block_bytes,
        prog_size=flash.prog_bytes,
    )
    for path, contents in sorted(files.items()):
        folder = path.rpartition("/")[0]
        if folder:
            fs.makedirs(folder, exist_ok=True)
        try:
            with fs.open(path, "wb") as file:
                file.write(contents)
        except LittleFSError as error:
            raise HostError(
                f"{path} does not fit on the board: {error}", "leave files out"
            ) from None
    return bytes(fs.context.buffer)


def read_back(image: bytes, flash: Flash) -> tuple[dict[str, bytes], dict[int, bytes]]:
    """Read an image as a board would.

    Returns ({path: contents}, {offset in the image: block}). The blocks are those that are read
    when the image is mounted and every file is read. An image needs no others. Erased blocks are
    among them: they must be written too, because old contents of the flash would be misread.

    Raises HostError if the image cannot be read.
    """
    watched, n = _Watched(image), flash.block_bytes
    try:
        fs = LittleFS(
            context=watched, block_size=n, block_count=len(image) // n, read_size=_READ_BYTES,
            prog_size=flash.prog_bytes, mount=False,
        )  # fmt: skip
        fs.mount()
        files = {}
        for folder, _, names in fs.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                with fs.open(path, "rb") as file:
                    files[path] = file.read()
    except LittleFSError as error:
        raise HostError(f"the image holds no file system: {error}", "make it again") from None
    return files, {
        block * n: image[block * n : (block + 1) * n] for block in sorted(watched.blocks_read)
    }
