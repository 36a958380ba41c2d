"""The boot ROM of the RP2 chips as a volume: found, told apart from other drives, and given a
UF2 file.

Data sheets: RP2040 2.8.4, RP2350 5.5. The ROM shows INFO_UF2.TXT; it writes each block to the flash
as it comes, and restarts the chip at the last one. It cannot be overwritten: whatever happens, the
board can be flashed again.
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
CHUNK_BYTES = 32 * 512
GONE_S = 20.0  # from the last block to the restart; a slow USB stack writes until then
_AGAIN = "hold BOOTSEL, plug the board in, and repeat the command: its boot ROM cannot be lost"


def volumes() -> Iterator[Path]:
    """Yield the mounted volumes that may be a boot ROM's."""
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
    """Return the Board-ID that a volume states, None where it is no boot ROM's."""
    try:
        text = (volume / INFO).read_text("ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "Board-ID":
            return value.strip()
    return None


def check(volume: Path, chip: Chip) -> Path:
    """Return the volume. Raises UsageError where it is no boot ROM's, or that of another chip."""
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
    """Return the one mounted volume of a chip's boot ROM, None where there is none.

    Raises UsageError for several.
    """
    found = [volume for volume in dict.fromkeys(volumes()) if board_id(volume) == chip.volume_id]
    if len(found) > 1:
        raise UsageError(
            f"there are several boards in their boot ROM: {', '.join(map(str, found))}",
            "name one: --volume",
        )
    return found[0] if found else None


def wait_for(chip: Chip, seconds: float, named: Path | None = None) -> Path:
    """Return the volume once it is there. Raises DeviceError."""
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
    """Give a volume a UF2 file and wait until it is gone: the chip has restarted with it.

    Raises DeviceError.
    """
    done = 0
    try:
        with open(volume / FILE, "wb", buffering=0) as file:
            while done < len(contents):
                done += file.write(contents[done : done + CHUNK_BYTES])
                on_bytes(done, len(contents))
            _flush(file.fileno())
    except OSError as error:
        # the chip restarts at the last block, while this machine's file system still has its own
        # table to write
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
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # what cannot be flushed has no buffer
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
            "mount it for writing, repeat the command",
        )
    return DeviceError(
        f"{volume} went away while it was written ({error.strerror}); {half}", _AGAIN
    )
