"""Board: reads the deployed configuration, opens the sensor, tells the time. `machine` is imported here and in sources.

Leaf. The configuration is /nearhum.json, written by deploy; what `set` changed since lies in hum/set.json and wins.
"""

import json
import os
import sys
import time
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


def stable(root):
    """Note that this start was no false one: main.py counts those in hum/boots."""
    try:
        os.remove(root + "hum/boots")
    except OSError:
        pass


def set_aside(root):
    """Take settings out of force that keep the board from starting; hum/set.refused keeps them. False if none are."""
    try:
        os.rename(root + CHANGED, root + "hum/set.refused")
    except OSError:
        return False
    return True


def open_source(config):
    """Return the driver that config names, opened. Raises SourceError, ConfigError."""
    name = config["source"]["driver"]
    if not all([c.isalpha() or c.isdigit() or c == "_" for c in name]):
        raise ConfigError("driver = %r" % name, "the name of a file in nearhum/sources")
    try:
        module = __import__("nearhum.sources." + name, None, None, ("Source",))
    except ImportError:
        raise ConfigError("driver = %r: not on the board" % name, "deploy again with the board file that names it")
    try:
        return module.Source(config)
    except KeyError as e:
        raise ConfigError("source has no %s" % e)


def chip():
    """Return the chip's own number in hex, "" where it says none. Boards of one name are told apart by it."""
    import machine

    return getattr(machine, "unique_id", bytes)().hex()


class Clock:
    """Time since start: whole `seconds`, and `ms` of the next one. time.ticks_ms wraps (at 2^30 on most ports).

    Both stay small integers for 34 years: milliseconds in one would be made on a board's heap after 12 days.
    """

    def __init__(self):
        self._ticks = time.ticks_ms()
        self.seconds = 0
        self.ms = 0
        self.longest_ms = 0  # from one tick to the next, since somebody last asked

    def tick(self):
        """Bring the time up to date; at least once in six days, the reach of time.ticks_diff (2^29 ms)."""
        now = time.ticks_ms()
        ms = max(0, time.ticks_diff(now, self._ticks))  # time does not go back
        self.longest_ms = max(ms, self.longest_ms)
        ms += self.ms
        self._ticks = now
        self.seconds += ms // 1000
        self.ms = ms % 1000


def reset_cause():
    """Return why the board started, as `machine` calls it: PWRON, WDT ...; "" where it does not tell."""
    try:
        import machine

        cause = machine.reset_cause()
    except (ImportError, AttributeError):
        return ""
    for name in ("PWRON", "HARD", "WDT", "DEEPSLEEP", "SOFT"):
        if getattr(machine, name + "_RESET", None) == cause:
            return name
    return str(cause)


def let_go(*names):
    """Take modules of the package out of memory that only a start or a change needs; an import loads them again."""
    for name in names:
        package, _, last = ("nearhum." + name).rpartition(".")
        if sys.modules.pop("nearhum." + name, None):
            delattr(sys.modules[package], last)


def rest():
    """Wait a millisecond: nothing has come."""
    time.sleep_ms(1)
