# type: ignore
# ruff: noqa: F821, SIM115
# Executable memory as an ESP32 has it. The native code of every imported module is copied there and
# stays until a soft reset, even if the module is freed. Enters: the opening of .mpy files. Leaves:
# MemoryError when the memory is full. The x64 code that runs here has other sizes, so `nearhum
# deploy` puts a table with the sizes on the real chip beside the application. A module that is not
# in the table takes nothing.
import gc
import json
import sys

from micropython import const

# JSON: {path of a module: sizes of its native functions in bytes}.
_TABLE = const("nearhum/native.json")
_BESIDE = const("beside/")
_NODE_BYTES = const(4)  # The port's header of each function (esp32/main.c, native_code_node_t).
_BLOCK_BYTES = const(4)  # The header of each block in the IDF's heap.
# Methods of a file system that os and imports use.
_METHODS = (
    "mount",
    "umount",
    "stat",
    "ilistdir",
    "mkdir",
    "rmdir",
    "remove",
    "rename",
    "chdir",
    "getcwd",
    "statvfs",
)
_OF_EVERY_MODULE = ("__name__", "__file__", "__path__")  # Set before a module's own code runs.
_EXEC, _DATA = 1, 4  # MALLOC_CAP_EXEC, MALLOC_CAP_8BIT.


class Pool:
    # regions: sizes in bytes.

    def __init__(self, regions):
        self._regions = [[n, n] for n in regions]  # Size and free bytes.

    def commit(self, n):
        # Allocate a function of n bytes, as esp_native_code_commit does. Raise MemoryError with the
        # text of its m_malloc_fail if there is no room.
        n = (n + 3 & ~3) + _NODE_BYTES
        for region in self._regions:
            if region[1] >= n + _BLOCK_BYTES:
                region[1] -= n + _BLOCK_BYTES
                return
        raise MemoryError("memory allocation failed, allocating %d bytes" % n)

    def told(self):
        # Return (size, free, largest block, least free) of each region. Nothing is ever freed.
        return [(n, free, max(0, free - _BLOCK_BYTES), free) for n, free in self._regions]


class Esp32:
    # The memory functions of the port's module esp32. All other memory is MicroPython's heap.

    HEAP_EXEC, HEAP_DATA = _EXEC, _DATA

    def __init__(self, pool):
        self._pool = pool

    def idf_heap_info(self, capabilities):
        return self._pool.told()


class Root:
    # The file system at /, which observes the loading of modules: MicroPython puts an empty module
    # into sys.modules and then opens its .mpy. All methods but open are the file system's own, so
    # that little of the heap is used, which has the size of a board's.

    def __init__(self, lfs, pool):
        self._open = lfs.open
        self._pool = pool
        for name in _METHODS:
            setattr(self, name, getattr(lfs, name))
        self._sizes = _sizes(lfs, _TABLE)
        self._beside = _sizes(lfs, _BESIDE + _TABLE)  # An application is in one of two folders.

    def open(self, path, mode):
        name = path if path[0] != "/" else path[1:]
        is_beside = name.startswith(_BESIDE)
        sizes = self._beside.get(name[len(_BESIDE) :]) if is_beside else self._sizes.get(name)
        if sizes and _is_loading(path):
            for n in sizes:
                self._pool.commit(n)
            gc.collect()  # Free what this search allocated, because a board does not have it.
        return self._open(path, mode)


def _sizes(lfs, path):
    try:
        with lfs.open(path, "r") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _is_loading(path):
    name = path.strip("/")[: -len(".mpy")]
    if name.startswith(_BESIDE):
        name = name[len(_BESIDE) :]
    name = name.replace("/", ".")
    if name.endswith(".__init__"):
        name = name[: -len(".__init__")]
    module = sys.modules.get(name)
    return module is not None and all([key in _OF_EVERY_MODULE for key in module.__dict__])
