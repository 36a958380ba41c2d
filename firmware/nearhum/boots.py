"""Boots: counts unstable starts on flash, runs safe mode, and waits after a Ctrl-C.

Enters: the file hum/boots, and bytes of the console. Leaves: a judgement of this start, or a soft
reset. Loaded at a start, at a stop, and when safe mode begins. start.py says when that is.
"""

import os
import select
import sys
import time

from micropython import const

import nearhum

# Two bytes: the number of unstable starts in a row, and how often safe mode has ended by itself.
BOOTS = "/hum/boots"
_MANY = const(6)  # unstable starts in a row that lead to safe mode
RESUME_S = 60  # A Ctrl-C that nothing follows within this time was noise: the detector goes on.
_SESSION = b"\r\x01\x02\x05"  # bytes that follow a Ctrl-C of a person or a tool


def judge(changed):
    """Count this start, and judge it.

    changed: start.changed. Returns (why, retries, fresh, sound). why: (what is wrong, what to do)
    for safe mode, else None. retries: how often safe mode has ended by itself. fresh: True if the
    journal should record safe mode. sound: True if the files are as deployed.
    """
    n, retries, fresh = count()
    if n == 1:  # The start before this one was stable.
        try:
            os.stat("/hum/set.new")
            changed("proven")
        except OSError:
            pass
    wrong = nearhum.wrong
    # If this application starts in place of the other one, the file belongs to the other one.
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
    """Return a text if this application runs in place of the deployed one, else ""."""
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
        return n, retries, False  # A board that browns out for hours does not write again.
    note(n + 1, retries)
    return n + 1, retries, True


def note(n, retries):
    try:
        with open(BOOTS, "wb") as f:
            f.write(bytes((n, retries)))
    except OSError:
        pass  # At the very first start the folder does not exist.


def forget():
    try:
        os.remove(BOOTS)
    except OSError:
        pass


def stopped(wait_s=RESUME_S):
    """Wait for the sender of a Ctrl-C. Return True if a session follows, False if none does.

    The Ctrl-C may be noise, or from a program that has gone. Then nothing follows, and the detector
    must go on. A person or a tool sends more: Enter (mpremote, pyboard.py and similar tools begin
    with it), or the Ctrl-A, Ctrl-B or Ctrl-E of a REPL. That byte is lost, which does no harm if it
    is Enter. Ctrl-D restarts at once, as at the prompt. All other bytes count as noise. During the
    wait another Ctrl-C is only a byte. wait_s: seconds.
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
        # End of file counts as a session too, because no more input will come.
        if not sys.stdin.buffer.readinto(byte) or byte[0] in _SESSION:
            print("nearhum: resume with Ctrl-D, or nearhum.run() after import nearhum.")
            return True
        if byte[0] == 4:
            break
    return False


def safe(why, retries, fresh, sound):
    """Run safe mode until `trust` or the end of its wait, then restart the board.

    The arguments are what `judge` returns.
    """
    print("nearhum: safe mode: %s. %s" % why)
    from nearhum.console.safe import Safe

    again = not Safe(why, 600 << min(retries, 7), fresh, sound).serve()
    if again:
        note(_MANY - 2, min(retries + 1, 255))  # One start may show that all is well.
    else:
        forget()
    sys.exit()  # causes a soft reset
