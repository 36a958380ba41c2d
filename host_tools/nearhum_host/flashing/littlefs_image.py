"""The file system of a board as an image: made of files, and read back.

Geometry as MicroPython mounts it (extmod/vfs_lfsx.c and the ports' _boot.py): the board file says
it. The images are the same bytes for the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

from ..boards.board_files import Flash
from ..errors import HostError

_READ_BYTES = 32  # as MicroPython reads; what is on the flash does not depend on it


class _Watched(UserContext):
    """A flash that remembers which blocks were read."""

    def __init__(self, image: bytes) -> None:
        super().__init__(buffer=bytearray(image))
        self.blocks_read: set[int] = set()

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        self.blocks_read.add(block)
        return super().read(cfg, block, off, size)


def file_system(files: Mapping[str, bytes], flash: Flash) -> bytes:
    """Return the LittleFS image of a board's flash that holds these files.

    Raises HostError where they do not fit.
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
    """Return ({path: contents}, {offset in the image: block}) of what a board would find in an
    image.

    The blocks are those that mounting it and reading every file touch: all that matters of it,
    erased ones among them, whose old contents would matter if they stayed. Raises HostError where
    the image cannot be read.
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
