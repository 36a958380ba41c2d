# type: ignore
# ruff: noqa: F821, SIM115
# Executable memory as an ESP32 has it: native code of every module that is imported is copied there
# and stays until a soft reset, whatever becomes of the module. The code that runs here is another
# chip's, so its sizes do not count: `nearhum deploy` leaves a table beside the application, with
# those of the chip that this board stands in for. A module that is not in it takes nothing.
import gc
import json
import sys

from micropython import const

# path of a module: the sizes of its native functions, in bytes
_TABLE = const("nearhum/native.json")
_BESIDE = const("beside/")
_NODE_BYTES = const(4)  # that the port keeps before each (ports/esp32/main.c, native_code_node_t)
_BLOCK_BYTES = const(4)  # that the IDF's heap keeps before each block
# of a file system, for os and for imports
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
_OF_EVERY_MODULE = ("__name__", "__file__", "__path__")  # before any of its own code has run
_EXEC, _DATA = 1, 4  # MALLOC_CAP_EXEC, MALLOC_CAP_8BIT


class Pool:
    # regions: their sizes in bytes

    def __init__(self, regions):
        self._regions = [[n, n] for n in regions]  # size, free

    def commit(self, n):
        # Take the room of a function of n bytes, as esp_native_code_commit does, and as its
        # m_malloc_fail says that there is none.
        n = (n + 3 & ~3) + _NODE_BYTES
        for region in self._regions:
            if region[1] >= n + _BLOCK_BYTES:
                region[1] -= n + _BLOCK_BYTES
                return
        raise MemoryError("memory allocation failed, allocating %d bytes" % n)

    def told(self):
        # (size, free, largest block, least free) of each; nothing is ever given back
        return [(n, free, max(0, free - _BLOCK_BYTES), free) for n, free in self._regions]


class Esp32:
    # of the port's module esp32: what tells about memory. MicroPython's heap has all the rest.

    HEAP_EXEC, HEAP_DATA = _EXEC, _DATA

    def __init__(self, pool):
        self._pool = pool

    def idf_heap_info(self, capabilities):
        return self._pool.told()


class Root:
    # The file system at /, which sees modules being loaded: MicroPython enters a module into
    # sys.modules, still empty, and opens its .mpy then. Everything but open goes straight to the
    # file system's own methods, so that little is left on the heap, which is a board's.

    def __init__(self, lfs, pool):
        self._open = lfs.open
        self._pool = pool
        for name in _METHODS:
            setattr(self, name, getattr(lfs, name))
        self._sizes = _sizes(lfs, _TABLE)
        self._beside = _sizes(lfs, _BESIDE + _TABLE)  # an application lies in one of two folders

    def open(self, path, mode):
        name = path if path[0] != "/" else path[1:]
        is_beside = name.startswith(_BESIDE)
        sizes = self._beside.get(name[len(_BESIDE) :]) if is_beside else self._sizes.get(name)
        if sizes and _is_loading(path):
            for n in sizes:
                self._pool.commit(n)
            gc.collect()  # of what looking for modules left here, and leaves nothing of on a board
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
