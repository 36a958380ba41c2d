"""State images, which hold what a board has learned: fetch them, keep them, and give them back.

Enters and leaves: the bytes of a state image (`wire`: envelope, body, CRC).

The detector keeps running while an image is fetched. To give an image back, the board is stopped,
the image replaces both slots, and the board is asked afterwards whether it has loaded it.
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
PRIOR = "/nearhum/prior.nhs"  # A file of the application: a deploy without a prior removes it.
SLOTS = ("/hum/state.a", "/hum/state.b")
REACHED = "/hum/log/reached"  # The newest sequence, by which a board recognises an older state.
_MAX_BYTES = 1 << 20  # No board holds more, so a larger size is a wrong answer.
# Bytes of an answer, except the last one. Otherwise a faulty board could be asked for ever.
_LEAST_CHUNK = 64
_TRIES = 3  # The board may learn between two chunks, which changes the image.


def fetch(link: Link) -> bytes:
    """Return the board's state, verified. Raises DeviceError after three failed attempts."""
    why = ""
    for _ in range(_TRIES):
        try:
            return _fetch_once(link)
        except (Base64Error, KeyError, TypeError, ValueError) as error:
            why = str(error)
        except FormatError as error:
            why = error.message
    raise DeviceError(
        f"the board's state arrived incomplete: {why}",
        hint="repeat the command; if the board is learning, wait until it has ended",
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
            raise ValueError("it changed during the transfer")
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

    Raises UsageError if there is no such file, FormatError if it is damaged.
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
    """Write a backup completely or not at all. Raises UsageError if the file exists."""
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
    """Return a file name in this folder with the local date and time. stem: any text."""
    return Path(f"{as_name(stem)}-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")


def check_fits(image: bytes, before: bytes) -> None:
    """Raise DeviceError unless an image was learned with the same features as the board's state."""
    if opened(image, "the backup")[0] != opened(before, "it")[0]:
        raise DeviceError(
            "it was learned with other features (kind, channels, settings); the board keeps"
            " learned is changed",
            hint="deploy the configuration it was made with, then restore it",
        )


def check_prior(link: Link, image: bytes) -> None:
    """Raise DeviceError unless a deployed prior was learned with the board's settings."""
    try:
        check_fits(image, fetch(link))
    except DeviceError as error:
        raise DeviceError(
            f"the board runs, but it cannot use the prior: {error.message}",
            hint=(
                "take a backup of a board with the same kind, channels and settings, or deploy"
                " without --prior"
            ),
        ) from None


def give(link: Link, image: bytes, way_back: str) -> None:
    """Replace what the board has learned by an image, restart it, and check that it loaded it.

    image: must have passed check_fits. way_back: the hint if the board did not load it. Raises
    DeviceError.
    """
    from ..serial_line.repl import stopped

    try:
        with stopped(link) as repl:
            repl.write(SLOTS[0], image)
            # Only after the write: the board loads the newer slot, which may be this one.
            repl.remove([SLOTS[1], REACHED])
    except BaseException:
        with contextlib.suppress(DeviceError):  # The first error is the one to report.
            link.resume()
        raise
    link.resume()
    # The board goes on learning at once, so its state may differ from the image. But its sequence
    # counts up from the image's. If the board had refused the image, it would start from 0.
    reached = opened(fetch(link), "the board's state")[1]
    if reached < opened(image, "the backup")[1]:
        raise DeviceError("the board did not take the backup", hint=way_back)
