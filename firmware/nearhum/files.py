"""Files on the board's flash, read and written whole, and the JSON in them. Leaf."""

import json
import os
import struct
from binascii import crc32

import nearhum

# The note of the last save, and of the last `set`: storage/epoch.py says what it is for.
REACHED = "hum/log/reached"

_QUOTE, _ESCAPE = 34, 92


def read_file(path):
    """Return the bytes of a file, or None where there is none."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


def as_json(what):
    """Return a dict as JSON in bytes, without spaces: a record of the log holds little."""
    return json.dumps(what, separators=(",", ":")).encode()


def write_file(path, content):
    """Write a whole file beside its place, then rename it there: a reader finds the old one or
    the new one.
    """
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def note(path, a, b):
    """Write two numbers below 2^32 with a CRC, for `noted`. A file system that refuses is no
    matter: an older note is true as well.
    """
    raw = struct.pack("<II", a, b)
    try:
        with open(path, "wb") as f:
            f.write(raw + struct.pack("<I", crc32(raw)))
    except OSError:
        pass


def noted(path):
    """Return the two numbers of a note, (0, 0) where there is none or it is damaged."""
    raw = read_file(path) or b""
    if len(raw) == 12 and struct.unpack_from("<I", raw, 8)[0] == crc32(raw[:8]):
        return struct.unpack("<II", raw[:8])
    return 0, 0


def placed(root, path):
    """Return where a file that a setting names lies: nearhum/..., which deploy put beside the
    modules, is in the application's folder.
    """
    if nearhum.folder and path.startswith("nearhum/"):
        return nearhum.folder + "/" + path
    return root + path


def make_folder(path):
    """Make a folder unless it is there."""
    try:
        os.mkdir(path)
    except OSError as e:
        if e.args[0] != 17:  # EEXIST
            raise


def parsed(text):
    """Return what JSON text (bytes) says. Raises ValueError where it is none, or not whole.

    MicroPython 1.24 takes text that is cut short: of {"a":1 it makes {"a": 1}. So brackets are
    counted here.
    """
    given = json.loads(text)
    depth, quoted, escaped = 0, False, False
    for c in text:
        if escaped:
            escaped = False
        elif c == _QUOTE:
            quoted = not quoted
        elif quoted:
            escaped = c == _ESCAPE
        elif c in b"{[":
            depth += 1
        elif c in b"}]":
            depth -= 1
    if depth or quoted:
        raise ValueError("JSON is cut short")
    return given
