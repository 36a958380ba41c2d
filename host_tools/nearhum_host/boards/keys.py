"""Keys of boards: made here, kept in the user's configuration folder, readable by the user alone.

Enters: names, and images that are to be signed or are signed. Leaves: the same images, signed for a
board's key. A key is 32 random bytes, a file of 64 hexadecimal digits. How images are signed says
nearhum.storage.signing, which the board runs too; SECURITY.md says what that is good for, and what
it is not.
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

    Raises UsageError for a name that is none or is taken.
    """
    if not name or as_name(name, "") != name:
        raise UsageError(f"{name!r} is no name for a key", hint="letters, digits, _ and -")
    file = folder() / f"{name}{SUFFIX}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # never a moment readable by others
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

    Raises UsageError, HostError where it is none or others read it.
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
    raise HostError(f"{file} is no key", hint=f"{2 * signing.KEY_BYTES} hexadecimal digits")


def known() -> dict[str, bytes]:
    """Return the keys on this machine by name; those that cannot be used are left out."""
    out = {}
    for name in names():
        with contextlib.suppress(HostError):
            out[name] = load(name)
    return out


def named_by(sha256: str) -> str | None:
    """Return the name of the key whose hash a board's key file has, None where it is not on
    this machine.
    """
    return next(
        (name for name, key in known().items() if hashlib.sha256(key).hexdigest() == sha256), None
    )


def signer_of(image: bytes) -> str | None:
    """Return the name of the key that an image is signed with, None where none on this machine
    is.
    """
    return next((name for name, key in known().items() if _opens(image, key)), None)


def _opens(image: bytes, key: bytes) -> bool:
    try:
        signing.Signer(key).opened(image, "it")
    except FormatError:
        return False
    return signing.is_signed(image)


def signed(image: bytes, key: bytes) -> bytes:
    """Return an image signed with a key, whatever its trailer was."""
    return signing.Signer(key).signed(bytes(signing.unsigned(image)))


def signed_for(image: bytes, key: bytes | None, what: str) -> bytes:
    """Return an image as a board with that key, or with none, takes it, if some key of this machine
    vouches for it.

    Raises HostError for one that is not signed, or not by a key that is here: the user has to say
    that it is trusted.
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
        hint=f"if you made it, or trust who did: `nearhum key NAME --sign {what}`",
    )


def as_taken(image: bytes, there: bytes, what: str) -> bytes:
    """Return an image as the board takes it whose state is `there`: signed with its key, where
    it has one.

    Raises HostError where that key is not on this machine and did not sign it already.
    """
    if not signing.is_signed(there):
        return signed_for(image, None, what)
    name = signer_of(there)
    if name is None:
        if signing.is_signed(image):
            return image  # the board knows whether it is its own
        raise HostError(
            f"{what} is not signed, and the key of the board is not on this machine",
            hint="see `nearhum key`",
        )
    return signed_for(image, known()[name], what)


def sign_file(file: Path, key: bytes) -> None:
    """Sign a state or a head in its file, whole or not at all.

    Raises UsageError for what is neither.
    """
    try:
        image = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    rest = b""
    if image[:3] == wire.HEAD_MAGIC[:3] and len(image) >= wire.ENVELOPE_BYTES:
        end = wire.ENVELOPE_BYTES + int.from_bytes(image[12:16], "little") + 4
        image, rest = image[:end], signing.behind(image[end:])  # a model card, which no board reads
        wire.unseal(wire.HEAD_MAGIC, image, str(file))
    elif image[:3] == wire.STATE_MAGIC[:3]:
        wire.unseal(wire.STATE_MAGIC, signing.unsigned(image), str(file))
    else:
        raise UsageError(
            f"{file} is no backup and no head", hint="a .nhs of `backup`, a .nhh of `train`"
        )
    kept_files.replace(file, signed(image, key) + rest)


def change(repl: Repl, places: Places, new: bytes | None, target: str) -> Callable[[], None] | None:
    """Give a stopped board a key, another one, or none.

    Do now what the application that is there takes as well, and return what is to be done once the
    one in the folder target starts; None where nothing changes. While a key takes the place of
    another the board knows both, so that wherever the power fails all that it keeps is read. Raises
    DeviceError.
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
                "the board has a key, and no code to take it off",
                hint="deploy with a key first; then with --no-key",
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
    """Have a board sign with the first of these keys what it keeps, then know `then` alone.

    The code is that of the application in a folder.
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
