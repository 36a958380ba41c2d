"""Signing: proves that states, snapshots, heads and priors come from someone who knows the key.

For both Pythons. On a board it is loaded only if there is a key. Enters: sealed images (wire.py).
Leaves: the same with a trailer of 36 bytes: their HMAC-SHA256 and a mark. The signature covers the
image's magic, so a signed state cannot be used as a head.

The key of KEY_BYTES lies in a file beside the application. The file may have two keys while one
replaces the other: the first signs, and both are accepted. One of them may be NO_KEY. As the first
key it means that nothing is signed. In either place it means that unsigned images are accepted.

This protects against forged files only. Whoever holds the board or its serial line has the REPL,
and so the key. See SECURITY.md.
"""

import hashlib

from nearhum.errors import FormatError
from nearhum.wire import SIGNED

KEY_BYTES = 32
NO_KEY = bytes(KEY_BYTES)
TRAILER_BYTES = 36  # 32 of HMAC-SHA256, 4 of wire.SIGNED
LOG = b"NHLC"  # begins what is signed of the log, see Signer.chained
_BLOCK = 64  # block size of SHA-256 in bytes, see RFC 2104
# Files in hum that are signed.
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
    """Return the HMAC-SHA256 of a message, 32 bytes. key, message: bytes of any length.

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
    """Return True if two byte strings are equal.

    The time that it takes does not tell where they differ, so an attacker cannot guess byte by
    byte.
    """
    differ = len(a) ^ len(b)
    for x, y in zip(a, b):
        differ |= x ^ y
    return differ == 0


def is_signed(image):
    """Return True if an image has a trailer, whether or not that is valid."""
    return len(image) > TRAILER_BYTES and bytes(image[-4:]) == SIGNED


def unsigned(image):
    """Return an image without its trailer, if it has one."""
    return image[:-TRAILER_BYTES] if is_signed(image) else image


def behind(rest):
    """Return what follows a sealed image in a file, without the image's trailer if there is one.

    rest: the bytes behind the image.
    """
    signed = bytes(rest[TRAILER_BYTES - 4 : TRAILER_BYTES]) == SIGNED
    return rest[TRAILER_BYTES:] if signed else rest


class Signer:
    """Signs and opens images. keys: bytes of a key file.

    Raises FormatError unless they are one or more whole keys.
    """

    def __init__(self, keys):
        if not keys or len(keys) % KEY_BYTES:
            raise FormatError(
                "a key file of %d bytes" % len(keys), "`nearhum deploy --key NAME` writes it anew"
            )
        self.keys = [keys[i : i + KEY_BYTES] for i in range(0, len(keys), KEY_BYTES)]

    def signed(self, image):
        """Return an image with its trailer, or as it is if the first key is NO_KEY."""
        key = self.keys[0]
        return image if key == NO_KEY else image + mac(key, image) + SIGNED

    def chained(self, digest):
        """Return (sum, True) of a segment of the log, an HMAC under the first key, or (digest,
        False) if that is NO_KEY.

        digest: the SHA-256 of its records. A sealed image begins with another magic than LOG, so
        that no signature of the one is one of the other.
        """
        key = self.keys[0]
        return (digest, False) if key == NO_KEY else (mac(key, LOG + digest), True)

    def opened(self, image, what):
        """Return a signed image without its trailer, as a memoryview.

        what: the image's name in error messages. Raises FormatError if none of the keys signed it.
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
    """Use these keys for all images that this board seals and unseals from now on.

    keys: bytes of a key file. Raises FormatError.
    """
    from nearhum import wire

    wire.signer = Signer(keys)


def sign_anew(root, keys):
    """Sign the files of a board again with the first of these keys, if one of the keys opens them.

    root: prefix of paths. keys: bytes of a key file. Returns the number of files signed.
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
                pass  # The board refused this file before, and still does.
    return n
