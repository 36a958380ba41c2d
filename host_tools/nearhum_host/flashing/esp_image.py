"""Read and check images of the ESP32 family, and combine firmware and file system into one image.

Enters: the bytes of an image, a board file, a file system. Leaves: a checked image.

A MicroPython image (ports/esp32/makeimg.py) is the content of the flash from the boot loader on:
boot loader, partition table at 0x8000, application. The formats are described in esp-idf,
app_image_format and partition tables. esptool reads and merges images. Needs the extra "flash".
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..boards.board_files import Board
from ..errors import UsageError
from ..extras import needs
from .chips import CHIPS, by_image_id

TABLE_ADDRESS, _TABLE_BYTES = 0x8000, 0xC00
_IMAGE_MAGIC, _ENTRY_MAGIC = 0xE9, 0x50AA
_ENTRY = struct.Struct("<HBBII16sI")
_APP, _DATA = 0, 1


@dataclass(frozen=True)
class EspImage:
    """A checked image.

    contents: the flash from `address` on. fs: offset and size of the file system in bytes. A size
    of None means: to the end of the flash.
    """

    contents: bytes
    address: int
    fs: tuple[int, int | None]


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Suppress esptool's output. Its results are return values and exceptions."""
    with (
        needs("flash"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


def read(path: Path, board: Board) -> EspImage:
    """Read the image in a file.

    Raises UsageError if it is unreadable, not an image, truncated, damaged, or for another chip.
    """
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return parse(contents, str(path), board)


def parse(contents: bytes, name: str, board: Board) -> EspImage:
    """Read the image in the bytes of a file. name: for error messages. Raises as read."""
    chip, address = CHIPS[board.chip], board.flash.image_offset_bytes
    again = "download it again, or give the .bin of this board from micropython.org/download"
    if contents[:1] != bytes([_IMAGE_MAGIC]) or len(contents) < 24:
        raise UsageError(
            f"{name} is not an image for {chip.name}: it does not begin with 0xE9", again
        )
    image_id = struct.unpack_from("<H", contents, 12)[0]
    if image_id != chip.image_id:
        raise UsageError(f"{name} is for {by_image_id(image_id)}, not for {chip.name}", again)
    _check_segments(contents, f"{name}: its boot loader", chip.name, again)
    partitions = _partitions(contents[TABLE_ADDRESS - address :][:_TABLE_BYTES])
    apps = [one for one in partitions if one[0] == _APP]
    if not apps:
        raise UsageError(
            f"{name} has no partition table with an application at 0x{TABLE_ADDRESS:X}", again
        )
    _, _, app_at, _ = apps[0]
    _check_segments(contents[app_at - address :], f"{name}: its application", chip.name, again)
    return EspImage(contents, address, _file_system(partitions))


def _partitions(table: bytes) -> list[tuple[int, str, int, int]]:
    """Return (type, label, offset, size) of each entry, offset and size in bytes."""
    out = []
    for at in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, _, offset, size, label, _ = _ENTRY.unpack_from(table, at)
        if magic != _ENTRY_MAGIC:
            break
        out.append((kind, label.rstrip(b"\0").decode(errors="replace"), offset, size))
    return out


def _file_system(partitions: list[tuple[int, str, int, int]]) -> tuple[int, int | None]:
    """Return the offset and size of MicroPython's file system.

    It is the partition `vfs`. Without one, it is the flash after all partitions (from 1.26 on).
    """
    for kind, label, offset, size in partitions:
        if kind == _DATA and label == "vfs":
            return offset, size
    return max(offset + size for _, _, offset, size in partitions), None


def _check_segments(image: bytes, name: str, chip: str, again: str) -> None:
    """Raise UsageError unless an image's segments, checksum and SHA-256 (if any) are right."""
    with silent():
        from esptool.bin_image import LoadFirmwareImage
        from esptool.util import FatalError

        try:
            loaded: Any = LoadFirmwareImage(chip, image)
        except (FatalError, struct.error, IndexError) as error:
            raise UsageError(f"{name} is cut or damaged ({_first_line(error)})", again) from None
    if loaded.checksum != loaded.calculate_checksum():
        raise UsageError(f"{name} is damaged: its checksum does not match", again)
    if loaded.append_digest and loaded.stored_digest != loaded.calc_digest:
        raise UsageError(f"{name} is damaged: its SHA-256 does not match", again)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def check_geometry(image: EspImage, name: str, board: Board) -> None:
    """Raise UsageError if the firmware's file system is not where the board file places it."""
    offset, size = image.fs
    flash = board.flash
    size = flash.size_bytes - offset if size is None else size
    if (offset, size) != (flash.fs_offset_bytes, flash.fs_size_bytes):
        raise UsageError(
            f"{name} has its file system at 0x{offset:X}, 0x{size:X} bytes; the board file says "
            f"0x{flash.fs_offset_bytes:X}, 0x{flash.fs_size_bytes:X}",
            "put what the image has into [flash] of a board file of your own, with size_bytes of"
            " the module's flash",
        )


def combined(image: EspImage, board: Board, fs: bytes) -> bytes:
    """Combine an image and a file system into one file for `esptool write-flash`.

    Returns the content of the flash from the image's address on. Raises UsageError if the two
    overlap.
    """
    fs_at = board.flash.fs_offset_bytes
    if image.address + len(image.contents) > fs_at:
        raise UsageError(
            f"the firmware reaches to 0x{image.address + len(image.contents):X} and the file system"
            f" begins at 0x{fs_at:X}",
            "give an image of MicroPython without a file system",
        )
    with silent():
        from esptool.cmds import merge_bin

        merged = merge_bin(
            [(image.address, image.contents), (fs_at, fs)],
            chip=board.chip,
            target_offset=image.address,
        )
    assert isinstance(merged, bytes)
    return merged
