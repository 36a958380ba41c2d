"""Measure the time and the memory of one call. Runs under MicroPython, unchanged on every target.

Enters: a function. Leaves: a line `bench {"name": ..., "us": [...], "bytes": n, "ulab_us": [...],
"bytecode_us": [...]}`. Times are microseconds of one call, measured REPEATS times, less the time of
a call that does nothing with the same arguments. They are None if there is nothing to compare with.
On a chip, interrupts are off during the measurement.
"""

import gc
import json
import sys
import time

import micropython

REPEATS = 5
UNIX_CALLS = 50  # On unix the clock of 1 us is too coarse to time a single call.
ON_CHIP = sys.platform not in ("linux", "darwin", "win32")
if ON_CHIP:
    from machine import disable_irq, enable_irq


def once(run):
    """Return the microseconds of one call of run."""
    if not ON_CHIP:
        start = time.ticks_us()
        for _ in range(UNIX_CALLS):
            run()
        return time.ticks_diff(time.ticks_us(), start) / UNIX_CALLS
    state = disable_irq()
    start = time.ticks_us()
    run()
    end = time.ticks_us()
    enable_irq(state)
    return time.ticks_diff(end, start)


def nothing():
    pass


@micropython.viper
def no_kernel_of_3(x: ptr8, n: int, bound):
    pass


@micropython.viper
def no_kernel_of_4(x: ptr8, n: int, out: ptr8, bound):
    pass


def timed(run, idle=nothing):
    """Return REPEATS times of run in microseconds, less the time of idle."""
    run()
    empty = sorted([once(idle) for _ in range(REPEATS)])[REPEATS // 2]
    found = []
    for _ in range(REPEATS):
        gc.collect()
        found.append(max(0, once(run) - empty))
    return found


def allocated(run):
    """Return the bytes that one call of run allocates. The collector is off meanwhile."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    asking = gc.mem_alloc() - before
    before = gc.mem_alloc()
    run()
    used = gc.mem_alloc() - before - asking
    gc.enable()
    return max(0, used)


def report(name, run, ulab=None, bytecode=None, idle=nothing):
    line = {"name": name, "us": timed(run, idle), "bytes": allocated(run)}
    for key, rival in (("ulab_us", ulab), ("bytecode_us", bytecode)):
        line[key] = timed(rival) if rival else None
    print("bench", json.dumps(line))
