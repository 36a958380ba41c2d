"""Safe mode: a console that answers, and nothing else.

Enters: the reason, from start.py, which loads this only then. Leaves: answers on the serial line.
No sensor is read, nothing is learned, and the learned state is not touched. The log can be pulled,
and `set` corrects a setting or restores it. `trust` ends safe mode, and so does time.
"""

import gc

import nearhum
from nearhum import VERBS, __version__, board, lifetime
from nearhum.console.console import Console
from nearhum.console.verbs import Verbs
from nearhum.errors import CommandError, ConfigError
from nearhum.storage.deployed import as_deployed


class Safe:
    """The console of safe mode.

    why: (what is wrong, what to do about it). wait_s: seconds until the board tries a normal start.
    fresh: True to journal that safe mode began. A board that browns out comes here again and again,
    and only the first time is written. sound: True if the files are as deployed, so that `set` may
    run.
    """

    root = "/"

    def __init__(self, why, wait_s, fresh, sound):
        self._why = why
        self._wait_s = wait_s
        self._clock = board.Clock()
        self._trusted = False
        self._sound = sound
        self.journal = None
        try:
            self._open_journal(fresh)
        except (OSError, ValueError) as e:
            self._why = "%s; no log: %s" % (why[0], e), why[1]

    def _open_journal(self, fresh):
        from nearhum.storage.journal import Journal

        self.config = {}
        try:
            self.config = as_deployed("/") or {}
        except ConfigError:
            pass
        name = self.config.get("board", "")
        self.journal = Journal("/", {"version": __version__, "board": name, "config": self.config})
        if fresh:
            self.journal.event(
                "safe", error=self._why[0], hint=self._why[1], window=0, cause=board.reset_cause()
            )
            self.journal.flush()

    def serve(self):
        """Answer commands. Returns True after `trust`, False at the end of the wait."""
        # The verbs of safe mode: function, and help text, which begins with the words that may
        # follow.
        own = {
            "help": (lambda words: {"verbs": {name: own[name][1] for name in own}}, "this"),
            "status": (self._status, "why safe mode"),
            "trust": (self._trust, "start at once"),
        }
        if self.journal:
            own["log"] = Verbs(self)["log"], "FROM: records"
            if self._sound:
                own["set"] = self._set, "KEY VALUE | default: put a setting right, or take it back"
        console = Console({name: own.get(name, (self._refused,))[0] for name in VERBS})
        console.answer({"ok": False, "verb": "start", "error": self._why[0], "hint": self._why[1]})
        while self._clock.seconds < self._wait_s and not self._trusted:
            if not console.poll():
                lifetime.rest()
            self._clock.tick()
        for _ in range(200):
            console.poll()  # Send the last answer.
            lifetime.rest()
        return self._trusted

    def _refused(self, words):
        raise CommandError(
            "safe mode: " + self._why[0], "%s; `trust` starts the board at once" % self._why[1]
        )

    def _set(self, words):
        from nearhum.console.setting import set_

        try:
            out = set_(self, words)
        finally:
            lifetime.let_go(lifetime.PER_COMMAND)
        self.journal.flush()
        out["note"] = "takes effect after a restart: `trust`"
        return out

    def _trust(self, words):
        self._trusted = True
        return {"starts": True, "faults": 0}

    def _status(self, words):
        gc.collect()
        journal = self.journal
        return {
            "version": __version__,
            "folder": nearhum.folder or "/",
            "board": self.config.get("board", ""),
            "state": "safe",
            "warning": "safe mode: %s. %s" % self._why,
            "starts_in_s": max(0, self._wait_s - self._clock.seconds),
            "seq": journal.seq if journal else 0,
            "synced_seq": journal.synced_seq if journal else 0,
            "log_first": journal.first_seq if journal else 0,
            "boot": journal.boot if journal else 0,
            "uptime_s": self._clock.seconds,
            "mem_free": gc.mem_free(),
        }
