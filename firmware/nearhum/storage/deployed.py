"""Deployed: the settings of this board, as they lie on its flash. Loaded at a start.

They are nearhum.json beside the package, written by deploy; what `set` changed since lies in
hum/set.json and wins. changed.py writes there, and takes back what keeps the board from starting.
"""

from binascii import crc32

import nearhum
from nearhum.errors import ConfigError
from nearhum.files import parsed, read_file

CONFIG = "nearhum.json"
CHANGED = "hum/set.json"
NEW = "hum/set.new"  # what no stable start has had yet, see changed.py

without = ()  # names in CHANGED that the next start does without: main.py tries that


def load_config(root, out=()):
    """Return the complete settings of this board; out: names that `set` changed in vain. Raises
    ConfigError.
    """
    from nearhum.config import complete

    given = as_deployed(root)
    if given is None:
        raise ConfigError(
            "no %s/%s on the board" % (nearhum.folder, CONFIG),
            "deploy from the host: nearhum deploy",
        )
    given.update(read_json(root + CHANGED, out) or {})
    key = read_file(root + "nearhum/key")
    if key is not None:  # an empty one is no key, and not the absence of one
        from nearhum.storage.signing import begin

        begin(key)
    return complete(given)


def as_deployed(root):
    """Return the settings as deploy wrote them beside the application that runs, None where it has
    not. Raises ConfigError.
    """
    return read_json(nearhum.folder + root + CONFIG)


def read_json(path, out=()):
    """Return the object in a JSON file without the names in out, None where there is no file.

    Raises ConfigError for anything else.

    A line behind it, where there is one, is # and the CRC-32 of what stands before; and, where
    `set` wrote it, its epoch, which the CRC is over, too.
    """
    text = read_file(path)
    if text is None:
        return None
    text, _, crc = text.partition(b"\n#")
    crc, _, epoch = crc.partition(b" ")
    try:
        given = parsed(text) if not crc or int(crc) == crc32(epoch, crc32(text)) else 0
    except ValueError:
        given = 0
    if not isinstance(given, dict):
        raise ConfigError("%s is damaged" % path, "deploy from the host: nearhum deploy")
    for name in out:
        given.pop(name, None)
    return given


def epoch(root):
    """Return how often `set` had changed the settings on flash, 0 where they do not say."""
    said = (read_file(root + CHANGED) or b"").rpartition(b"\n#")[2].partition(b" ")[2]
    try:
        return int(said)
    except ValueError:
        return 0
