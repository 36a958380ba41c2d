"""nearhum: learns what is normal for a machine, on the board itself. Read pipeline.py first.

Importing this package imports nothing else. CPython uses only formats, errors and checks from
it, and a board loads a module when it is needed. At the REPL every console verb is a function:
`import nearhum; nearhum.status()`. `nearhum.run()` resumes the loop that Ctrl-C stopped, and
`nearhum.push(values)` gives it samples (sources/push.py).
"""

__version__ = "0.1.0"
# Set by choose_app.py: the folder of this application ("" for /), and the path of a file that is
# not as it was deployed.
folder = wrong = ""

# The verbs of the console, and the module of each, which has its function and its help text. This
# table has no more than that, because a module is loaded only when one of its verbs is used.
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
        # For `from nearhum import wire` MicroPython calls this before it looks for a file. `start`
        # is left out, because dir() must not load it.
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
