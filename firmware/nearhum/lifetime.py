"""Lifetime: which modules are in memory only for a while. All others stay once they are loaded.

A board has much flash and little heap. So modules that are not needed any more are released, and
the next import loads them again. The tables below name all of them. A module that stays must
import them inside functions: a name that it keeps would keep the whole module. Leaf.
"""

import gc
import sys
import time

# A start needs these, and watching does not.
AT_START = (
    "assembly", "storage.deployed", "storage.epoch", "storage.log_end", "config", "settings",
    "features.plan", "features.bands", "kernels.tables", "kernels.thumb_tables", "detection.doubts",
)  # fmt: skip
# A learning period needs these, from its first window to its threshold.
WHILE_LEARNING = (
    "detection.period", "detection.modes", "detection.calibration", "detection.doubts",
)  # fmt: skip
# A command that changes or shows something needs these while it runs.
PER_COMMAND = (
    "console.status", "console.changes", "console.corrections", "storage.snapshots",
    "storage.deployed", "detection.doubts", "guard.plausible",
    "config", "settings", "features.plan", "features.bands", "features.look",
)  # fmt: skip

_SHARE = 16  # collect garbage whenever a sixteenth of the heap was allocated, see collect_often
_untidy = False  # True after modules were released, until `rest` collects them


def collect_often():
    """Make MicroPython collect garbage whenever a sixteenth of the heap was allocated.

    Call it before a start. By itself MicroPython collects only when the heap is full. By then the
    objects that a start keeps are scattered over the whole heap, between those that it needed for a
    moment. An ESP32-C3 then had 57 KB free while it watched, but no free block longer than 4 KB,
    and a module of 1 KB could not be loaded. With a collection every 8 KB it had a block of 29 KB.
    """
    gc.threshold((gc.mem_free() + gc.mem_alloc()) // _SHARE)


def release(modules):
    """Release modules, so that the next garbage collection frees their memory.

    modules: names without "nearhum.". Modules that are not loaded are ignored. `rest` collects
    soon afterwards, before other objects are allocated between the freed blocks.
    """
    global _untidy
    for module in modules:
        folder, _, name = ("nearhum." + module).rpartition(".")
        if sys.modules.pop("nearhum." + module, None):
            delattr(sys.modules[folder], name)
            _untidy = True


def drop_broken():
    """Remove the names of modules that a MemoryError kept from being created.

    MicroPython enters the name of a module in sys.modules before it makes the module
    (py/objmodule.c, mp_obj_new_module). If that fails, the next import finds an empty entry and
    crashes.
    """
    broken = True
    while broken:  # One at a time, because there may be no memory for a list of them.
        broken = False
        for name in sys.modules:
            if sys.modules.get(name) is None:
                broken = True
                break
        if broken:
            sys.modules.pop(name, None)


def rest():
    """Wait a millisecond, because no sample has come. Collect released modules first."""
    global _untidy
    if _untidy:
        _untidy = False
        gc.collect()
    time.sleep_ms(1)
