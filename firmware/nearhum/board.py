"""Board: opens the sensor, and knows the time, the chip and its memory.

Only this module, the sources and the outputs import `machine`, and two modules that are loaded on
demand (guard/watchdog, console/checks). Leaf.
"""

import gc
import os
import sys
import time

from nearhum.errors import CommandError, ConfigError

NATIVE_LEAST = 4096  # bytes of executable memory. With less, loading a module's kernels may fail.


def stable(root):
    """Note that this start is stable: boots.py counts the others in the file hum/boots."""
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
    """Return the opened source that config names. Raises SourceError, ConfigError."""
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
    except (ValueError, TypeError) as e:  # For example, the pin has no I2C.
        raise ConfigError("source: %s" % e, "pins and numbers that this chip has for that")


def chip():
    """Return the chip's unique id in hex, "" if it has none.

    It tells boards with the same name apart.
    """
    import machine

    return getattr(machine, "unique_id", bytes)().hex()


class Clock:
    """Time since the start: whole `seconds`, and `ms` beyond them.

    time.ticks_ms cannot serve, because it wraps (at 2^30 on most ports). Both numbers stay small
    integers for 34 years. Milliseconds in a single number would need heap after 12 days.
    """

    def __init__(self):
        self._ticks = time.ticks_ms()
        self.seconds = 0
        self.ms = 0
        self.longest_ms = 0  # longest time between two ticks since `status` last asked

    def tick(self):
        """Update the time. Call it at least every six days: time.ticks_diff reaches 2^29 ms."""
        now = time.ticks_ms()
        ms = max(0, time.ticks_diff(now, self._ticks))  # Time never goes back.
        self.longest_ms = max(ms, self.longest_ms)
        ms += self.ms
        self._ticks = now
        self.seconds += ms // 1000
        self.ms = ms % 1000


def reset_cause():
    """Return why the board started, as `machine` names it: PWRON, WDT ..., or "" if unknown."""
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
    """Return the free bytes of the heap after a garbage collection."""
    gc.collect()
    return gc.mem_free()


def native_free():
    """Return the free bytes of executable memory, None if native code lies in the heap.

    An ESP32 has separate memory for it, which only a soft reset frees. An ESP32-C6 reports it too,
    but runs code from its heap (ports/esp32/mpconfigport.h).
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
    """Return a warning if little executable memory is free, else "".

    native: what native_free returned.
    """
    if native is None or native >= NATIVE_LEAST:
        return ""
    return "%d bytes of executable memory left: restart the board" % native


def out_of_memory(error):
    """Return the CommandError for a MemoryError: which memory is short, and what frees it."""
    short = short_of(native_free())
    if short:
        return CommandError("no room for native code: " + short, "Ctrl-C, then Ctrl-D restarts it")
    return CommandError(repr(error), "restart the board; if that does not help, forget a label")
