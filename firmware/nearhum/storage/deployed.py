"""Deployed: reads the settings of this board from flash. Loaded at a start and released after it.

Enters: nearhum.json, which deploy wrote beside the package, and hum/set.json, which has what `set`
changed since and takes precedence. Leaves: complete settings. changed.py writes hum/set.json, and
takes back settings that keep the board from starting.
"""

from binascii import crc32

import nearhum
from nearhum.errors import ConfigError
from nearhum.files import parsed, read_file

CONFIG = "nearhum.json"
CHANGED = "hum/set.json"
NEW = "hum/set.new"  # names of settings that no stable start has had yet, see changed.py

without = ()  # names in CHANGED that the next attempt to start does without: changed.trial sets it


def load_config(root, out=()):
    """Return the complete settings of this board, a dict.

    root: prefix of paths. out: names in hum/set.json to ignore. Also begins signing if the board
    has a key. Raises ConfigError if there are no valid settings, FormatError if the key is invalid.
    """
    from nearhum.config import complete

    given = as_deployed(root)
    if given is None:
        raise ConfigError(
            "no %s/%s on the board" % (nearhum.folder, CONFIG),
            "deploy from the host: nearhum deploy",
        )
    given.update(read_json(root + CHANGED, out) or {})
    begin_signing(root)
    return complete(given)


def begin_signing(root):
    """Sign what is saved from now on, if the board has a key. Raises FormatError if it is none."""
    key = read_file(root + "nearhum/key")
    if key is not None:  # An empty key file is an error, not the absence of a key.
        from nearhum.storage.signing import begin

        begin(key)


def as_deployed(root):
    """Return the settings that deploy wrote beside the running application, or None if there are
    none. Raises ConfigError if the file is damaged.
    """
    return read_json(nearhum.folder + root + CONFIG)


def read_json(path, out=()):
    """Return the object in a JSON file as a dict, or None if there is no file.

    out: names to leave out. Raises ConfigError if the file is damaged or holds anything else. A
    second line may follow the object: # and the CRC-32 of the text, and if `set` wrote the file
    also a space and its epoch, which the CRC covers too.
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
    """Return the epoch of hum/set.json: how often `set` had changed it. 0 if it has none."""
    said = (read_file(root + CHANGED) or b"").rpartition(b"\n#")[2].partition(b" ")[2]
    try:
        return int(said)
    except ValueError:
        return 0
