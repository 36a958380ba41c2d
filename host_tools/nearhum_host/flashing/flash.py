"""Brings MicroPython onto a board, and then the application: from nothing to a board that watches.

1. the image is found and checked (firmware_files): nothing is touched before;
2. the board is found: a boot ROM's volume, or a port by the USB ids of the board file;
3. the image goes into the flash (bootrom, esp_flash): files that are on the board stay, unless it
   brings its own;
4. MicroPython answers; the application is deployed, and the board's own arithmetic is asked for.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..boards.board_files import Board
from ..errors import DeviceError, HostError, UsageError
from ..serial_line.link import Link
from . import bootrom, esp_flash, esp_image, uf2
from .chips import CHIPS, UF2
from .firmware_files import FirmwareFile

Progress = Callable[[str, int, int], None]
VOLUME_S = 20.0  # from leaving MicroPython to a mounted volume
BOOT_S = 30.0  # from the restart to MicroPython's prompt: the file system may have to be made first


@dataclass(frozen=True)
class Place:
    """Where a board is: port of its MicroPython or loader, volume of its boot ROM; None where
    it is not seen.
    """

    port: str | None = None
    volume: Path | None = None


def find(board: Board, port: str | None, volume: Path | None) -> Place:
    """Return where the board is.

    port, volume: as the user named them. Raises UsageError, DeviceError.
    """
    chip = CHIPS[board.chip]
    if board.flash.method == UF2:
        if volume:
            return Place(
                port,
                (
                    volume
                    if port and bootrom.board_id(volume) is None
                    else bootrom.check(volume, chip)
                ),
            )
        found = None if port else bootrom.find(chip)
        if found:
            return Place(None, found)
    elif volume:
        raise UsageError(
            f"--volume {volume}: an {chip.name} has none", "name its serial port with --port"
        )
    return Place(port or _only_port(board))


def _only_port(board: Board) -> str:
    found = ports_of(board)
    if len(found) == 1:
        return found[0]
    chip = CHIPS[board.chip]
    if found:
        raise UsageError(
            f"there are several boards that may be it: {', '.join(found)}", "name one with --port"
        )
    ids = ", ".join(f"{vid:04x}:{pid:04x}" for vid, pid in board.usb_ids)
    if board.flash.method == UF2:
        hint = "hold BOOTSEL while you plug it in; a mounted drive elsewhere: --volume FOLDER"
        raise DeviceError(
            f"there is no drive {chip.volume_id}, and no port with USB id {ids}", hint
        )
    raise DeviceError(
        f"there is no port with USB id {ids}", "plug the board in, or name its port with --port"
    )


def ports_of(board: Board) -> list[str]:
    """Return the serial ports whose USB id the board file names."""
    from serial.tools import list_ports

    return [
        port.device
        for port in sorted(list_ports.comports())
        if (port.vid, port.pid) in board.usb_ids
    ]


def write(board: Board, firmware: FirmwareFile, place: Place, on_bytes: Progress) -> str:
    """Put the image into the flash of the board and restart it; return what it was put into.

    Raises HostError.
    """
    if board.flash.method != UF2:
        assert place.port
        image = esp_image.read(firmware.path, board)
        if image.address + len(image.contents) > board.flash.fs_offset_bytes:
            esp_image.check_geometry(image, str(firmware.path), board)
        return esp_flash.write(
            place.port, board, image, lambda done, of: on_bytes("flashing", done, of)
        )
    chip = CHIPS[board.chip]
    contents = uf2.read(firmware.path, chip).packed()
    volume = place.volume
    if volume is None or bootrom.board_id(volume) is None:
        assert place.port
        with Link(place.port) as link:
            link.enter_bootloader()
        volume = bootrom.wait_for(chip, VOLUME_S, volume)
    bootrom.copy(contents, volume, lambda done, of: on_bytes("flashing", done, of))
    return f"boot ROM {volume}"


def await_micropython(board: Board, port: str | None) -> str:
    """Return the port on which MicroPython answers, once it does. Raises DeviceError."""
    end = time.monotonic() + BOOT_S
    last: HostError = DeviceError("no port appeared", "plug it out and in, then `nearhum deploy`")
    while time.monotonic() < end:
        candidates = [port] if port else ports_of(board)
        for candidate in candidates:
            with contextlib.suppress(HostError):
                try:
                    with Link(candidate) as link:
                        link.stop()
                except HostError as error:
                    last = error
                    raise
                return candidate
        time.sleep(0.2)
    raise DeviceError(
        f"the image is on the board, but MicroPython does not answer within {BOOT_S:.0f} s:"
        f" {last.message}",
        f"press its reset; then `nearhum deploy --board {board.name}` goes on; or flash another"
        " image (--firmware)",
    )


def plan(board: Board, wanted: str, place: Place | None) -> list[str]:
    """Return what a flash would do, a sentence a step.

    place: None where the board was not found.
    """
    from . import firmware_files

    steps = []
    if wanted in board.firmware:
        image = board.firmware[wanted]
        cached = firmware_files.cached(image)
        known = [f"{image.size_bytes} bytes"] if image.size_bytes else []
        known += [f"SHA-256 {image.sha256}" if image.sha256 else "no SHA-256 known"]
        verb = "take from the cache" if cached.is_file() else "download"
        steps.append(
            f"{verb} MicroPython {image.version}, {wanted}: {image.url} ({', '.join(known)})"
        )
    else:
        steps.append(f"take MicroPython from {wanted}")
    steps.append(f"check that it is whole and for {board.chip}")
    chip = CHIPS[board.chip]
    if place is None:
        steps.append("find the board (it is not there now)")
    if board.flash.method == UF2:
        if place and place.port and not (place.volume and bootrom.board_id(place.volume)):
            steps.append(f"bring the board on {place.port} into its boot ROM")
        steps.append(
            "copy it onto"
            f" {place.volume if place and place.volume else 'the drive ' + chip.volume_id}"
        )
    else:
        where = place.port if place else "its port"
        steps.append(
            f"write it to 0x{board.flash.image_offset_bytes:X} of the {chip.name} on {where},"
            " compare its MD5"
        )
    steps.append(
        f"wait for MicroPython, deploy the application for {board.mpy_arch}, ask the board for its"
        " self-test"
    )
    return steps


def summary(done: Any, found: dict[str, Any] | None) -> dict[str, Any]:
    """Return what deploy and self-test came to, for --json."""
    out = {
        "copied": len(done.copied),
        "unchanged": len(done.unchanged),
        "n_bytes": done.n_bytes,
        "kept": done.kept,
        "start": done.start,
    }
    return {
        **out,
        "selftest": found["ok"] if found else None,
        "first": found["first"] if found else None,
    }
