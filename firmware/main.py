"""Start nearhum at power-on. Ctrl-C leaves the plain REPL, with what was learned and logged safe on flash.

The one catch of the application: what nobody else caught is journalled as a fault, and the loop begins again from the
stored state. Three such failures within a minute leave the REPL instead: safe mode. A setting changed with `set` that
keeps the board from starting is taken back.
"""

import sys
import time


def main():
    from nearhum import board
    from nearhum.errors import ConfigError, NearhumError

    failures = []
    while len(failures) < 3 or time.ticks_diff(time.ticks_ms(), failures[-3]) > 60000:
        hum = None
        try:
            from nearhum.pipeline import Pipeline

            hum = Pipeline()
            hum.run()
        except KeyboardInterrupt:  # `run` has closed, before it gives Ctrl-C back to the REPL
            print("nearhum: stopped. Resume with Ctrl-D, or nearhum.run() after import nearhum.")
            return
        except (NearhumError, ImportError) as e:
            # a setting, what was not deployed for it, or the sensor: trying again changes nothing, unless it was a
            # setting that `set` changed
            print("nearhum: %s. %s" % (getattr(e, "message", e), getattr(e, "hint", "Deploy again with the settings.")))
            if not (isinstance(e, (ConfigError, ImportError)) and board.set_aside("/")):
                return
            print("nearhum: what `set` had changed is taken back; hum/set.refused keeps it.")
        except Exception as e:
            failures.append(time.ticks_ms())
            sys.print_exception(e)
            if hum:
                hum.journal.event("fault", error=repr(e), window=hum.n_windows, learning=hum.guard.learning())
                hum.journal.flush()
    print("nearhum: three failures within a minute; safe mode. The log has them: nearhum pull.")


main()
