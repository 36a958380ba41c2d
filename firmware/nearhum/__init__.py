"""nearhum: learns what is normal for a machine, on the board itself. Read pipeline.py first.

Importing this imports nothing else: CPython takes only `wire` and `errors` from here, and a board
loads a module when it is needed. At the REPL every console verb is a function, `import nearhum;
nearhum.status()`, and `nearhum.run()` resumes the loop that Ctrl-C stopped. `nearhum.push(values)`
gives it samples (sources/push.py).
"""

__version__ = "0.1.0"
# Set by main.py: the folder of this application, "" for /; and the file that is not as deployed.
folder = wrong = ""

VERBS = (
    "help", "status", "learn", "watch", "enrol", "forget", "relabel", "list", "log", "rollback",
    "trust", "veto", "accept", "reject", "reset", "time", "set", "get", "look", "raw",
)  # fmt: skip


def __getattr__(name):
    if name not in VERBS and name not in ("run", "push"):
        # MicroPython asks here, before it looks for a file, when someone writes `from nearhum
        # import wire`; start runs when it is loaded, which dir() must not bring about
        if name[0] != "_" and name != "start":
            try:
                __import__("nearhum." + name)
                return globals()[name]
            except ImportError:
                pass
        raise AttributeError(name)
    from nearhum.pipeline import current

    hum = current()
    if name == "push":
        return hum.source.feeder(hum.step)
    return hum.run if name == "run" else hum.console.as_function(name)
