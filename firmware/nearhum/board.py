"""Board: opens the sensor, tells the time and the chip.

`machine` is imported here and in sources. Leaf.
"""

import gc
import os
import sys
import time

from nearhum.errors import CommandError, ConfigError

NATIVE_LEAST = 4096  # bytes of executable memory: with less, loading a module's kernels may fail


def stable(root):
    """Note that this start was no false one: main.py counts those in hum/boots."""
    try:
        os.remove(root + "hum/boots")
    except OSError:
        pass


def driver(name):
    """Return the class of the driver of that name. Raises ImportError where the board has none."""
    for folder in ("accelerometers.", ""):
        try:
            return __import__("nearhum.sources." + folder + name, None, None, ("Source",)).Source
        except ImportError:
            pass
    raise ImportError(name)


def open_source(config):
    """Return the driver that config names, opened. Raises SourceError, ConfigError."""
    name = config["source"]["driver"]
    if not all([c.isalpha() or c.isdigit() or c == "_" for c in name]):
        raise ConfigError("driver = %r" % name, "the name of a file in nearhum/sources")
    try:
        source = driver(name)
    except ImportError:
        raise ConfigError(
            "driver = %r: not on the board" % name, "deploy again with the board file that names it"
        )
    try:
        return source(config)
    except KeyError as e:
        raise ConfigError("source has no %s" % e)
    except (ValueError, TypeError) as e:  # a port says so of a pin that has no I2C, say
        raise ConfigError("source: %s" % e, "pins and numbers that this chip has for that")


def chip():
    """Return the chip's own number in hex, "" where it says none.

    Boards of one name are told apart by it.
    """
    import machine

    return getattr(machine, "unique_id", bytes)().hex()


class Clock:
    """Time since start: whole `seconds`, and `ms` of the next one. time.ticks_ms wraps (at 2^30
    on most ports).

    Both stay small integers for 34 years: milliseconds in one would be made on a board's heap after
    12 days.
    """

    def __init__(self):
        self._ticks = time.ticks_ms()
        self.seconds = 0
        self.ms = 0
        self.longest_ms = 0  # from one tick to the next, since somebody last asked

    def tick(self):
        """Bring the time up to date; at least once in six days, the reach of time.ticks_diff
        (2^29 ms).
        """
        now = time.ticks_ms()
        ms = max(0, time.ticks_diff(now, self._ticks))  # time does not go back
        self.longest_ms = max(ms, self.longest_ms)
        ms += self.ms
        self._ticks = now
        self.seconds += ms // 1000
        self.ms = ms % 1000


def reset_cause():
    """Return why the board started, as `machine` calls it: PWRON, WDT ...; "" where it does not
    tell.
    """
    try:
        import machine

        cause = machine.reset_cause()
    except (ImportError, AttributeError):
        return ""
    for name in ("PWRON", "HARD", "WDT", "DEEPSLEEP", "SOFT"):
        if getattr(machine, name + "_RESET", None) == cause:
            return name
    return str(cause)


def heap_free():
    """Return the free bytes of the heap, after a collection."""
    gc.collect()
    return gc.mem_free()


def native_free():
    """Return the free bytes of executable memory, None where native code lies in the heap.

    An ESP32 has it apart, and only a soft reset gives back what is taken of it. A C6 reports it
    too, but runs code from its heap (ports/esp32/mpconfigport.h).
    """
    try:
        import esp32

        regions = esp32.idf_heap_info(esp32.HEAP_EXEC)
    except (ImportError, AttributeError):
        return None
    if "ESP32C6" in getattr(sys.implementation, "_machine", ""):
        return None
    return sum([region[1] for region in regions])


def short_of(native):
    """Return what a user should know about so many free bytes of executable memory, "" for
    nothing.
    """
    if native is None or native >= NATIVE_LEAST:
        return ""
    return "%d bytes of executable memory left: restart the board" % native


def out_of_memory(error):
    """Return the CommandError for a MemoryError: which memory is short, and what gives it back."""
    short = short_of(native_free())
    if short:
        return CommandError("no room for native code: " + short, "Ctrl-C, then Ctrl-D restarts it")
    return CommandError(repr(error), "restart the board; if that does not help, forget a label")
