"""Start: what main.py runs at power-on, once it has chosen an application.

Ctrl-C and Enter leave the plain REPL, with what was learned and logged safe on flash. A Ctrl-C that
nothing follows is noise on the line: a minute later the detector goes on (boots.stopped).

The one catch of the application: what nobody else caught is journalled as a fault, and the loop
begins again from the stored state. A setting changed with `set` that keeps the board from starting,
or from staying up, is taken back (storage/changed.py). What is worse ends in safe mode: a console
that answers (console/safe.py), no sensor, nothing learned, nothing written. It ends by itself after
ten minutes, and after twice as long each time it was in vain; `trust`, or Ctrl-C and Ctrl-D, end it
at once. Reasons:
 1 the last MANY starts ended before they had run for ten seconds: a supply that browns out, a loop
   that stalls
 2 a file of the application is not as it was deployed
 3 the settings, or a file that they name, cannot be used
 4 three failures within a minute
"""

import sys
import time

import micropython

import nearhum
from nearhum import boots, lifetime


def watch(taken):
    """Watch for ever.

    taken: what to tell of this application, "" for nothing.

    Returns (what is wrong, what to do about it) where trying again would change nothing.
    """
    failures, left, out = [], None, ()
    while True:
        hum = None
        try:
            from nearhum.pipeline import Pipeline

            hum = Pipeline()
            if taken:
                hum.store.refused.append(taken)
                hum.journal.event("refused", error=taken, window=0)
            if out:
                changed("took_back", hum, out, left[0][0])
                left, out = None, ()
            hum.run()
        except KeyboardInterrupt:  # `run` has closed, before it gives Ctrl-C back to the REPL
            raise
        except Exception as e:
            known = isinstance(e, ImportError) or hasattr(e, "hint")
            why = (
                getattr(e, "message", str(e) or repr(e)),
                getattr(e, "hint", "deploy again with the settings"),
            )
            if not hum and (known or isinstance(e, MemoryError)):
                # a setting, what was not deployed for it, or a file: trying again changes nothing,
                # unless it was a setting that `set` changed
                print("nearhum: %s. %s" % why)
                left = left or [why]  # what was wrong first, and what to start without
                out = changed("trial", left)
                if out:
                    continue
                why = left[0]
            if known:
                return why
            failures.append(time.ticks_ms())
            sys.print_exception(e)
            if hum:
                tell(hum, e)
            if len(failures) < 3 or time.ticks_diff(time.ticks_ms(), failures[-3]) > 60000:
                continue
            if changed("suspect"):
                failures = []
                continue
            return (
                "three failures within a minute, the last %r" % e,
                "the settings ask for more memory than the board has: deploy with fewer"
                if isinstance(e, MemoryError)
                else "the log has them: `nearhum pull`",
            )


def tell(hum, error):
    """Close what a pipeline had open, and journal why it failed.

    What memory is too short for is not told: that must not end the loop.
    """
    try:
        hum.release()
        hum.journal.event(
            "fault", error=repr(error), window=hum.n_windows, learning=hum.guard.learning()
        )
        hum.journal.flush()
    except MemoryError:
        lifetime.drop_broken()


def changed(act, *given):
    """Return what storage/changed.py says, () where it cannot be asked."""
    try:
        from nearhum.storage import changed

        return getattr(changed, act)("/", *given)
    except (ImportError, MemoryError):
        return ()


def begin():
    """Run this application, until Ctrl-C. Called by main.py."""
    try:
        why, retries, fresh, sound = boots.judge(changed)
        taken = boots.in_place() if sound else ""
        del globals()["boots"]  # once is enough, and memory is short
        lifetime.let_go(("boots",))
        if not why:
            try:
                why = watch(taken)
            except MemoryError as e:  # raised while a failure was handled
                sys.print_exception(e)
                sys.exit()  # a soft reset gives back all memory
            fresh = True
        folder = nearhum.folder
        for name in list(sys.modules):
            if name.startswith("nearhum"):
                del sys.modules[name]  # memory may be what was short
        __import__("nearhum").folder = folder
        from nearhum.boots import safe

        safe(why, retries, fresh, sound)
    except KeyboardInterrupt:
        micropython.kbd_intr(-1)  # a second one must not end this halfway
        try:
            from nearhum.boots import stopped

            if not stopped():
                sys.exit()  # a soft reset
        finally:
            micropython.kbd_intr(3)
