"""Files on the board's flash: read and written whole, notes of two numbers, and JSON. Leaf."""

import json
import os
import struct
from binascii import crc32

import nearhum

# The note of the last saved state and of the last `set`. storage/epoch.py explains its use.
REACHED = "hum/log/reached"

_QUOTE, _ESCAPE = 34, 92  # ASCII codes of " and \


def read_file(path):
    """Return the bytes of a file, or None if it cannot be read."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


def write_file(path, content):
    """Replace a whole file: write a new one beside it, then rename that.

    So a reader finds either the old file or the new one. Raises OSError.
    """
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def note(path, a, b):
    """Write two numbers below 2^32 with a CRC to a file, for `noted`.

    An OSError is ignored, because an older note is true as well.
    """
    raw = struct.pack("<II", a, b)
    try:
        with open(path, "wb") as f:
            f.write(raw + struct.pack("<I", crc32(raw)))
    except OSError:
        pass


def noted(path):
    """Return the two numbers of a note, or (0, 0) if the file is missing or damaged."""
    raw = read_file(path) or b""
    if len(raw) == 12 and struct.unpack_from("<I", raw, 8)[0] == crc32(raw[:8]):
        return struct.unpack("<II", raw[:8])
    return 0, 0


def placed(root, path):
    """Return the path of a file that a setting names.

    Deploy puts files named nearhum/... beside the modules, in the folder of the running
    application. All other paths begin at root.
    """
    if nearhum.folder and path.startswith("nearhum/"):
        return nearhum.folder + "/" + path
    return root + path


def make_folder(path):
    """Make a folder unless it exists. Raises OSError for any other failure."""
    try:
        os.mkdir(path)
    except OSError as e:
        if e.args[0] != 17:  # EEXIST
            raise


def parsed(text):
    """Return the value of a JSON text (bytes). Raises ValueError if it is invalid or cut short.

    MicroPython 1.24 accepts text that is cut short: it reads {"a":1 as {"a": 1}. So this function
    counts the brackets.
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
