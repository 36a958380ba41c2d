"""Deployed: the settings of this board, as they lie on its flash. Loaded at a start, and where one is changed.

Leaf. They are /nearhum.json, written by deploy; what `set` changed since lies in hum/set.json and wins.
"""

import json
import os
from binascii import crc32

from nearhum.errors import ConfigError
from nearhum.store import make_folder, read_file, write_file

CONFIG = "nearhum.json"
CHANGED = "hum/set.json"


def load_config(root):
    """Return the complete settings of this board. Raises ConfigError."""
    from nearhum.config import complete

    given = read_json(root + CONFIG)
    if given is None:
        raise ConfigError("no /%s on the board" % CONFIG, "deploy from the host: nearhum deploy")
    given.update(read_json(root + CHANGED) or {})
    key = read_file(root + "nearhum/key")
    if key is not None:  # an empty one is no key, and not the absence of one
        from nearhum.signing import begin

        begin(key)
    return complete(given)


def read_json(path):
    """Return the object in a JSON file, None where there is no file. Raises ConfigError for anything else.

    A line behind it, where there is one, is # and the CRC-32 of what stands before.
    """
    text = read_file(path)
    if text is None:
        return None
    text, _, crc = text.partition(b"\n#")
    try:
        given = json.loads(text) if not crc or int(crc) == crc32(text) else 0
    except ValueError:
        given = 0
    if not isinstance(given, dict):
        raise ConfigError("%s is damaged" % path, "deploy from the host: nearhum deploy")
    return given


def change(root, name, value, check):
    """Keep one setting in hum/set.json; it holds from the next start. check: called first, with all settings.

    Raises what check raises, and ConfigError where it asks for a module that was not deployed.
    """
    from nearhum.config import complete

    changed = read_json(root + CHANGED) or {}
    changed[name] = value
    given = read_json(root + CONFIG) or {}
    given.update(changed)
    try:
        check(complete(given))
    except ImportError:
        raise ConfigError("%s = %r: its code is not on the board" % (name, value), "deploy with that setting")
    make_folder(root + "hum")
    text = json.dumps(changed).encode()
    write_file(root + CHANGED, b"%s\n#%d" % (text, crc32(text)))


def set_aside(root):
    """Take settings out of force that keep the board from starting; hum/set.refused keeps them. False if none are."""
    try:
        os.rename(root + CHANGED, root + "hum/set.refused")
    except OSError:
        return False
    return True
