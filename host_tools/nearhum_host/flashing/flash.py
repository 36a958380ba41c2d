"""Flash MicroPython onto a board. `nearhum flash` calls these functions in order.

Enters: a board file, an image, and where the board is connected. Leaves: a board on which
MicroPython answers. The steps of the command:

1. Find and check the image (firmware_files), before anything on the board is changed.
2. Find the board: the drive of a boot ROM, or a port by the USB ids of the board file.
3. Write the image to flash (bootrom, esp_flash). Files on the board are kept, unless the image
   brings a file system of its own.
4. Wait for MicroPython, deploy the application, and run the board's self-test.
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
VOLUME_S = 20.0  # From leaving MicroPython to a mounted volume.
BOOT_S = 30.0  # From restart to MicroPython's prompt. A first start formats the file system.


@dataclass(frozen=True)
class Place:
    """Where a board is connected.

    port: of MicroPython or of the ROM loader. volume: of the boot ROM. None: not present.
    """

    port: str | None = None
    volume: Path | None = None


def find(board: Board, port: str | None, volume: Path | None) -> Place:
    """Find where the board is connected.

    port, volume: as the user named them, None to search.
    Raises UsageError if several boards are possible or the volume is not this board's. Raises
    DeviceError if there is none.
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
        raise UsageError(f"several boards match: {', '.join(found)}", "name one with --port")
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
    """Return the serial ports whose USB ids are in the board file."""
    from serial.tools import list_ports

    return [
        port.device
        for port in sorted(list_ports.comports())
        if (port.vid, port.pid) in board.usb_ids
    ]


def write(board: Board, firmware: FirmwareFile, place: Place, on_bytes: Progress) -> str:
    """Write the image to the board's flash and restart the board.

    on_bytes: called with the step's name, the bytes done and in all.
    Returns the name of the chip or drive that was written. Raises HostError.
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
    """Wait until MicroPython answers, and return its port.

    port: None to try every port with the board's USB ids. Raises DeviceError after BOOT_S.
    """
    end = time.monotonic() + BOOT_S
    last: HostError = DeviceError(
        "no port appeared", "unplug the board and plug it in again, then `nearhum deploy`"
    )
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
    """Return the steps that flashing would take, one sentence each.

    wanted: "stock", "ulab" or a path. place: None if the board was not found.
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
    """Return the results of deployment and self-test, for --json.

    done: a deployment.Deployed. found: the self-test's answer, None if it did not run.
    """
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
