"""One life of a board on a flash that fails: what is done to it, what it promises, what is left.

Runs under MicroPython, many lives in one process. A life is starts, windows, commands and time, all
drawn from its number; the judge is at the end of this file. *Acknowledged*: a record below
`synced_seq`, a state that is saved when a command is answered and nothing is `unsaved`, a setting
when `set` is answered.
"""

from binascii import a2b_base64, crc32

import vfs
from fakes import fill
from harness import Lcg
from nearhum import wire
from nearhum.errors import ConfigError, NearhumError
from nearhum.storage import changed, journal, store

ROOT = "/cut/"
LABELS = ("hum", "tap", "knock")
SMALL = {"n_channels": 1, "n_window": 32, "n_hop": 32, "n_bands": 5, "rate_hz": 32}


class Power(Exception):
    """The power has failed."""


class Life:
    """A board on a flash, and all that is known of it."""

    def __init__(self, flash, prog_bytes, seed):
        self.flash, self.prog_bytes = flash, prog_bytes
        self.random = Lcg(seed)
        self.hum = None
        self.n_starts = 0
        self.faults = []  # what the loop was ended by
        self.records = {}  # by number: CRCs of what was ever written under it
        self.saves = {}  # by sequence: CRCs of the bodies that were saved
        self.settings = {}  # by name: values that may be in force
        # what is promised
        self.synced = 0
        self.first = 0
        self.acked = {}
        self.sequence = 0
        self.boot = 0
        self.is_full = False
        self.making_room = False  # the oldest log may go: no room, or `reset log` is under way

    # --- the power --------------------------------------------------------------------------------

    def start(self):
        """Mount and start, as main.py does. Returns "" or why there is no pipeline."""
        import nearhum.pipeline as module

        module._current = None
        wire.signer = None
        global _life
        _life = self
        self.n_starts += 1
        try:
            vfs.mount(
                vfs.VfsLfs2(self.flash, readsize=32, progsize=self.prog_bytes, lookahead=32),
                ROOT[:-1],
            )
        except OSError as e:
            return "no file system: %r" % e
        try:
            with open(ROOT + "hum/boots", "wb") as f:
                f.write(b"\1\0")
        except OSError:
            pass
        why, taken = "", ""
        for _ in range(4):
            try:
                self.hum = module.Pipeline(ROOT)
            except NearhumError as e:
                why = e.message
                if not isinstance(e, ConfigError) or not changed.set_aside(ROOT):
                    return "safe mode: " + why
                taken = why
                continue
            except (OSError, ValueError) as e:
                why = "safe mode: three failures, %r" % e
                continue
            if taken:
                self.hum.store.refused.append(taken)
                self.hum.journal.event("refused", error=taken, window=0)
            return ""
        return why

    def stop(self):
        """Take the power."""
        if self.hum:
            self.hum.source.close()
        self.hum = None
        try:
            vfs.umount(ROOT[:-1])
        except OSError:
            pass
        self.flash.revive()

    # --- what is done -----------------------------------------------------------------------------

    def ask(self, line):
        """Ask the console; note what is promised with the answer."""
        resets = line in ("reset log", "reset all")
        if resets:
            self.making_room = True
        if line.startswith("set "):
            name, value = line.split()[1:]
            may = self.settings.setdefault(name, [self.hum.config[name]])
            may.append(int(value))
        answer = self.hum.console.execute(line)
        if self.flash.dead:
            raise Power
        if line.startswith("set ") and answer["ok"]:
            self.settings[name] = [int(value)]
        self.promised(resets and answer["ok"])
        return answer

    def windows(self, n, seconds):
        """Let windows pass, each so many seconds."""
        hum = self.hum
        level, tone = 100 + 50 * self.random.below(4), 1000
        for _ in range(n):
            fill(hum.window, self.random, level, tone)
            hum.take_window()
            hum.keep_window()
            hum.window.advance()
            hum.clock.seconds += seconds
            hum.journal.now_s = hum.clock.seconds
            if hum.clock.seconds >= hum.health.next_s:
                hum.health.check()
            hum.learned.save_when_due()
            hum.journal.tick()
            if self.flash.dead:
                raise Power
        self.promised()

    def promised(self, anew=False):
        """Note what holds from now on. anew: the log has just been cleared."""
        hum = self.hum
        j = hum.journal
        if anew:
            self.making_room = self.is_full
        for seq in range(self.synced, j.synced_seq):
            # what was dropped, and told in `status`, was never acknowledged
            if seq in self.records:
                self.acked[seq] = self.records[seq][-1]
        if j.n_lost:
            self.acked = {
                s: crc for s, crc in self.acked.items() if s < self.synced or s >= j._lost_to
            }
        if j.synced_seq > self.synced and j.synced_seq > self.first:
            self.boot = j.boot
        self.synced = j.synced_seq
        if not self.making_room:
            self.first = j.first_seq
        if not hum.learned.unsaved and hum.store.sequence:
            self.sequence = hum.store.sequence

    def act(self, resets=False):
        """Do one thing, drawn."""
        r = self.random
        kind = r.below(12)
        if kind < 4:
            self.windows(1 + r.below(40), (1, 1, 5, 20)[r.below(4)])
            return
        a, b = LABELS[r.below(3)], LABELS[r.below(3)]
        line = (
            "learn %d" % (8 + r.below(30)), "learn 10 as fast", "watch", "learn pause",
            "learn resume", "enrol %s %d" % (a, 1 + r.below(3)), "forget " + a,
            "relabel %s %s" % (a, b), "veto " + a, "veto %s off" % a, "rollback", "trust",
            "set alarms_per_day %d" % (1 + r.below(9)), "set alarm_n %d" % (5 + r.below(4)),
            "reset learned", "reset log", "reset all", "reset factory", "get state 0", "status",
            "time 179500%04d" % r.below(10000), "list snapshots", "log 0",
        )  # fmt: skip
        self.ask("reset log" if resets and r.below(3) == 0 else line[r.below(len(line))])

    def plan(self, n):
        """Have things fail within about n operations from now."""
        r = self.random
        ahead = r.below(8) if r.below(2) else r.below(n)
        self.flash.cut = self.flash.operations + ahead
        self.flash.tear = r.below(4)

    # --- the judge --------------------------------------------------------------------------------

    def judged(self, said):
        """Start a last time and hold what is there against what was promised.

        said: dict that takes lost, misread, silent: lists of texts; and told.
        """
        why = self.start()
        if why:
            said["told"].append(why)
            said["started"] = False
            return
        hum = self.hum
        refused = list(hum.store.refused)
        said["started"] = True
        said["told"] += refused
        crc = crc32(hum.learned.pack())
        at = hum.store.loaded_sequence
        if at and crc not in self.saves.get(at, ()):
            said["misread"].append("state %d is none that was saved" % at)
        if at < self.sequence:
            (said["lost"] if refused else said["silent"]).append(
                "state %d, %d was saved" % (at, self.sequence)
            )
        for name, may in self.settings.items():
            if hum.config[name] not in may:
                (said["lost"] if refused else said["silent"]).append(
                    "%s is %r, not %r" % (name, hum.config[name], may)
                )
        self._judge_records(said, refused)

    def _judge_records(self, said, refused):
        hum = self.hum
        began, there = hum.journal._segments[-1], []
        seq = hum.journal.first_seq
        if began < self.synced:
            said["silent"].append("numbers %d to %d are given again" % (began, self.synced - 1))
        if hum.journal.boot <= self.boot:
            said["silent"].append("boot %d again, after %d" % (hum.journal.boot, self.boot))
        while True:
            answer = hum.console.execute("log %d 1536" % seq)
            if not answer["ok"]:
                said["told"].append("log: " + answer["error"])
                break
            raw, at = a2b_base64(answer["b64"]), 0
            while at < len(raw):
                n = wire.record_bytes(raw, at, len(raw))
                if not n:
                    said["misread"].append("a record that is not sound")
                    return
                number = wire.record_seq(raw, at)
                crc = crc32(memoryview(raw)[at : at + n])
                if crc not in self.records.get(number, ()):
                    said["misread"].append("record %d was never written so" % number)
                elif number in self.acked and crc != self.acked[number]:
                    said["misread"].append("record %d is another" % number)
                if there and number <= there[-1]:
                    said["misread"].append("record %d after %d" % (number, there[-1]))
                there.append(number)
                at += n
            if not raw or answer["next"] <= seq:
                break
            seq = answer["next"]
        found = set(there)
        first = hum.journal.first_seq
        gone = [s for s in self.acked if s >= self.first and s not in found]
        if self.making_room:  # what is older than the oldest that is left made room
            gone = [s for s in gone if s >= first]
        if gone:
            said["lost"].append(
                "%d records from %d, of %d to %d" % (len(gone), min(gone), self.first, self.synced)
            )
        if there and there[-1] + 1 != hum.journal.synced_seq and not gone:
            said["lost"].append("the last record is %d of %d" % (there[-1], hum.journal.synced_seq))


_life = None
_pack_record = journal.pack_record
_save = store.Store.save
_load = store.Store.load


def _packing(kind, seq, ticks_ms, payload):
    raw = _pack_record(kind, seq, ticks_ms, payload)
    _life.records.setdefault(seq, []).append(crc32(raw))
    return raw


def _saving(self, body, log_seq=0):
    before = self.sequence
    _life.saves.setdefault(before + 1, []).append(crc32(body))
    _save(self, body, log_seq)


def _loading(self, take):
    loaded = _load(self, take)
    self.loaded_sequence = self.sequence if loaded else 0
    return loaded


journal.pack_record = _packing
store.Store.save = _saving
store.Store.load = _loading
