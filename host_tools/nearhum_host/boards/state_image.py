"""What a board has learned, as an image: fetched, kept in a file, given back.

Enters and leaves: the bytes of a state image (`wire`: envelope, body, CRC). The board is not
stopped to fetch one. To give one back it is: the image takes the place of both slots, and the board
is asked afterwards whether it holds it.
"""

from __future__ import annotations

import contextlib
import time
from binascii import Error as Base64Error
from binascii import a2b_base64
from pathlib import Path

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import signing

from .. import kept_files
from ..errors import DeviceError, HostError, UsageError
from ..serial_line.link import Link
from ..serial_line.visible_text import as_name

SUFFIX = ".nhs"
PRIOR = "/nearhum/prior.nhs"  # among the application's files: a deploy without one takes it away
SLOTS = ("/hum/state.a", "/hum/state.b")
REACHED = "/hum/log/reached"  # how far states had come, by which a board knows an older one
_MAX_BYTES = 1 << 20  # more than any board holds: a size beyond it is a wrong answer
# bytes in an answer but the last: a board that sends a byte at a time would be asked for ever
_LEAST_CHUNK = 64
_TRIES = 3  # the board may learn between two chunks: then the image is another one


def fetch(link: Link) -> bytes:
    """Return the board's state, verified.

    Raises DeviceError when three attempts give no sound one.
    """
    why = ""
    for _ in range(_TRIES):
        try:
            return _fetch_once(link)
        except (Base64Error, KeyError, TypeError, ValueError) as error:
            why = str(error)
        except FormatError as error:
            why = error.message
    raise DeviceError(
        f"the board's state did not arrive whole: {why}",
        hint="repeat it; is the board learning? wait",
    )


def _fetch_once(link: Link) -> bytes:
    image = bytearray()
    first = link.ask("get state 0")
    chunk = first
    while True:
        got = a2b_base64(chunk["b64"])
        if (chunk["size"], chunk["crc"], chunk["offset"]) != (
            first["size"],
            first["crc"],
            len(image),
        ):
            raise ValueError("it changed meanwhile")
        image += got
        if len(image) >= first["size"]:
            break
        if len(got) < _LEAST_CHUNK or first["size"] > _MAX_BYTES:
            raise ValueError(f"{len(image)} of {first['size']} bytes")
        chunk = link.ask(f"get state {len(image)}")
    if len(image) != first["size"]:
        raise ValueError(f"{len(image)} of {first['size']} bytes")
    opened(bytes(image), "the board's state")
    return bytes(image)


def opened(image: bytes, what: str) -> tuple[int, int, memoryview]:
    """Return (fingerprint, sequence, body) of a state, signed or not. Raises FormatError."""
    return wire.unseal(wire.STATE_MAGIC, signing.unsigned(image), what)


def load(file: Path) -> bytes:
    """Return the image in a backup.

    Raises UsageError when there is none, FormatError when it is damaged.
    """
    try:
        image = file.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"there is no backup {file}", hint="`nearhum backup` makes one") from None
    except OSError as error:
        raise HostError(f"cannot read {file}: {error.strerror}") from None
    opened(image, str(file))
    return image


def save(file: Path, image: bytes) -> None:
    """Write a backup, whole or not at all. Raises UsageError rather than replace a file."""
    if file.exists():
        raise UsageError(f"{file} exists", hint="choose another name")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(
            f"cannot write {file}: {error.strerror}", hint="choose another place"
        ) from None
    kept_files.replace(file, image)


def dated_name(stem: str) -> Path:
    """Return a file name, in the present folder, with the local date and time in it; stem: what
    a board says even.
    """
    return Path(f"{as_name(stem)}-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")


def check_fits(image: bytes, before: bytes) -> None:
    """Raise DeviceError unless an image was learned with the features that the board's own
    state has.
    """
    if opened(image, "the backup")[0] != opened(before, "it")[0]:
        raise DeviceError(
            "it was learned with other features (kind, channels, settings); nothing that was"
            " learned is changed",
            hint="deploy the configuration it was made with, then restore it",
        )


def check_prior(link: Link, image: bytes) -> None:
    """Raise DeviceError unless the prior that was put on a board was learned with its settings."""
    try:
        check_fits(image, fetch(link))
    except DeviceError as error:
        raise DeviceError(
            f"the board runs, but its prior is of no use: {error.message}",
            hint=(
                "take a backup of a board with the same kind, channels and settings, or deploy"
                " without --prior"
            ),
        ) from None


def give(link: Link, image: bytes, way_back: str) -> None:
    """Put an image in the place of what the board has learned, restart it, and check that it took
    it.

    way_back: said as a hint when it did not. Raises DeviceError. The image must have passed
    check_fits.
    """
    from ..serial_line.repl import stopped

    try:
        with stopped(link) as repl:
            repl.write(SLOTS[0], image)
            # only now: the younger slot wins, and that one may be the younger
            repl.remove([SLOTS[1], REACHED])
    except BaseException:
        with contextlib.suppress(DeviceError):  # the first error is the one to tell
            link.resume()
        raise
    link.resume()
    # The board goes on learning at once, so its state need not equal the image; but its sequence
    # only counts up from the image's, and would begin anew had it been refused.
    reached = opened(fetch(link), "the board's state")[1]
    if reached < opened(image, "the backup")[1]:
        raise DeviceError("the board did not take the backup", hint=way_back)
