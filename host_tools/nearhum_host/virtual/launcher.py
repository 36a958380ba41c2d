"""The process of a virtual board: it starts as CPython and becomes MicroPython, for one start.

Enters: six arguments. They are the folder of the interpreter's extension module, the folder of
virtual_board.py, the heap in bytes, "raw" or "friendly", the file descriptor of the control pipe,
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


def _pending_interrupt_address(library: ctypes.CDLL) -> int:
    """Return the address of the word that holds MicroPython's pending exception, 0 if not found.

    The unix port exits if a second SIGINT arrives while the first is still pending. The supervisor
    therefore needs to see whether one is pending. The word's address depends on how the interpreter
    was built. To find it, schedule an interrupt before the interpreter is initialised: the word of
    its state that now points into this state is the one.
    """
    state = ctypes.addressof(ctypes.c_char.in_dll(library, "mp_state_ctx"))
    words = (ctypes.c_size_t * 64).from_address(state)
    before = list(words)
    library.mp_sched_keyboard_interrupt()
    address = 0
    for index, (old, new) in enumerate(zip(before, words, strict=True)):
        if new != old and state < new < state + 65536:
            address = state + 8 * index
        words[index] = old
    return address


def main() -> None:
    extension_dir, device_dir, heap, mode, control, boot_arguments = sys.argv[1:7]
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
    os.write(int(control), b"pending %d\n" % _pending_interrupt_address(library))
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
