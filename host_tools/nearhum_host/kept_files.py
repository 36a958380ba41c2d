"""Files that nearhum keeps on this machine: written completely or not at all, by one program at a
time.

Enters: a path and its contents. Leaves: the file. A power cut during `replace` leaves the old file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

from .errors import HostError


def replace(file: Path, contents: bytes, hint: str = "make room or choose another place") -> None:
    """Write a file completely or not at all. A file that is there already is replaced.

    The new contents are written beside the file, flushed to disk, and renamed.

    hint: what the user can do if it cannot be written. Raises HostError.
    """
    half = file.with_name(file.name + ".new")
    try:
        with half.open("wb") as out:
            out.write(contents)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise HostError(f"cannot write {file}: {error.strerror}", hint) from None


def lock(opened: IO[Any], message: str, hint: str) -> None:
    """Lock an open file for this program alone, until the file is closed.

    message, hint: of the HostError that is raised if another program has the lock. Windows has no
    such lock: there only the lock of the serial port keeps two programs apart.
    """
    if os.name != "posix":
        return
    import fcntl

    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise HostError(message, hint) from None
