"""Keep what a board reports about itself when its log is pulled. The report shows it.

Enters: a link. Leaves: `NAME.seen.json` beside `NAME.nhl`, with the status, the prototypes, the
names of the features, the last window, and the host's time. The next pull replaces it. The log can
be read without it.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import kept_files
from ..errors import DeviceError, HostError
from ..serial_line.answers import sensible
from ..serial_line.link import Link
from ..serial_line.visible_text import no_device, object_in

FORMAT = 1
SUFFIX = ".seen.json"
MAX_NAME = 100  # Characters of a board's name in the name of a file.
MAX_NAMES = 4096  # features: far beyond what any board has memory for


@dataclass
class Seen:
    """What a board reported.

    utc: ISO 8601. status, look: answers to these verbs. names: of the features. prototypes: rows of
    the answer to `list`. look and names are empty for a board that does not have the verb `look`.
    """

    utc: str
    status: dict[str, Any]
    look: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    prototypes: list[dict[str, Any]] = field(default_factory=list)


def path_beside(log: Path) -> Path:
    """Return the path of the file beside a log."""
    return log.with_suffix(SUFFIX)


def name_of(status: dict[str, Any]) -> str:
    """Return a board's name for files: its name and its chip's number.

    Characters that some file systems do not allow are replaced by _. A long name is cut, with a
    hash behind it, because most file systems take 255 bytes.
    """
    parts = [str(status.get("board") or "board"), str(status.get("id") or "")]
    whole = "-".join(part for part in parts if part)
    name = no_device(re.sub(r"[^\w.-]|^\.|\.$", "_", whole, flags=re.ASCII))
    if len(name) <= MAX_NAME:
        return name
    return f"{name[:MAX_NAME]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def look_at(link: Link, names: list[str] | None = None) -> Seen:
    """Ask a board for its status and for what it has learned.

    names: of its features, if they are known already.
    Raises DeviceError if it does not answer.
    """
    status = link.ask("status")
    utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    prototypes = link.ask("list").get("prototypes", [])
    try:
        look = link.ask("look")
        names = names_of(link) if names is None else names
    except DeviceError as error:
        if not error.message.startswith("board: no command"):
            raise
        look, names = {}, []
    for answer in (status, look):
        answer.pop("verb", None)
    return Seen(utc, status, look, names, prototypes)


def names_of(link: Link) -> list[str]:
    """Return the names of a board's features, in order."""
    names: list[str] = []
    while True:
        part = link.ask(f"look names {len(names)}")
        if part["of"] > MAX_NAMES:
            raise DeviceError(
                f"the board says that it has {part['of']} features", f"{MAX_NAMES} are the most"
            )
        names += part["names"]
        if len(names) >= part["of"] or not part["names"]:
            return names


def save(log: Path, seen: Seen) -> None:
    """Write the file beside the log, completely or not at all. Raises HostError."""
    kept = json.dumps({"format": FORMAT, **vars(seen)}, ensure_ascii=False)
    kept_files.replace(path_beside(log), kept.encode())


def load(log: Path) -> Seen | None:
    """Read the file beside a log, None if there is none. Invalid values in it are left out.

    Raises HostError if it is damaged or of another format.
    """
    file = path_beside(log)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        found = kept.pop("format")
        if found != FORMAT:
            raise HostError(
                f"{file} has format {found}, this nearhum reads {FORMAT}",
                "update nearhum, or remove it",
            )
        seen = Seen(**kept)
        datetime.datetime.fromisoformat(seen.utc)
        return Seen(
            seen.utc,
            sensible("status", object_in(json.dumps(seen.status)) or {}),
            sensible("look", object_in(json.dumps(seen.look)) or {}),
            [name for name in seen.names if isinstance(name, str)],
            sensible("list", {"prototypes": seen.prototypes}).get("prototypes", []),
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise HostError(
            f"{file} is damaged", "remove it; the next `nearhum pull` makes it again"
        ) from None


def vector(look: dict[str, Any], key: str) -> bytes:
    """Decode a base64 vector in the answer to `look`. Returns b"" if it is absent or invalid."""
    try:
        return a2b_base64(look.get(key) or "")
    except (Base64Error, TypeError, ValueError):
        return b""
