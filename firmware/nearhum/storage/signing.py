"""Signing: states, snapshots, heads and priors that only who knows the board's key can make.

Loaded where there is one.

For both Pythons. Enters: sealed images (wire.py). Leaves: the same with a trailer of 36
bytes: their HMAC-SHA256, and a mark that they have one. An image begins with the magic of what it
is, so that a state signed passes for no head.

A board's key lies beside its application, KEY_BYTES of it. There may be two while one takes the
place of the other: the first signs, both are known. NO_KEY as one of them: nothing is signed, or
what is not signed is taken.

It holds off files, not hands: who has the board, or its serial line, has its REPL and so the key.
See SECURITY.md.
"""

import hashlib

from nearhum.errors import FormatError
from nearhum.wire import SIGNED

KEY_BYTES = 32
NO_KEY = bytes(KEY_BYTES)
TRAILER_BYTES = 36
_BLOCK = 64  # bytes SHA-256 takes at once
_SIGNED = (
    "state.a",
    "state.b",
    "state.kept",
    "snapshot.0",
    "snapshot.1",
    "snapshot.2",
    "snapshot.3",
)


def mac(key, message):
    """Return the HMAC-SHA256 of a message under a key of any length, 32 bytes.

    Source: RFC 2104, section 2.
    """
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key + bytes(_BLOCK - len(key))
    inner = hashlib.sha256(bytes([b ^ 0x36 for b in key]))
    inner.update(message)
    outer = hashlib.sha256(bytes([b ^ 0x5C for b in key]))
    outer.update(inner.digest())
    return outer.digest()


def same(a, b):
    """Return True where two texts of bytes are the same; how long that takes tells nothing of
    where they differ.
    """
    differ = len(a) ^ len(b)
    for x, y in zip(a, b):
        differ |= x ^ y
    return differ == 0


def is_signed(image):
    """Return True where an image has a trailer, whoever made it."""
    return len(image) > TRAILER_BYTES and bytes(image[-4:]) == SIGNED


def unsigned(image):
    """Return an image without its trailer, if it has one."""
    return image[:-TRAILER_BYTES] if is_signed(image) else image


def behind(rest):
    """Return what lies behind a sealed image in a file, without the image's trailer, if it has
    one.
    """
    signed = bytes(rest[TRAILER_BYTES - 4 : TRAILER_BYTES]) == SIGNED
    return rest[TRAILER_BYTES:] if signed else rest


class Signer:
    """Signs and opens with the keys in a key file's bytes.

    Raises FormatError where those are none.
    """

    def __init__(self, keys):
        if not keys or len(keys) % KEY_BYTES:
            raise FormatError(
                "a key file of %d bytes" % len(keys), "`nearhum deploy --key NAME` writes it anew"
            )
        self.keys = [keys[i : i + KEY_BYTES] for i in range(0, len(keys), KEY_BYTES)]

    def signed(self, image):
        """Return an image with its trailer."""
        key = self.keys[0]
        return image if key == NO_KEY else image + mac(key, image) + SIGNED

    def opened(self, image, what):
        """Return a signed image without its trailer, as a memoryview.

        Raises FormatError where no key of these made it.

        what: it is called in the error.
        """
        view = memoryview(image)
        if is_signed(image):
            for key in self.keys:
                if key != NO_KEY and same(mac(key, view[:-TRAILER_BYTES]), view[-TRAILER_BYTES:-4]):
                    return view[:-TRAILER_BYTES]
            raise FormatError(
                what + " is signed with another key, or was changed", "take one that you made"
            )
        if NO_KEY in self.keys:
            return view
        raise FormatError(
            what + " is not signed", "if you trust it: `nearhum key NAME --sign FILE`"
        )


def begin(keys):
    """Sign and open with these keys whatever is sealed and unsealed from now on: on a board.

    Raises FormatError.
    """
    from nearhum import wire

    wire.signer = Signer(keys)


def sign_anew(root, keys):
    """Sign with the first of these keys what is on a board, as far as one of them opens it.

    Returns how many files.
    """
    from nearhum.files import read_file, write_file

    signer, n = Signer(keys), 0
    for name in _SIGNED:
        path = root + "hum/" + name
        image = read_file(path)
        if image is not None:
            try:
                write_file(path, signer.signed(bytes(signer.opened(image, path))))
                n += 1
            except FormatError:
                pass  # was refused before, and is
    return n
