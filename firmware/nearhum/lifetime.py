"""Lifetime: which modules are in memory only for a while. All others stay once they are loaded.

A board has flash to spare and little heap, so what is over is taken out of memory; an import loads
it again. The tables below are the whole of it. Leaf.
"""

import gc
import sys
import time

# A start needs these; watching does not.
AT_START = (
    "assembly", "storage.deployed", "storage.epoch", "config", "settings", "features.plan",
    "features.bands", "kernels.tables", "kernels.thumb_tables",
)  # fmt: skip
# A learning period needs these, from its first window to its threshold.
WHILE_LEARNING = ("detection.period", "detection.modes", "detection.calibration")
# A command that changes or shows something needs these, while it is carried out.
PER_COMMAND = (
    "console.told", "console.changes", "console.taught", "storage.snapshots", "storage.deployed",
    "detection.doubts",
    "config", "settings", "features.plan", "features.bands", "features.look",
)  # fmt: skip

_SHARE = 16  # garbage is collected each time that a 16th of the heap was allocated
_untidy = False


def collect_often():
    """Let garbage be collected whenever a sixteenth of the heap was allocated; before a start.

    MicroPython collects once the heap is full. By then what a start keeps lies strewn over all of
    it, between what it needed for a moment: of 57 KB that an ESP32-C3 had free while it watched,
    no piece was longer than 4 KB, and a module of 1 KB found no room. Collected every 8 KB, it had
    one of 29 KB.
    """
    gc.threshold((gc.mem_free() + gc.mem_alloc()) // _SHARE)


def let_go(modules):
    """Take modules, named without the package's name, out of memory as far as they are there.

    What comes after the next rest finds their room in one piece.
    """
    global _untidy
    for module in modules:
        folder, _, name = ("nearhum." + module).rpartition(".")
        if sys.modules.pop("nearhum." + module, None):
            delattr(sys.modules[folder], name)
            _untidy = True


def drop_broken():
    """Take modules out of memory for which there was none: after a MemoryError.

    MicroPython enters the name of a module before it makes the module (py/objmodule.c,
    mp_obj_new_module). Where that fails the next import finds nothing in its place, and crashes.
    """
    broken = True
    while broken:  # without a list of them, for which there may be no memory either
        broken = False
        for name in sys.modules:
            if sys.modules.get(name) is None:
                broken = True
                break
        if broken:
            sys.modules.pop(name, None)


def rest():
    """Wait a millisecond, or collect what was let go of: no sample has come."""
    global _untidy
    if _untidy:
        _untidy = False
        gc.collect()
    time.sleep_ms(1)
