"""Keys of boards: make them, keep them in the user's configuration folder, and sign with them.

Enters: names of keys, and images (states, heads, priors). Leaves: the images, signed for a board's
key. A key is 32 random bytes, written as 64 hexadecimal digits to a file that only its user can
read. nearhum.storage.signing computes the signatures, on the board too. SECURITY.md says what they
protect against.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import signing

from .. import kept_files
from ..errors import DeviceError, HostError, UsageError
from ..serial_line.repl import Repl
from ..serial_line.visible_text import as_name
from .application import KEY_PATH
from .upgrade.places import Places

SUFFIX = ".key"


def folder() -> Path:
    """Return the folder of keys: nearhum/keys in XDG_CONFIG_HOME, APPDATA or ~/.config."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(base) if base else Path.home() / ".config") / "nearhum" / "keys"


def names() -> list[str]:
    """Return the names of the keys on this machine."""
    return sorted(path.stem for path in folder().glob(f"*{SUFFIX}"))


def make(name: str) -> Path:
    """Make a key of that name and return its file.

    Raises UsageError if the name is invalid or taken, HostError if the file cannot be written.
    """
    if not name or as_name(name, "") != name:
        raise UsageError(f"{name!r} is not a name for a key", hint="use letters, digits, _ and -")
    file = folder() / f"{name}{SUFFIX}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Created with this mode, so that others cannot read it at any moment.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"there is a key {name!r} already", hint=f"it is in {file}") from None
    except OSError as error:
        raise HostError(f"cannot write {file}: {error.strerror}") from None
    with open(descriptor, "w", encoding="ascii") as out:
        out.write(secrets.token_hex(signing.KEY_BYTES) + "\n")
    return file


def load(key: str) -> bytes:
    """Return the key of that name, or in that file.

    Raises UsageError if there is none, HostError if it is invalid or others may read it.
    """
    named = folder() / f"{key}{SUFFIX}"
    file = named if as_name(key, "") == key and named.is_file() else Path(key)
    try:
        text = file.read_bytes()[:200]
        mode = file.stat().st_mode
    except OSError:
        hint = ", ".join(names()) or f"none; `nearhum key {as_name(key)} --new` makes one"
        raise UsageError(f"there is no key {key!r}", hint=f"keys here: {hint}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise HostError(
            f"others may read the key {file}",
            hint=f"chmod 600 {file}; if others had it, make a new one",
        )
    with contextlib.suppress(ValueError):
        found = bytes.fromhex(text.decode("ascii", errors="replace").strip())
        if len(found) == signing.KEY_BYTES and found != signing.NO_KEY:
            return found
    raise HostError(
        f"{file} is not a key file", hint=f"{2 * signing.KEY_BYTES} hexadecimal digits are expected"
    )


def known() -> dict[str, bytes]:
    """Return the usable keys on this machine, by name."""
    out = {}
    for name in names():
        with contextlib.suppress(HostError):
            out[name] = load(name)
    return out


def named_by(sha256: str) -> str | None:
    """Return the name of the key with this hash, None if it is not on this machine."""
    return next(
        (name for name, key in known().items() if hashlib.sha256(key).hexdigest() == sha256), None
    )


def signer_of(image: bytes) -> str | None:
    """Return the name of the key that signed an image, None if it is not on this machine."""
    return next((name for name, key in known().items() if _opens(image, key)), None)


def _opens(image: bytes, key: bytes) -> bool:
    try:
        signing.Signer(key).opened(image, "it")
    except FormatError:
        return False
    return signing.is_signed(image)


def signed(image: bytes, key: bytes) -> bytes:
    """Return an image signed with a key. An earlier signature is replaced."""
    return signing.Signer(key).signed(bytes(signing.unsigned(image)))


def signed_for(image: bytes, key: bytes | None, what: str) -> bytes:
    """Return an image signed for a board with this key (None: no key).

    The image must be signed with a key of this machine. Otherwise this raises HostError, because
    the user has to decide whether to trust it. what: name of the image, for messages.
    """
    if key is None:
        return bytes(signing.unsigned(image))
    if _opens(image, key):
        return image
    if signer_of(image):
        return signed(image, key)
    why = (
        "is signed with a key that is not on this machine"
        if signing.is_signed(image)
        else "is not signed"
    )
    raise HostError(
        f"{what} {why}, and the board has a key",
        hint=f"if you made it or trust its author: `nearhum key NAME --sign {what}`",
    )


def as_taken(image: bytes, there: bytes, what: str) -> bytes:
    """Return an image signed for the board whose present state is `there`.

    Raises HostError if the board's key is not on this machine and the image is not signed.
    """
    if not signing.is_signed(there):
        return signed_for(image, None, what)
    name = signer_of(there)
    if name is None:
        if signing.is_signed(image):
            return image  # The board checks whether its own key signed it.
        raise HostError(
            f"{what} is not signed, and the key of the board is not on this machine",
            hint="see `nearhum key`",
        )
    return signed_for(image, known()[name], what)


def sign_file(file: Path, key: bytes) -> None:
    """Sign the state or the head in a file. The file is replaced completely or not at all.

    Raises UsageError if the file has neither, FormatError if it is damaged, HostError if it cannot
    be written.
    """
    try:
        image = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    rest = b""
    if image[:3] == wire.HEAD_MAGIC[:3] and len(image) >= wire.ENVELOPE_BYTES:
        end = wire.ENVELOPE_BYTES + int.from_bytes(image[12:16], "little") + 4
        image, rest = (
            image[:end],
            signing.behind(image[end:]),
        )  # The rest is a model card, which boards do not read.
        wire.unseal(wire.HEAD_MAGIC, image, str(file))
    elif image[:3] == wire.STATE_MAGIC[:3]:
        wire.unseal(wire.STATE_MAGIC, signing.unsigned(image), str(file))
    else:
        raise UsageError(
            f"{file} is neither a backup nor a head",
            hint="name a .nhs file of `backup`, or a .nhh file of `train`",
        )
    kept_files.replace(file, signed(image, key) + rest)


def change(repl: Repl, places: Places, new: bytes | None, target: str) -> Callable[[], None] | None:
    """Change the key of a stopped board. new: the key, None for no key.

    Do the part that the present application accepts too. Return a function for the rest, to be
    called once the application in the folder target starts, or None if nothing changes. During the
    change the board knows both keys, so that it can read all that it keeps, wherever the power
    fails. Raises DeviceError.
    """
    there = places.there.get(KEY_PATH)
    if there is None and new is None:
        return None
    if there is None:
        return lambda: _sign(repl, target, (new or signing.NO_KEY) + signing.NO_KEY, new)
    if new is not None and there.sha256 == hashlib.sha256(new).hexdigest():
        return None
    old = _key_there(repl)
    folder = next((f for f in (places.starts(), target) if places.has_signing(f)), None)
    both = (new or signing.NO_KEY) + old
    if folder is None:
        if new is None:
            raise DeviceError(
                "the application on the board cannot remove the board's key",
                hint="deploy with --key first, then with --no-key",
            )
        return lambda: _sign(repl, target, both, new)
    _sign(repl, folder, both, both if new else None)
    return (lambda: _put(repl, new)) if new else (lambda: None)


def _key_there(repl: Repl) -> bytes:
    there = repl.ask(f"list(open({KEY_PATH!r},'rb').read())")
    try:
        old = bytes(there)
    except (TypeError, ValueError):
        raise DeviceError(f"{KEY_PATH} cannot be read", hint="repeat the command") from None
    return old if old and len(old) % signing.KEY_BYTES == 0 else signing.NO_KEY


def _sign(repl: Repl, folder: str, both: bytes, then: bytes | None) -> None:
    """Make a board sign what it keeps with the first of both keys, and then keep only `then`.

    folder: of the application whose code signs.
    """
    _put(repl, both)
    repl.run(
        "import sys\n"
        "for _m in list(sys.modules):\n"
        " if _m.startswith('nearhum'):del sys.modules[_m]\n"
        f"sys.path.insert(0,{folder or '/'!r})\n"
        "from nearhum.storage.signing import sign_anew as _s\n"
        f"_s('/',open({KEY_PATH!r},'rb').read())\n"
        "sys.path.pop(0)"
    )
    if then is None:
        repl.remove([KEY_PATH])
    elif then != both:
        _put(repl, then)


def _put(repl: Repl, key: bytes) -> None:
    repl.write(KEY_PATH, key)
