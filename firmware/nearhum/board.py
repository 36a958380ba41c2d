"""Board: opens the sensor, tells the time and the chip. `machine` is imported here and in sources. Leaf."""

import gc
import os
import sys
import time

from nearhum.errors import ConfigError

_untidy = False


def stable(root):
    """Note that this start was no false one: main.py counts those in hum/boots."""
    try:
        os.remove(root + "hum/boots")
    except OSError:
        pass


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
    """Take modules of the package out of memory that only a start or a change needs; an import loads them again.

    What comes after the next rest finds their room in one piece.
    """
    global _untidy
    for name in names:
        package, _, last = ("nearhum." + name).rpartition(".")
        if sys.modules.pop("nearhum." + name, None):
            delattr(sys.modules[package], last)
            _untidy = True


def rest():
    """Wait a millisecond, or collect what was let go of: nothing has come."""
    global _untidy
    if _untidy:
        _untidy = False
        gc.collect()
    time.sleep_ms(1)
