"""Boots: starts in a row that were not stable, counted on flash; safe mode, which ends them; and a
stop, which has to be meant.

Loaded at a start, at a stop, and where safe mode begins. See start.py, which says when that is.
"""

import os
import select
import sys
import time

from micropython import const

import nearhum

# two bytes: starts in a row that were not stable; how often safe mode has ended by itself
BOOTS = "/hum/boots"
_MANY = const(6)
RESUME_S = 60  # a Ctrl-C that nobody follows up within it was noise: the detector goes on
_SESSION = b"\r\x01\x02\x05"  # what follows a Ctrl-C that was meant


def judge(changed):
    """Count this start, and judge it. changed: start.changed.

    Returns (why there is safe mode, None for none; how often it has ended by itself; True to write
    that it came; True where the files are as they were deployed).
    """
    n, retries, fresh = count()
    if n == 1:  # the start before was a stable one
        try:
            os.stat("/hum/set.new")
            changed("proven")
        except OSError:
            pass
    wrong = nearhum.wrong
    # it is the other application's file where this one starts in its place
    if wrong == "/main.py" or wrong and wrong.startswith("/beside/") == (nearhum.folder != ""):
        why = wrong + " is not as it was deployed", "deploy again: `nearhum deploy`"
        return why, retries, fresh, False
    if n >= _MANY:
        if not changed("suspect"):
            why = (
                "%d starts in a row ended within 10 s" % n,
                "look at its supply and wiring, then `nearhum trust`",
            )
            return why, retries, fresh, True
        note(_MANY - 2, retries)
    return None, retries, fresh, True


def in_place():
    """Return what to tell where this application runs in place of the other, "" where it does
    not.
    """
    if not nearhum.wrong:
        return ""
    return "%s is not as it was deployed, so the application in %s runs: deploy again" % (
        nearhum.wrong,
        nearhum.folder or "/",
    )


def count():
    """Count this start.

    Returns (starts in a row, safe modes that ended by themselves, True if that was written).
    """
    try:
        with open(BOOTS, "rb") as f:
            n, retries = f.read()
    except (OSError, ValueError):
        n = retries = 0
    if n >= _MANY:
        return n, retries, False  # a board that browns out for hours writes no more
    note(n + 1, retries)
    return n + 1, retries, True


def note(n, retries):
    try:
        with open(BOOTS, "wb") as f:
            f.write(bytes((n, retries)))
    except OSError:
        pass  # the first start of all has no folder yet


def forget():
    try:
        os.remove(BOOTS)
    except OSError:
        pass


def stopped(wait_s=RESUME_S):
    """Wait for who has sent Ctrl-C, which is a byte now; return True where somebody follows it up.

    It may be noise, or of a program that has gone: nothing follows then, and the detector has to go
    on. What a tool or a person sends next ends the wait: Enter (mpremote, pyboard.py and what is
    like them begin with it), or the Ctrl-A, Ctrl-B or Ctrl-E of a REPL; the byte is lost, which
    costs nothing with Enter. Ctrl-D restarts at once, as at the prompt. Anything else is noise.
    """
    forget()
    print("nearhum: stopped. Enter gives the prompt; else it goes on in %d s." % wait_s)
    waiting = select.poll()
    waiting.register(sys.stdin, select.POLLIN)
    byte = bytearray(1)
    end = time.ticks_add(time.ticks_ms(), wait_s * 1000)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        if not waiting.poll(100):
            continue
        # the end of the line is a session's too: nobody will ever type here
        if not sys.stdin.buffer.readinto(byte) or byte[0] in _SESSION:
            print("nearhum: resume with Ctrl-D, or nearhum.run() after import nearhum.")
            return True
        if byte[0] == 4:
            break
    return False


def safe(why, retries, fresh, sound):
    """Answer the console until somebody has put things right, or time has; then start anew.

    sound: whether the files are as they were deployed.
    """
    print("nearhum: safe mode: %s. %s" % why)
    from nearhum.console.safe import Safe

    again = not Safe(why, 600 << min(retries, 7), fresh, sound).serve()
    if again:
        note(_MANY - 2, min(retries + 1, 255))  # one start to show that all is well
    else:
        forget()
    sys.exit()  # a soft reset
