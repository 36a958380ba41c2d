"""The file that is the flash chip: made when absent, of the right size, used by one board at a
time.
"""

import fcntl
import os
from pathlib import Path

from ..errors import HostError


def claim(image: Path, size: int, chip: str) -> int:
    """Return an fd that holds the lock on image, a chip of size bytes; the lock goes with the fd.

    Raises HostError: not to be opened, in use by another virtual board, of another size.
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
