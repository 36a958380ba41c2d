"""Firmware images without code, in the form of real ones. The flashing tools see no difference.

An ESP image has boot loader, partition table and application (esp-idf, app_image_format;
ports/esp32/makeimg.py). A UF2 file is as picotool writes it. For the RP2350 it has the block that
its erratum E10 requires.
"""

import hashlib
import random
import struct

from nearhum_host.boards.board_files import Board
from nearhum_host.flashing import uf2
from nearhum_host.flashing.chips import CHIPS, UF2

APP_AT, APP_SIZE = 0x10000, 0x1F0000
IRAM = 0x40080000


def noise(n_bytes: int, seed: int = 1) -> bytes:
    """Return bytes that cannot be compressed, the same ones each time."""
    return random.Random(seed).randbytes(n_bytes)


def esp_app(chip: str, payload: bytes) -> bytes:
    """Return one ESP image with one segment."""
    payload = payload.ljust(-(-len(payload) // 4) * 4, b"\0")
    head = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, IRAM)  # DIO, 4 MB at 40 MHz
    head += struct.pack("<BBBBHBHH4xB", 0xEE, 0, 0, 0, CHIPS[chip].image_id, 0, 0, 0xFFFF, 1)
    out = head + struct.pack("<II", IRAM, len(payload)) + payload
    checksum = 0xEF
    for byte in payload:
        checksum ^= byte
    out += bytes(15 - len(out) % 16) + bytes([checksum])
    return out + hashlib.sha256(out).digest()


def partition(kind: int, subtype: int, offset: int, size: int, label: str) -> bytes:
    return struct.pack("<HBBII16sI", 0x50AA, kind, subtype, offset, size, label.encode(), 0)


def partition_table(vfs: tuple[int, int] | None = None) -> bytes:
    """Return the table of MicroPython 1.28 for 4 MB and more.

    With vfs, the partition of the file system, it is a table of an older version.
    """
    table = partition(1, 2, 0x9000, 0x6000, "nvs") + partition(1, 1, 0xF000, 0x1000, "phy_init")
    table += partition(0, 0, APP_AT, APP_SIZE, "factory")
    if vfs:
        table += partition(1, 0x81, *vfs, "vfs")
    table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
    return table.ljust(0xC00, b"\xff")


def esp(board: Board, n_bytes: int = 20000, vfs: tuple[int, int] | None = None) -> bytes:
    """Return a whole image for a board, with an application of n_bytes."""
    at = board.flash.image_offset_bytes
    out = esp_app(board.chip, noise(3000, 2))
    out = out.ljust(0x8000 - at, b"\xff") + partition_table(vfs)
    return out.ljust(APP_AT - at, b"\xff") + esp_app(board.chip, noise(n_bytes))


def rp2(board: Board, n_bytes: int = 20000) -> bytes:
    """Return a whole UF2 file for a board."""
    chip = CHIPS[board.chip]
    image = uf2.of_flash(chip.family, noise(n_bytes))
    return (e10_block() if board.chip == "rp2350" else b"") + image.packed()


def e10_block() -> bytes:
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0xA000, 0x10FFFF00, 256, 0, 2, 0xE48BFF57)
    rest = b"\xef" * 256 + struct.pack("<I", 0x9957E304)
    return (head + rest).ljust(508, b"\0") + struct.pack("<I", 0x0AB16F30)


def image(board: Board, n_bytes: int = 20000) -> bytes:
    """Return the file for flashing a board of its kind."""
    return rp2(board, n_bytes) if CHIPS[board.chip].method == UF2 else esp(board, n_bytes)
