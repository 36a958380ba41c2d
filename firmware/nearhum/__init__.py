"""nearhum: learns what is normal for a machine, on the board itself. Read pipeline.py first.

Importing this imports nothing else: CPython takes only `wire` and `errors` from here, and a board
loads a module when it is needed. At the REPL every console verb is a function, `import nearhum;
nearhum.status()`, and `nearhum.run()` resumes the loop that Ctrl-C stopped. `nearhum.push(values)`
gives it samples (sources/push.py).
"""

__version__ = "0.1.0"
# Set by main.py: the folder of this application, "" for /; and the file that is not as deployed.
folder = wrong = ""

# The verbs of the console, each with the module that has it: there its function and its help stand
# side by side. Of no more than this is there a table, for a module is loaded only when it is asked.
VERBS = {
    "help": "console.told", "status": "console.told", "list": "console.told",
    "log": "console.verbs", "get": "console.verbs",
    "learn": "console.changes", "watch": "console.changes", "enrol": "console.changes",
    "time": "console.changes",
    "set": "console.setting",
    "forget": "console.taught", "relabel": "console.taught", "rollback": "console.taught",
    "trust": "console.taught", "veto": "console.taught", "accept": "console.taught",
    "reject": "console.taught", "reset": "console.taught",
    "look": "features.look", "raw": "features.look",
}  # fmt: skip


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
