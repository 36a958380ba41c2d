"""Verbs: what a person may ask of the board, at the console or at the REPL.

Each verb takes a list of words and returns a dict; where it raises CommandError nothing has changed. Those that tell
something stand here; those that change something are in changes.py, which is loaded when one of them is asked.
"""

import gc
from binascii import b2a_base64, crc32

from nearhum import VERBS, __version__, board
from nearhum.errors import CommandError, whole
from nearhum.store import read_file
from nearhum.wire import MAX_PAYLOAD_BYTES, NO_SCORE, RECORD_CRC_BYTES, RECORD_HEADER_BYTES, STATE_NAMES

# the largest record must fit into an answer, and the answer into the console's buffer
_LOG_LEAST = MAX_PAYLOAD_BYTES + RECORD_HEADER_BYTES + RECORD_CRC_BYTES
_LOG_MOST = 1536
_STATE_CHUNK = 768


class Verbs:
    """The verbs over one pipeline: a dict of them to the console, each made when it is asked for."""

    def __init__(self, hum):
        self._hum = hum

    def __contains__(self, name):
        return name in VERBS

    def __getitem__(self, name):
        return getattr(self, name, None) or self._later(name)

    def _later(self, name):
        def run(words):
            if name in ("look", "raw"):
                from nearhum.look import Look as Asked
            elif name in ("help", "learn", "watch", "enrol", "time", "set"):
                from nearhum.changes import Changes as Asked
            else:
                from nearhum.taught import Taught as Asked
            try:
                return getattr(Asked(self._hum), name)(words)
            finally:
                board.let_go("changes", "taught", "deployed", "config", "plan", "look")

        return run

    def status(self, words):
        """status"""
        hum = self._hum
        detector = hum.detector
        p = detector.prototypes
        longest, hum.clock.longest_ms = hum.clock.longest_ms, 0
        erased = hum.journal.erased + hum.store.erased
        gc.collect()
        return {
            "version": __version__,
            "board": hum.config["board"],
            "id": board.chip(),
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
            "utc": hum.journal.epoch_s + hum.clock.seconds if hum.journal.epoch_s else None,
            "erased": erased,
            "flash_years": flash_years(hum.journal.n_blocks, erased, hum.clock.seconds),
            "mem_free": gc.mem_free(),
            "source": hum.health.state(),
            "fault": hum.health.error,
            "faults": hum.guard.faults,
            "gaps": hum.gaps,
            "late": getattr(hum.source, "late", 0),
            "turn_ms": longest,
            "unsaved": hum.learned.unsaved,
            "warning": hum.learned.warning(),
            "dropped": hum.console.dropped,
        }

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


def flash_years(n_blocks, erased, seconds):
    """Return the years that flash of n_blocks lasts, where `erased` were erased in so many seconds (at least an hour).

    A NOR block stands 100,000 erases. LittleFS levels them, but not evenly: the busiest block takes what a third
    of all blocks would take on average (tests/wear.py); and its own bookkeeping takes a tenth more.
    """
    return 100000 * n_blocks * max(seconds, 3600) // ((1 + erased) * 104068800)


def base64(raw):
    """Return raw bytes as base64 text, in one piece."""
    return b2a_base64(raw)[:-1].decode()
