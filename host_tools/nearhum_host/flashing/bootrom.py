"""Find the boot ROM of an RP2 chip, which appears as a USB drive, and copy a UF2 file onto it.

Enters: a chip and the bytes of a UF2 file. Leaves: a chip that restarted with the new image.

The drive holds a file INFO_UF2.TXT. The ROM writes each block to flash as it arrives, and restarts
the chip after the last one (data sheets: RP2040 2.8.4, RP2350 5.5). The ROM cannot be overwritten,
so a board can always be flashed again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import string
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import DeviceError, UsageError
from .chips import CHIPS, Chip

INFO = "INFO_UF2.TXT"
FILE = "NEARHUM.UF2"
CHUNK_BYTES = 32 * 512  # Written between two calls of on_bytes: 32 blocks.
GONE_S = 20.0  # From the last block to the restart. A slow USB stack still writes meanwhile.
_AGAIN = "hold BOOTSEL, plug the board in, and repeat the command: its boot ROM cannot be lost"


def volumes() -> Iterator[Path]:
    """Yield the mounted volumes that may belong to a boot ROM."""
    if sys.platform == "win32":
        yield from (
            Path(f"{letter}:/")
            for letter in string.ascii_uppercase
            if Path(f"{letter}:/{INFO}").is_file()
        )
        return
    user = os.environ.get("USER", "*")
    for folder, pattern in (
        ("/Volumes", "*"), ("/media", "*"), ("/media", f"{user}/*"), ("/run/media", f"{user}/*"),
        ("/mnt", "*"),
    ):  # fmt: skip
        with contextlib.suppress(OSError):
            yield from sorted(Path(folder).glob(pattern))


def board_id(volume: Path) -> str | None:
    """Return the Board-ID that a volume states, or None if it is not a boot ROM."""
    try:
        text = (volume / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "Board-ID":
            return value.strip()
    return None


def check(volume: Path, chip: Chip) -> Path:
    """Return volume. Raises UsageError if it is not the boot ROM of this chip."""
    found = board_id(volume)
    if found is None:
        raise UsageError(
            f"{volume} is no boot ROM: it has no {INFO} with a Board-ID",
            f"the drive of a {chip.name} is {chip.volume_id}",
        )
    if found != chip.volume_id:
        other = next((one.name for one in CHIPS.values() if one.volume_id == found), "another chip")
        raise UsageError(
            f"{volume} is the boot ROM of {other} ({found}), not of {chip.name} ({chip.volume_id})",
            "name the right board with --board (`nearhum boards` lists them)",
        )
    return volume


def find(chip: Chip) -> Path | None:
    """Return the mounted volume of a chip's boot ROM, or None if there is none.

    Raises UsageError if there are several.
    """
    found = [volume for volume in dict.fromkeys(volumes()) if board_id(volume) == chip.volume_id]
    if len(found) > 1:
        raise UsageError(
            f"there are several boards in their boot ROM: {', '.join(map(str, found))}",
            "name one: --volume",
        )
    return found[0] if found else None


def wait_for(chip: Chip, seconds: float, named: Path | None = None) -> Path:
    """Wait for the volume of a chip's boot ROM and return it.

    seconds: time limit. named: the folder where it will be mounted, None to search for it.
    Raises DeviceError if it does not appear in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        volume = (
            named if named and board_id(named) == chip.volume_id else None if named else find(chip)
        )
        if volume:
            return volume
        time.sleep(0.1)
    where = (
        f"{named} did not become the drive {chip.volume_id}"
        if named
        else f"no drive {chip.volume_id} appeared"
    )
    hint = (
        f"mount it (on Linux /dev/disk/by-label/{chip.volume_id}) and name the folder with --volume"
    )
    raise DeviceError(f"the board went into its boot ROM, but {where} within {seconds:.0f} s", hint)


def copy(
    contents: bytes, volume: Path, on_bytes: Callable[[int, int], None] = lambda done, of: None
) -> None:
    """Copy a UF2 file onto a volume, and wait until the volume vanishes as the chip restarts.

    on_bytes: called with the bytes written and in all.
    Raises DeviceError if the copy fails or the chip does not restart.
    """
    done = 0
    try:
        with open(volume / FILE, "wb", buffering=0) as file:
            while done < len(contents):
                done += file.write(contents[done : done + CHUNK_BYTES])
                on_bytes(done, len(contents))
            _flush(file.fileno())
    except OSError as error:
        # The chip restarts after the last block, while the operating system still wants to write
        # the file system's table. This error is expected once all bytes are written.
        if done < len(contents):
            raise _not_copied(error, volume, done, len(contents)) from None
    end = time.monotonic() + GONE_S
    while board_id(volume) is not None:
        if time.monotonic() > end:
            raise DeviceError(
                f"{volume} took all {len(contents)} bytes, but the board did not restart within"
                f" {GONE_S:.0f} s",
                _AGAIN,
            )
        time.sleep(0.05)


def _flush(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        # EINVAL, ENOTSUP: this file system has no buffer to flush.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _not_copied(error: OSError, volume: Path, done: int, of: int) -> DeviceError:
    half = (
        "nothing was written"
        if not done
        else f"{done} of {of} bytes were sent: the board will not start with them"
    )
    if error.errno == errno.ENOSPC:
        return DeviceError(f"{volume} is full; {half}", f"remove what else is on it, or {_AGAIN}")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return DeviceError(
            f"{volume} cannot be written ({error.strerror}); {half}",
            "mount it for writing and repeat the command",
        )
    return DeviceError(
        f"{volume} went away while it was written ({error.strerror}); {half}", _AGAIN
    )
