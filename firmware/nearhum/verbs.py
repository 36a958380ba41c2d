"""Verbs: what a person may ask of the board, at the console or at the REPL.

Each verb is a method that takes a list of words and returns a dict; where it raises CommandError nothing has changed.
Whatever changes what was learned first keeps a snapshot, and afterwards saves and journals.
"""

import gc
from binascii import b2a_base64, crc32

from nearhum import __version__, board, config
from nearhum.errors import CommandError
from nearhum.features import Plan
from nearhum.guard import MAX_VETOES
from nearhum.labels import check_name
from nearhum.store import read_file
from nearhum.wire import LEARN, MAX_PAYLOAD_BYTES, NO_SCORE, RECORD_CRC_BYTES, RECORD_HEADER_BYTES, STATE_NAMES, WATCH

# the largest record must fit into an answer, and the answer into the console's buffer
_LOG_LEAST = MAX_PAYLOAD_BYTES + RECORD_HEADER_BYTES + RECORD_CRC_BYTES
_LOG_MOST = 1536
_STATE_CHUNK = 768
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Verbs:
    """The verbs over one pipeline."""

    def __init__(self, hum):
        self._hum = hum

    def table(self):
        """Return {name: function} of all verbs."""
        return {
            "help": self.help,
            "status": self.status,
            "learn": self.learn,
            "watch": self.watch,
            "enrol": self.enrol,
            "forget": self.forget,
            "relabel": self.relabel,
            "list": self.list,
            "log": self.log,
            "rollback": self.rollback,
            "trust": self.trust,
            "veto": self.veto,
            "accept": self.accept,
            "reject": self.reject,
            "reset": self.reset,
            "set": self.set,
            "get": self.get,
        }

    def help(self, words):
        """help"""
        return {
            "verbs": {
                "help": "this",
                "status": "what the board is doing",
                "learn": "[WINDOWS | 24h | stable [24h] | stop | pause | resume] [as MODE]: learn normal",
                "watch": "end the learning period and watch",
                "enrol": "LABEL [N]: the next N windows, or words, are examples of LABEL",
                "forget": "LABEL",
                "relabel": "OLD NEW: another name for a label",
                "list": "[snapshots | pending]: what was learned; what to roll back to; what waits for `accept`",
                "log": "FROM [MAXBYTES]: records of the journal",
                "rollback": "[N]: undo the last change, or all since snapshot N",
                "trust": "all is right as it is: budgets start anew",
                "veto": "LABEL [off]: never announce or learn it",
                "accept": "ID: learn a pending example",
                "reject": "ID: drop it",
                "reset": "learned | factory | log | all",
                "set": "KEY VALUE: change a setting; holds from the next start",
                "get": "[KEY] | state OFFSET",
            }
        }

    def status(self, words):
        """status"""
        hum = self._hum
        detector = hum.detector
        p = detector.prototypes
        gc.collect()
        return {
            "version": __version__,
            "board": hum.config["board"],
            "kind": hum.config["kind"],
            "path": hum.config["path"],
            "state": STATE_NAMES[detector.state],
            "n_learned": sum(p.counts),
            "learn_left": detector.learn_left,
            "learn_total": detector.learn_total,
            "paused": detector.paused,
            "learn_most": detector.most,
            "drift_left": detector.drift.budget_left if detector.drift else None,
            "score": None if hum.temporal.score == NO_SCORE else hum.temporal.score,
            "threshold": detector.threshold if p.counts else None,
            "alarm": hum.temporal.alarm,
            "label": hum.label_name(),
            "mode": detector.mode(),
            "n_windows": hum.n_windows,
            "n_prototypes": p.n,
            "n_labels": len(hum.recogniser.ids),
            "enrolling": hum.learned.enrol_left,
            "state_bytes": len(hum.learned.pack()),
            "seq": hum.journal.seq,
            "synced_seq": hum.journal.synced_seq,
            "log_first": hum.journal.first_seq,
            "boot": hum.journal.boot,
            "uptime_s": hum.clock.seconds,
            "mem_free": gc.mem_free(),
            "source": hum.source_state(),
            "faults": hum.guard.faults,
            "unsaved": hum.learned.unsaved,
            "warning": hum.learned.warning(),
            "dropped": hum.console.dropped,
        }

    def learn(self, words):
        """learn [WINDOWS | 10m | 24h | stable [24h] | stop | pause | resume] [as MODE]"""
        hum = self._hum
        cause = "learn " + " ".join(words)
        stable = words[:1] == ["stable"]
        if stable:
            words[:1] = ["24h"] if words[1:2] in ([], ["as"]) else []
        if words and words[0] == "stop":
            return self.watch([])
        if words and words[0] in ("pause", "resume"):
            return self._pause(words[0] == "pause")
        mode = " ".join(words[2:]) if len(words) > 1 else None
        if mode is not None:
            self._check_mode(words[1], mode)
        n = windows(words[0], hum.config) if words else hum.config["learn_windows"]
        low, high = config.SETTINGS["learn_windows"][:2]
        if hum.features.ranges and not mode:
            low = max(low, 2 * hum.config["n_range"])  # the range of slow channels is learned first
        low = max(low, 2 * hum.n_settling)
        if not low <= n <= high:
            raise CommandError("a learning period of %d windows" % n, "%d to %d windows" % (low, high))
        hum.guard.trust()
        hum.learned.snapshot(cause)
        if stable:  # never before there are scores enough, see calibration.ENOUGH
            hum.learned.start(min(n, max(low, 512, hum.config["learn_windows"])), mode, n)
        else:
            hum.learned.start(n, mode)
        return {"windows": n, "seconds": n * hum.config["n_hop"] / hum.config["rate_hz"], "mode": mode}

    def _pause(self, pause):
        d = self._hum.detector
        if d.state != LEARN:
            raise CommandError("no learning period runs", "`learn` begins one")
        d.paused = pause
        self._hum.learned.changed("state", state=STATE_NAMES[LEARN], paused=pause)
        return {"paused": pause, "learn_left": d.learn_left}

    def _check_mode(self, word, mode):
        if word != "as":
            raise CommandError("learn ... %r" % word[:40], "learn LENGTH as MODE adds a mode to what is normal")
        self._hum.guard.permit(mode)
        if self._hum.detector.state != WATCH:
            raise CommandError("nothing is normal yet that a mode could be added to", "`learn`, and wait for its end")

    def watch(self, words):
        """watch"""
        hum = self._hum
        if not hum.detector.prototypes.counts:
            raise CommandError("nothing was learned yet", "`learn` first")
        hum.learned.finish()
        return {"state": STATE_NAMES[hum.detector.state], "threshold": hum.detector.threshold}

    def enrol(self, words):
        """enrol LABEL [N]"""
        hum = self._hum
        if not words:
            raise CommandError("no label", "enrol LABEL [N]")
        n = whole(words[1]) if len(words) > 1 else 1
        if not 1 <= n <= 10:
            raise CommandError("%d examples" % n, "1 to 10 at a time")
        hum.guard.permit(words[0])
        if hum.features.ranges and not hum.features.ranges.known:
            raise CommandError("the range of the channels is not known yet", "`learn` first")
        hum.recogniser.check_room(words[0], n)
        hum.learned.snapshot("enrol " + words[0])
        hum.learned.enrol_label, hum.learned.enrol_left = words[0], n
        return {"label": words[0], "windows": n}

    def forget(self, words):
        """forget LABEL"""
        hum = self._hum
        if not words:
            raise CommandError("no label", "forget LABEL; `list` shows the labels")
        hum.recogniser.index(words[0])
        hum.learned.snapshot("forget " + words[0])
        hum.learned.unlearn(words[0])
        return {"label": words[0]}

    def relabel(self, words):
        """relabel OLD NEW"""
        hum = self._hum
        if len(words) != 2:
            raise CommandError("relabel takes two names", "relabel OLD NEW; `list` shows the labels")
        hum.recogniser.check_rename(words[0], words[1])
        hum.guard.permit(words[1])
        hum.learned.snapshot("relabel %s %s" % (words[0], words[1]))
        hum.learned.relabel(words[0], words[1])
        return {"label": words[1], "was": words[0]}

    def list(self, words):
        """list [snapshots]"""
        hum = self._hum
        if words == ["snapshots"]:
            return {"snapshots": hum.store.snapshots()}
        if words == ["pending"]:
            return {"pending": hum.learned.quarantine().told()}
        if words:
            raise CommandError("list %r" % words[0][:40], "list [snapshots | pending]")
        out = []
        for p, ids in ((hum.detector.prototypes, None), (hum.recogniser, hum.recogniser.ids)):
            for j in range(len(p.labels)):
                row = {"label": p.labels[j], "count": p.counts[j], "id": ids[j] if ids else 0}
                if ids:
                    row.update(hum.learned.notes.get(p.labels[j], {}))
                out.append(row)
        return {"prototypes": out, "vetoed": hum.guard.vetoed}

    def log(self, words):
        """log FROM [MAXBYTES]"""
        n = whole(words[1]) if len(words) > 1 else _LOG_LEAST
        first, after, records = self._hum.journal.read(
            whole(words[0]) if words else 0, max(_LOG_LEAST, min(n, _LOG_MOST))
        )
        return {"from": first, "next": after, "last": self._hum.journal.seq, "b64": base64(records)}

    def rollback(self, words):
        """rollback [N]"""
        hum = self._hum
        to = hum.learned.rollback(whole(words[0]) if words else 0)
        return {"to": to, "state": STATE_NAMES[hum.detector.state]}

    def trust(self, words):
        """trust"""
        hum = self._hum
        hum.learned.snapshot("trust")
        hum.learned.trust()
        return {"faults": hum.guard.faults}

    def veto(self, words):
        """veto LABEL [off]"""
        hum = self._hum
        off = words[1:] == ["off"]
        label, vetoed = words[0] if words else "", hum.guard.vetoed
        check_name(label)
        if words[1:] and not off or off != (label in vetoed) or not off and len(vetoed) == MAX_VETOES:
            raise CommandError("vetoed are: " + ", ".join(vetoed), "veto LABEL [off], %d at most" % MAX_VETOES)
        hum.learned.snapshot("veto " + " ".join(words))
        hum.learned.veto(label, off)
        return {"vetoed": hum.guard.vetoed}

    def accept(self, words):
        """accept ID"""
        return self._hum.learned.quarantine().accept(whole(words[0]) if words else 0)

    def reject(self, words):
        """reject ID"""
        return self._hum.learned.quarantine().reject(whole(words[0]) if words else 0)

    def reset(self, words):
        """reset learned | factory | log | all"""
        hum = self._hum
        what = words[0] if words else ""
        if what not in ("learned", "factory", "log", "all"):
            raise CommandError("reset %r" % what[:40], "reset learned, factory, log or all")
        if what != "log":
            hum.learned.snapshot("reset " + what)
            hum.learned.forget()
            if what == "factory":
                hum.learned.as_deployed()
        if what in ("log", "all"):
            hum.journal.clear()
        hum.learned.changed("reset", what=what)
        return {"what": what}

    def set(self, words):
        """set KEY VALUE"""
        if len(words) < 2:
            raise CommandError("set needs a name and a value", "`get` lists the settings")
        name = words[0]
        value = config.parse(name, " ".join(words[1:]))
        hum = self._hum
        board.change(hum.root, name, value, check_start)
        hum.journal.event("set", key=name, value=value)
        return {"key": name, "value": value, "now": hum.config.get(name), "note": "holds from the next start"}

    def get(self, words):
        """get [KEY] | state OFFSET"""
        hum = self._hum
        if not words:
            return {"settings": hum.config}
        if words[0] == "state":
            at = whole(words[1]) if len(words) > 1 else 0
            if at == 0 or not hum.store.sequence:
                hum.learned.save()  # the first piece fixes the image that the next ones are of
            image = read_file(hum.store.path())
            if at > len(image):
                raise CommandError("offset %d" % at, "0 to %d" % len(image))
            part = image[at : at + _STATE_CHUNK]
            return {"size": len(image), "crc": crc32(image[:-4]), "offset": at, "b64": base64(part)}
        if words[0] not in hum.config:
            raise CommandError("no setting %r" % words[0][:40], "`get` lists them")
        return {"key": words[0], "value": hum.config[words[0]]}


def check_start(settings):
    """Raise ConfigError, or ImportError, where a board could not make its features and so would not start."""
    Plan(settings)
    __import__("nearhum.dsp_" + settings["path"])
    if settings["teach"] != "off":
        __import__("nearhum.near")
    if settings["prior"]:
        __import__("nearhum.prior")


def base64(raw):
    """Return raw bytes as base64 text, in one piece."""
    return b2a_base64(raw)[:-1].decode()


def whole(word):
    """Return the number that a word is, 0 or more. Raises CommandError."""
    if not word.isdigit() or len(word) > 9:
        raise CommandError("%r is not a whole number" % word[:40], "0 to 999999999")
    return int(word)


def windows(word, settings):
    """Return the windows that a learning period of this length has: `400`, or `30s`, `10m`, `24h`, `2d`."""
    if word[-1:] in _SECONDS:
        seconds = whole(word[:-1]) * _SECONDS[word[-1]]
        return int(seconds * settings["rate_hz"] / settings["n_hop"])
    return whole(word)
