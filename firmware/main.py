"""Start nearhum at power-on. Ctrl-C leaves the plain REPL, with what was learned and logged safe on flash.

The one catch of the application: what nobody else caught is journalled as a fault, and the loop begins again from the
stored state. A setting changed with `set` that keeps the board from starting is taken back. What is worse ends in safe
mode: a console that answers (nearhum/safe.py), no sensor, nothing learned, nothing written. It ends by itself after ten
minutes, and after twice as long each time it was in vain; `trust`, or Ctrl-C and Ctrl-D, end it at once. Reasons:
 1 the last MANY starts ended before they had run for ten seconds: a supply that browns out, a loop that stalls
 2 a file of the application is not as it was deployed
 3 the settings, or a file that they name, cannot be used
 4 three failures within a minute
"""

import os
import sys
import time

BOOTS = "/hum/boots"  # two bytes: starts in a row that were not stable; how often safe mode has ended by itself
MANY = 6
# by the console of safe mode
NEEDED = ("safe", "console", "verbs", "journal", "store", "wire", "errors", "board", "deployed", "__init__")


def count():
    """Count this start. Returns (starts in a row, safe modes that ended by themselves, True if that was written)."""
    try:
        with open(BOOTS, "rb") as f:
            n, retries = f.read()
    except (OSError, ValueError):
        n = retries = 0
    if n >= MANY:
        return n, retries, False  # a board that browns out for hours writes no more
    note(n + 1, retries)
    return n + 1, retries, True


def note(n, retries):
    try:
        with open(BOOTS, "wb") as f:
            f.write(bytes((n, retries)))
    except OSError:
        pass  # the first start of all has no folder yet


def damaged():
    """Return the path of a file that is not as the manifest of the deploy has it, None where there is none."""
    from binascii import hexlify
    from hashlib import sha256

    part = bytearray(512)
    path = "/nearhum.mft"
    try:
        manifest = open(path)
    except OSError:
        return None  # not deployed by the host's tools
    try:
        for line in manifest:
            path, _, wanted = line.strip(' ,\r\n"').partition('": "')
            if path.endswith((".mpy", ".py", ".json")):
                found = sha256()
                with open(path, "rb") as f:
                    n = f.readinto(part)
                    while n:
                        found.update(memoryview(part)[:n])
                        n = f.readinto(part)
                if hexlify(found.digest()).decode() != wanted:
                    return path
    except (OSError, ValueError):
        return path
    finally:
        manifest.close()


def watch():
    """Watch for ever. Returns (what is wrong, what to do about it) where trying again would change nothing."""
    failures = []
    taken = ""
    while True:
        hum = None
        try:
            from nearhum.errors import ConfigError
            from nearhum.pipeline import Pipeline

            hum = Pipeline()
            if taken:
                hum.store.refused.append(taken)
                hum.journal.event("refused", error=taken, window=0)
            hum.run()
        except KeyboardInterrupt:  # `run` has closed, before it gives Ctrl-C back to the REPL
            raise
        except Exception as e:
            known = isinstance(e, ImportError) or hasattr(e, "hint")
            if not known:
                failures.append(time.ticks_ms())
                sys.print_exception(e)
                if hum:
                    try:
                        hum.source.close()  # a DMA of it would go on into memory that is given away
                    except (AttributeError, OSError):
                        pass  # none was opened, or it does not answer
                    hum.journal.event("fault", error=repr(e), window=hum.n_windows, learning=hum.guard.learning())
                    hum.journal.flush()
                if len(failures) < 3 or time.ticks_diff(time.ticks_ms(), failures[-3]) > 60000:
                    continue
                return "three failures within a minute, the last %r" % e, "the log has them: `nearhum pull`"
            # a setting, what was not deployed for it, or a file: trying again changes nothing, unless it was a
            # setting that `set` changed
            why = getattr(e, "message", str(e)), getattr(e, "hint", "deploy again with the settings")
            print("nearhum: %s. %s" % why)
            if not isinstance(e, (ConfigError, ImportError)):
                return why
            from nearhum.deployed import set_aside

            if not set_aside("/"):
                return why
            taken = why[0] + "; what `set` had changed is taken back, hum/set.refused keeps it"
            print("nearhum: " + taken)


def safe(why, retries, fresh):
    """Answer the console until somebody has put things right, or time has; then start anew."""
    for name in list(sys.modules):
        if name.startswith("nearhum"):
            del sys.modules[name]  # memory may be what was short
    print("nearhum: safe mode: %s. %s" % why)
    from nearhum.safe import Safe

    again = not Safe(why, 600 << min(retries, 7), fresh).serve()
    if again:
        note(MANY - 2, min(retries + 1, 255))  # one start to show that all is well
    else:
        forget()
    sys.exit()  # a soft reset


def forget():
    try:
        os.remove(BOOTS)
    except OSError:
        pass


def main():
    n, retries, fresh = count()
    try:
        path = damaged()
        if path:
            why = path + " is not as it was deployed", "deploy again: `nearhum deploy`"
            if path[9:-4] in NEEDED:
                print("nearhum: %s. %s" % why)  # a damaged module may do anything when it is loaded
                return
        elif n >= MANY:
            why = "%d starts in a row ended within 10 s" % n, "look at its supply and wiring, then `nearhum trust`"
        else:
            why = watch()
            fresh = True
        safe(why, retries, fresh)
    except KeyboardInterrupt:
        forget()
        print("nearhum: stopped. Resume with Ctrl-D, or nearhum.run() after import nearhum.")


main()
