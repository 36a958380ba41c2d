"""The process of a virtual board: it starts as CPython and becomes MicroPython, for one start.

Enters: six arguments. They are the folder of the interpreter's extension module, the folder of
virtual_board.py, the heap in bytes, "raw" or "friendly", the number of the signal that is Ctrl-C,
and the argument of virtual_board.boot as a MicroPython literal. Leaves: exit code 100 or 101 for a
soft reset from the friendly or the raw REPL.

It runs by its path, isolated and without site-packages. Only the folder of the extension module is
on its path.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_RAW_REPL = 1  # PYEXEC_MODE_RAW_REPL of shared/runtime/pyexec.h. The friendly REPL is 0.


def _take_ctrl_c(library: ctypes.CDLL, ctrl_c: int) -> None:
    """Let a signal do what Ctrl-C does on a chip: schedule a KeyboardInterrupt.

    The unix port's own handler of SIGINT raises where the program happens to be. In the middle of
    an import that leaves the lock of the table of names taken, and the interpreter waits for it
    for ever. A chip's handler only schedules the exception, and the program raises it between two
    instructions. MicroPython has that function, so make it the handler itself. A second call while
    an interrupt is pending changes nothing.
    """
    c = ctypes.CDLL(None)
    c.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    c.signal.restype = ctypes.c_void_p
    c.signal(ctrl_c, ctypes.cast(library.mp_sched_keyboard_interrupt, ctypes.c_void_p))
    c.siginterrupt(ctrl_c, 1)  # A system call that waits must end, so that the program notices.


def main() -> None:
    extension_dir, device_dir, heap, mode, ctrl_c, boot_arguments = sys.argv[1:7]
    # If the supervisor is killed, this process must end too. Until MicroPython installs its own
    # handler, SIGINT ends it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The parent may have blocked these signals to wait for them with sigwait, as `nearhum virtual`
    # does. A child inherits that, but a Ctrl-C typed at the port must arrive here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.path.append(extension_dir)
    import micropython_module  # type: ignore[import-not-found]

    library = ctypes.CDLL(micropython_module.__file__)
    repl_mode = ctypes.c_int.in_dll(library, "pyexec_mode_kind")
    repl_mode.value = _RAW_REPL if mode == "raw" else 0
    _take_ctrl_c(library, int(ctrl_c))
    micropython_module.run_main(
        [
            "micropython",
            "-X",
            f"heapsize={heap}",
            "-i",
            "-c",
            f"import sys;sys.path.insert(0,{device_dir!a});"
            f"import virtual_board as b;b.boot(globals(),{boot_arguments})",
        ]
    )
    # os._exit skips Python's shutdown, which is not needed and adds 10 ms to every soft reset.
    os._exit(101 if repl_mode.value == _RAW_REPL else 100)


main()
