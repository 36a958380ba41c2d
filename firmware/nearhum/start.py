"""Start: what main.py runs at power-on, after choose_app has chosen the application.

Ctrl-C and Enter give the plain REPL. What was learned and logged is then on flash. A Ctrl-C that
nothing follows is noise on the line, and the detector goes on a minute later (boots.stopped).

This is the only place that catches all errors of the application. An error is journalled as a
fault, and the loop begins again from the stored state. If a setting changed with `set` keeps the
board from starting, or from running for long, the change is undone (storage/changed.py).

The other cases end in safe mode: a console that answers (console/safe.py), while no sensor is read,
and nothing is learned or written. Safe mode ends by itself after ten minutes, and after twice as
long each time the start failed again. `trust`, or Ctrl-C and Ctrl-D, end it at once. Reasons:
 1 the last MANY starts ended before they had run for ten seconds: the supply browns out, or the
   loop stalls
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
    """Run the pipeline without end, and start it again after a failure.

    taken: a text to journal about this application, or "". Returns (what is wrong, what to do about
    it) if another attempt would fail as well.
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
        except KeyboardInterrupt:  # `run` has already closed the pipeline.
            raise
        except Exception as e:
            known = isinstance(e, ImportError) or hasattr(e, "hint")
            why = (
                getattr(e, "message", str(e) or repr(e)),
                getattr(e, "hint", "deploy again with the settings"),
            )
            if not hum and (known or isinstance(e, MemoryError)):
                # The reason is a setting, a file, or a module that was not deployed. Another
                # attempt would fail as well, unless `set` changed the setting.
                print("nearhum: %s. %s" % why)
                left = left or [why]  # the first reason, then the settings to start without
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

    Without memory for that, nothing is journalled, because this must not end the loop.
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
    """Call a function of storage/changed.py. Returns (), if the module cannot be loaded."""
    try:
        from nearhum.storage import changed

        return getattr(changed, act)("/", *given)
    except (ImportError, MemoryError):
        return ()


def begin():
    """Run this application until Ctrl-C. Called by main.py."""
    try:
        why, retries, fresh, sound = boots.judge(changed)
        taken = boots.in_place() if sound else ""
        del globals()["boots"]  # It is needed once, and memory is short.
        lifetime.let_go(("boots",))
        if not why:
            try:
                why = watch(taken)
            except MemoryError as e:  # raised while an earlier failure was handled
                sys.print_exception(e)
                sys.exit()  # A soft reset frees all memory.
            fresh = True
        folder = nearhum.folder
        for name in list(sys.modules):
            if name.startswith("nearhum"):
                del sys.modules[name]  # Memory may have been short.
        __import__("nearhum").folder = folder
        from nearhum.boots import safe

        safe(why, retries, fresh, sound)
    except KeyboardInterrupt:
        micropython.kbd_intr(-1)  # A second Ctrl-C must not interrupt this.
        try:
            from nearhum.boots import stopped

            if not stopped():
                sys.exit()  # a soft reset
        finally:
            micropython.kbd_intr(3)
