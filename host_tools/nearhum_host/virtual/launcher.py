"""The child of a virtual board: one CPython process that becomes MicroPython, for one start of
the board.

Run by path, isolated, without site-packages: only the folder of the interpreter's extension module
is added. Arguments: that folder, the folder with virtual_board.py, heap bytes, "raw" or "friendly",
the control pipe's fd, and the arguments of virtual_board.boot as a MicroPython literal. Leaves with
100 or 101: a soft reset, from the friendly or the raw REPL.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_RAW_REPL = 1  # shared/runtime/pyexec.h: PYEXEC_MODE_RAW_REPL; the friendly one is 0


def _pending_interrupt_address(library: ctypes.CDLL) -> int:
    """Return the address of the word that holds MicroPython's pending exception, 0 if it cannot be
    told.

    The unix port exits when a second SIGINT arrives while the first is still pending, so the
    supervisor must see whether one is. The word's place depends on how the interpreter was built:
    schedule an interrupt before the interpreter is initialised and look which word of its state now
    points into that state.
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
    # A supervisor that was killed must not leave a board running; SIGINT has no owner until
    # MicroPython's.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Who started the board may wait for these signals with sigwait, and so have them blocked
    # (`nearhum virtual`): a Ctrl-C typed at the port has to arrive here all the same.
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
    # os._exit: Python's own shutdown has nothing to do here, and it costs 10 ms of every soft
    # reset.
    os._exit(101 if repl_mode.value == _RAW_REPL else 100)


main()
