"""Read, check, write and combine UF2 files for the RP2 chips.

Enters: the bytes of a UF2 file, blocks of a file system. Leaves: pages of flash, a UF2 file.

The format is described in github.com/microsoft/uf2, and how the boot ROMs use it in the RP2040 data
sheet, 2.8.4.2, and the RP2350 data sheet, 5.5.2. A block of 512 bytes carries 256 bytes of flash.
Firmware for the RP2350 begins with one block of another family, which works around the chip's
erratum E10 (picotool, elf2uf2.cpp). It is kept unchanged and is not counted with the others.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .chips import XIP_ADDRESS, Chip, by_family

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256
SECTOR_BYTES = 4096  # The boot ROM erases a whole sector at its first block: fill all of it.
_MAGICS, _LAST_MAGIC = (0x0A324655, 0x9E5D5157), 0x0AB16F30
_NOT_FLASH, _HAS_FAMILY = 0x0001, 0x2000
_ABSOLUTE = 0xE48BFF57
_HEADER = struct.Struct("<8I")


@dataclass(frozen=True)
class Uf2:
    """The content of a UF2 file.

    family: of the chip. pages: {address: PAYLOAD_BYTES bytes of flash}. prelude: unchanged blocks
    of another family that precede the others.
    """

    family: int
    pages: dict[int, bytes]
    prelude: bytes = b""

    @property
    def end(self) -> int:
        """The address after the last page."""
        return max(self.pages) + PAYLOAD_BYTES

    def packed(self) -> bytes:
        """Return the bytes of the file, with blocks numbered in the order of their addresses."""
        out = bytearray(self.prelude)
        for number, address in enumerate(sorted(self.pages)):
            head = _HEADER.pack(
                *_MAGICS, _HAS_FAMILY, address, PAYLOAD_BYTES, number, len(self.pages), self.family
            )
            out += (head + self.pages[address]).ljust(BLOCK_BYTES - 4, b"\0") + struct.pack(
                "<I", _LAST_MAGIC
            )
        return bytes(out)


def read(path: Path, chip: Chip) -> Uf2:
    """Read the image in a file.

    Raises UsageError if it is unreadable, not UF2, truncated, damaged, or for another chip.
    """
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return parse(contents, str(path), chip)


def parse(contents: bytes, name: str, chip: Chip) -> Uf2:
    """Read the image in the bytes of a file. name: for error messages. Raises as read."""
    again = "download it again"
    if len(contents) < BLOCK_BYTES or struct.unpack_from("<II", contents) != _MAGICS:
        raise UsageError(f"{name} is not a UF2 image", f"{chip.name} takes a .uf2 file")
    n_bytes = len(contents)
    if n_bytes % BLOCK_BYTES:
        raise UsageError(
            f"{name} is cut: {n_bytes} bytes are not a whole number of blocks of {BLOCK_BYTES}",
            again,
        )
    families, pages, numbers = set(), {}, set()
    n_blocks, prelude = 0, b""
    for at in range(0, n_bytes, BLOCK_BYTES):
        first, second, flags, address, n, number, of, family = _HEADER.unpack_from(contents, at)
        last = struct.unpack_from("<I", contents, at + BLOCK_BYTES - 4)[0]
        if (first, second, last) != (*_MAGICS, _LAST_MAGIC):
            raise UsageError(f"{name} is damaged: block {at // BLOCK_BYTES} is none", again)
        if not flags & _HAS_FAMILY:
            raise UsageError(
                f"{name} does not say which chip it is for", f"{chip.name} takes no such file"
            )
        if flags & _NOT_FLASH:
            continue
        if family == _ABSOLUTE and not pages:
            prelude += contents[at : at + BLOCK_BYTES]
            continue
        families.add(family)
        if n != PAYLOAD_BYTES or address % PAYLOAD_BYTES or (n_blocks and of != n_blocks):
            raise UsageError(
                f"{name} is damaged: block {at // BLOCK_BYTES} does not fit the others", again
            )
        n_blocks = of
        numbers.add(number)
        pages[address] = contents[at + _HEADER.size : at + _HEADER.size + n]
    if families and families != {chip.family}:
        other = by_family(min(families - {chip.family}))
        raise UsageError(
            f"{name} is for {other}, not for {chip.name}", "is it the image of another board?"
        )
    if not pages or numbers != set(range(n_blocks)) or len(pages) != n_blocks:
        raise UsageError(f"{name} is cut: {len(numbers)} of {n_blocks} blocks", again)
    return Uf2(chip.family, pages, prelude)


def combined(firmware: Uf2, blocks: Mapping[int, bytes]) -> Uf2:
    """Combine a firmware with further blocks of flash into one image.

    blocks: {offset in the flash: bytes}, whole sectors each.
    In the result, every sector that is touched is complete: missing pages are erased ones. Raises
    UsageError if firmware and blocks overlap.
    """
    pages = dict(firmware.pages)
    for offset in blocks:
        if XIP_ADDRESS + offset < firmware.end:
            raise UsageError(
                f"the firmware reaches to 0x{firmware.end - XIP_ADDRESS:X} and the file system"
                f" begins at 0x{offset:X} at the latest",
                "is it the image of another board? flash.fs_offset_bytes in the board file says"
                " where it begins",
            )
    for offset, block in blocks.items():
        for at in range(0, len(block), PAYLOAD_BYTES):
            pages[XIP_ADDRESS + offset + at] = block[at : at + PAYLOAD_BYTES]
    return Uf2(firmware.family, whole_sectors(pages), firmware.prelude)


def whole_sectors(pages: Mapping[int, bytes]) -> dict[int, bytes]:
    """Add erased pages (0xFF), so that no sector is written only in part."""
    out = dict(pages)
    for sector in {address // SECTOR_BYTES * SECTOR_BYTES for address in pages}:
        for address in range(sector, sector + SECTOR_BYTES, PAYLOAD_BYTES):
            out.setdefault(address, b"\xff" * PAYLOAD_BYTES)
    return out


def of_flash(family: int, contents: bytes, address: int = XIP_ADDRESS) -> Uf2:
    """Return an image that places contents at an address of the flash."""
    padded = contents.ljust(-(-len(contents) // PAYLOAD_BYTES) * PAYLOAD_BYTES, b"\xff")
    pages = {
        address + at: padded[at : at + PAYLOAD_BYTES] for at in range(0, len(padded), PAYLOAD_BYTES)
    }
    return Uf2(family, pages)
