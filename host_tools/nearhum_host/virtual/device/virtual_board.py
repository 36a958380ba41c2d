# type: ignore
# ruff: noqa: F821, SIM115
# Makes MicroPython's unix port behave like a board. It has one LittleFS in a NOR flash image at /,
# boot.py and main.py, machine, and a stdout with CR LF. Of the host it sees only a read-only /sd.
# It sends words to the supervisor (supervisor.py) over a control pipe, one for each line:
#   booted      Ctrl-C may interrupt from now on
#   reset, bootloader, soft     the program asked for it
#   cut         the power fails in this flash operation
#   dead        it cannot become a board, and its output tells why
#   watchdog N  the watchdog runs with a timeout of N ms (0: it is stopped)
#   fed         the watchdog was fed
import gc
import io
import os as _os
import sys
import time

import machine as _machine
import micropython
import vfs
from virtual_flash import Flash
from virtual_machine import RTC, WDT, Memory, Pin, Signal
from virtual_out import TextOut

_HIDDEN = ("system", "getenv", "putenv", "unsetenv")  # In the unix port's os, but on no board.

_control = None
_flash = None
_start = None


def _tell(word):
    _control.write(word + "\n")


def _tell_last(word):
    # The supervisor ends this process when it has read the word.
    _tell(word)
    while True:
        time.sleep(1)


class Overlay:
    # A module with some names replaced or hidden.

    def __init__(self, module, names, hidden=()):
        self._module = module
        self._hidden = hidden
        for name in names:
            setattr(self, name, names[name])

    def __getattr__(self, name):
        if name in self._hidden:
            raise AttributeError(name)
        return getattr(self._module, name)


def mark(text):
    """Write text into the flash journal, such as what has been acknowledged so far.

    It is for tests, and only a virtual board has it.
    """
    _flash.mark(text)


def about():
    """Return what this board is, for the host tools.

    The keys are its chip, its sensors, the files on its SD card, and the header of the recording
    there as a list of bytes.
    """
    card = [entry[0] for entry in _os.ilistdir("/sd")] if _start["sd"] else []
    header = b""
    if "replay.nhr" in card:
        with open("/sd/replay.nhr", "rb") as recording:
            header = recording.read(24)
    return {
        "chip": _start["chip"],
        "sensors": _start["sensors"],
        "card": card,
        "header": list(header),
    }


def _mount_root(flash, prog_bytes, seen):
    # seen: wraps the file system, to observe the loading of modules. The options are those of the
    # ports' _boot.py.
    options = {"progsize": prog_bytes, "readsize": 32, "lookahead": 32}
    try:
        root = vfs.VfsLfs2(flash, **options)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, **options)
        root = vfs.VfsLfs2(flash, **options)
    vfs.umount("/")
    vfs.mount(seen(root), "/")
    _os.chdir("/")


def _overlays(start, out):
    chip = start["chip"]
    release = ".".join(str(n) for n in sys.implementation[1][:3])

    def uname():
        from collections import namedtuple

        fields = ("sysname", "nodename", "release", "version", "machine")
        machine = "virtual board with " + chip
        return namedtuple("uname", fields)("virtual", "virtual", release, sys.version, machine)

    causes = start["reset_causes"]
    WDT.tell = _tell
    WDT.longest_ms = start["watchdog_ms"]
    names = {
        "Pin": Pin,
        "WDT": WDT,
        "Signal": Signal,
        "RTC": RTC,
        "mem32": Memory(),
        "unique_id": lambda: start["unique_id"],
        "freq": lambda *hz: start["freq_hz"],
        "reset": lambda: _tell_last("reset"),
        "soft_reset": lambda: sys.exit(0),
        "bootloader": lambda *timeout: _tell_last("bootloader"),
        "reset_cause": lambda: causes[start["cause"]],
        "lightsleep": lambda ms=0: time.sleep_ms(ms),
        # There are no interrupts to disable.
        "disable_irq": lambda: 0,
        "enable_irq": lambda state=0: None,
    }
    for cause in causes:
        names[cause] = causes[cause]
    if start["sensors"]:
        buses = sys.modules["buses"]
        for name in ("I2C", "SPI", "Pin"):
            names[name] = getattr(buses, name)
    sys.modules["machine"] = Overlay(_machine, names)
    sys.modules["os"] = Overlay(_os, {"uname": uname, "sync": lambda: None}, _HIDDEN)
    sys.modules["sys"] = Overlay(sys, {"stdout": out})


def _print_exception(error):
    # Print without the frame of this file, which a board does not have.
    text = io.StringIO()
    sys.print_exception(error, text)
    for i, line in enumerate(text.getvalue().split("\n")[:-1]):
        if i != 1 or '"virtual_board' not in line:
            print(line)


def _run(path, namespace):
    # Return False if it raised an exception: main.py does not run after a failed boot.py.
    try:
        _os.stat(path)
    except OSError:
        return True
    try:
        execfile(path, namespace)
    except SystemExit:
        raise
    except BaseException as error:
        _print_exception(error)
        return False
    return True


def _become(start):
    global _flash
    # Open the host's files first: after _mount_root its file system cannot be reached.
    line_state = open(start["line_state_fd"], "rb")
    pipe = open(1, "wb")
    sd = vfs.VfsPosix(start["sd"]) if start["sd"] else None
    if start["sensors"]:
        import buses

        buses.wire(start["sensors"])
    _flash = Flash(
        start["image"],
        start["fs_offset"],
        start["fs_size"],
        start["journal"],
        start["cut_at"],
        start["cut_keep"],
        lambda: _tell_last("cut"),
    )
    pool = None
    if start["executable_bytes"]:
        from virtual_executable import Esp32, Pool, Root

        pool = Pool(start["executable_bytes"])
    _mount_root(_flash, start["prog_bytes"], lambda lfs: Root(lfs, pool) if pool else lfs)
    if sd:
        vfs.mount(sd, "/sd", readonly=True)
    sys.path[:] = ["", ".frozen", "/lib"]
    sys.argv[:] = []
    _overlays(start, TextOut(pipe, line_state))
    if pool:
        sys.modules["esp32"] = Esp32(pool)
    sys.modules.pop("__main__", None)


def boot(namespace, start):
    """Become the board that start describes, and run boot.py and main.py.

    The interpreter then runs the REPL.

    namespace: globals of the REPL. start: see VirtualBoard._start_description.
    """
    global _control, _start
    micropython.kbd_intr(-1)
    _control = open(start["control_fd"], "wb")
    _start = start
    try:
        _become(start)
    except Exception as error:
        # Do not go on to the REPL: the board and whoever waits for it would wait forever.
        sys.print_exception(error)
        _tell_last("dead")

    def leave():
        # As in a soft reset of a board, close open files first and then the file system.
        namespace.clear()
        sys.modules.clear()
        gc.collect()
        vfs.umount("/")
        _flash.close()

    sys.atexit(leave)
    namespace.clear()
    namespace["__name__"] = "__main__"
    gc.collect()
    try:
        micropython.kbd_intr(3)
        _tell("booted")
        if _run("boot.py", namespace) and not start["raw"]:
            _run("main.py", namespace)
    except KeyboardInterrupt:
        pass  # Ctrl-C between two scripts: there is nothing to stop.
    except SystemExit:
        leave()
        _tell_last("soft")
