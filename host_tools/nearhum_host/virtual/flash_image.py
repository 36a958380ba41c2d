"""Create, check and lock the file that is a virtual board's flash chip."""

import fcntl
import os
from pathlib import Path

from ..errors import HostError


def claim(image: Path, size: int, chip: str) -> int:
    """Lock the flash image of a chip. An absent file is created, erased.

    size: of the chip in bytes. chip: its name, for error messages.
    Returns a file descriptor. Closing it releases the lock. Raises HostError if the image cannot be
    opened, is in use by another virtual board, or has another size.
    """
    try:
        fd = os.open(image, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise HostError(
            f"cannot open the flash image {image}: {error.strerror}",
            hint="--image takes a file in a folder you may write to",
        ) from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostError(
                f"another virtual board is running on the flash image {image}",
                hint="stop it first, or give this one an image of its own with --image",
            ) from None
        found = os.fstat(fd).st_size
        if found == 0:
            _write_all(fd, b"\xff" * size)
        elif found != size:
            raise HostError(
                f"the flash image {image} has {found} bytes; the flash of a {chip} has {size}",
                hint="choose the --chip it was made with, or another --image",
            )
    except BaseException:
        os.close(fd)
        raise
    return fd


def _write_all(fd: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(fd, content[written:])
