"""Learned: everything the board has learned, as one thing: begun, ended, enrolled, saved.

It binds the ranges of slow channels, the detector's prototypes and threshold, and the recogniser's
labels to the store and the journal: every change of them is made here, saved, and journalled with
its cause.
"""

import struct

from nearhum.board import reset_cause
from nearhum.errors import CommandError, FormatError, NearhumError
from nearhum.wire import LEARN, STATE_NAMES, WATCH

DRIFT_S = 3600  # a save


class Learned:
    """What was learned, of one pipeline.

    It takes the pipeline, for a change of what was learned concerns nearly all of its stages; those
    before the journal are made already.
    """

    def __init__(self, hum):
        self._hum = hum
        self.ranges = hum.features.ranges  # None unless means are ranged
        self.detector = hum.detector
        self.recogniser = hum.recogniser
        self.guard = hum.guard
        self.temporal = hum.temporal
        self.store = hum.store
        self.journal = hum.journal
        self.enrol_label, self.enrol_left = "", 0
        self.unfit = ""  # why the last window was no example
        self.notes = {}  # by label: what its last enrolment found, see about() of the recognisers
        self.unsaved = ""  # why the last save failed; the state is still in RAM then
        self.half_done = False  # see put_back
        self._saved_s = 0
        self._undo = 0  # snapshot of before the change that is being made
        self._quarantine = None
        self._pending = b""  # packed, as long as there is no Quarantine

    def load(self):
        """Take up what a reset interrupted: a learning period with its next window, watching
        with its threshold.
        """
        loaded = self.store.load(self.unpack)
        if not self.journal.seq:  # no segment is left: its numbers go on all the same
            self.journal.seq = self.journal.synced_seq = self.store.log_seq
        from nearhum.storage import epoch

        epoch.compare(self._hum.root, self.store, self.journal)
        if not loaded:
            self.as_deployed()
        self.journal.event(
            "start",
            state=STATE_NAMES[self.detector.state],
            loaded=loaded,
            window=0,
            cause=reset_cause(),
        )
        for reason in self.store.refused:
            self.journal.event("refused", error=reason, window=0)
        self.journal.flush()  # a boot that is cut short is a boot too

    def as_deployed(self):
        """Take the prior, if the board has one, in the place of nothing learned; a bad one is
        told, and not taken.
        """
        if self._hum.config["prior"]:
            from nearhum.storage.prior import begin

            begin(self, self._hum.root, self._hum.config)

    # --- changes ----------------------------------------------------------------------------------

    def start(self, n_windows, mode=None, most=0):
        """Learn what is normal anew from the next n_windows; or add them to it, as a mode of that
        name.

        most: 0, or windows at most of a period that ends when it is stable. Anew: beginning with
        the prior, where there is one. Raises FormatError for a bad one; nothing has changed then.
        """
        given = ()
        if self._hum.config["prior"] and not mode:
            from nearhum.storage.prior import normal

            given = normal(self, self._hum.root, self._hum.config)
        elif self.ranges and not mode:
            self.ranges.forget()
        self.temporal.reset()
        self.temporal.restart()
        self.detector.start(n_windows, mode, most)
        for label, sums in given:
            self.detector.prototypes.unpack(label, sums)
        self.changed("state", state=STATE_NAMES[LEARN], windows=most or n_windows, mode=mode)

    def finish(self):
        """End the learning period, if one runs, and watch."""
        d = self.detector
        if d.state == LEARN:
            stopped = d.learn_left > 0
            n = d.learn_total - d.learn_left
            d.finish()
            self._hum.n_alarm, self._hum.watched_from = 0, self._hum.n_windows
            counts = d.prototypes.counts
            from nearhum.detection import doubts

            self.changed(
                "learned", n=n, threshold=d.threshold, scores=d.n_scores, modes=counts,
                dirt=d.dropped, cause="stable" if d.most else "stopped" if stopped else "length",
                warning=self.warning(), **doubts.interval(d, self._hum.config["alarms_per_day"])
            )  # fmt: skip
        self.temporal.reset()
        self.changed("state", state=STATE_NAMES[d.state])

    def enrol(self, embedding):
        """Take the window, or the utterance that ended with it, as the next example, if it can
        be one.
        """
        example = self.recogniser.example(embedding)
        if not example:
            return
        why = self._hum.health.unfit()
        if why:
            if why != self.unfit:  # told once, not at every window
                self.journal.event("unfit", label=self.enrol_label, error=why, window=self.window())
            self.unfit = why
            return
        self.unfit = ""
        label_id, count = self.recogniser.enrol(self.enrol_label, example)
        self.enrol_left -= 1
        self.guard.renew(label_id)
        about = (
            {}
            if self.enrol_left
            else self.recogniser.about(self.enrol_label, self.detector.prototypes)
        )
        self.notes[self.enrol_label] = about
        self.changed("enrolled", label=self.enrol_label, id=label_id, count=count, **about)

    def warning(self):
        """Return what a user should know about what was learned, "" for nothing."""
        d = self.detector
        if self.enrol_left and self.unfit:
            return "no example of %s: %s" % (self.enrol_label, self.unfit)
        if self.store.refused:
            return self.store.refused[-1]
        if d.state == WATCH:
            from nearhum.detection import doubts

            c = self._hum.config
            why = doubts.said(d, self._hum.name, c["n_hop"] / c["rate_hz"])
            if why:
                return why
        return self._hum.health.warning()

    def quarantine(self):
        """Return the quarantine of pseudo-examples, made when first asked for.

        Raises CommandError without one.
        """
        if not self._quarantine:
            if self._hum.config["teach"] == "off":
                raise CommandError("near misses teach nothing", "`set teach ask`")
            from nearhum.recognition.quarantine import Quarantine

            self._quarantine = Quarantine(self)
            self._quarantine.unpack(self._pending)
        return self._quarantine

    def caught(self, near):
        """Take a near miss that a hit has followed."""
        near.caught = False
        if self.guard.learning():
            self.quarantine().take(near, self._hum.config["teach"] == "auto")

    def window(self):
        """Return the number of the present window."""
        return self._hum.n_windows

    def drop(self, label_id):
        """Drop what was pending for a label that is no more; 0: for all."""
        if self._quarantine or self._pending and self._hum.config["teach"] != "off":
            self.quarantine().forget(label_id)
        else:
            self._pending = b""

    def afresh(self):
        """Note that other things are known now: no alarm, no smoothing and no enrolment goes on
        from before.
        """
        self.enrol_left = 0
        self.notes = {}
        self.temporal.reset()
        self.temporal.restart()

    def changed(self, event, **what):
        """Save and journal a change, with its cause."""
        what["window"] = self.window()
        if self._undo:
            what["undo"], self._undo = self._undo, 0
        self._hum.listen()
        self.save()
        self.journal.event(event, **what)

    # --- keeping ----------------------------------------------------------------------------------

    def snapshot(self, cause, by_itself=False):
        """Keep the present state to roll back to, before a change; see snapshots.take."""
        from nearhum.storage.snapshots import take

        self._undo = take(self, cause, by_itself) or self._undo

    def save(self):
        """Save the state; a full file system gives up its oldest log for it."""
        body = self.pack()
        self._saved_s = self._hum.clock.seconds
        while True:
            try:
                self.store.save(body, self.journal.seq)
                self.unsaved = ""
                return
            except OSError as e:
                if not self.journal.make_room(e):
                    if not self.unsaved:
                        self.journal.event("unsaved", error=str(e), window=self.window())
                    self.unsaved = str(e)
                    return

    def save_when_due(self):
        """Save what changes by itself at intervals: a reset costs minutes of a learning period,
        an hour of drift.
        """
        if self.half_done:
            raise MemoryError("a change is half done")
        elapsed, d = self._hum.clock.seconds - self._saved_s, self.detector
        if self.guard.due(elapsed) and (
            d.state == LEARN or self.unsaved or d.drift and elapsed >= DRIFT_S
        ):
            self.save()

    def put_back(self):
        """Take what is on flash: memory did not last for a change.

        Where it does not last for this either, the next turn ends the loop, which begins again.
        """
        self.half_done = True
        if self.store.load(self.unpack):
            self.half_done = False

    def pack(self):
        """Return everything learned as bytes: the body of a state file."""
        ranges = self.ranges.pack() if self.ranges else b""
        body = ranges + self.detector.pack() + self.recogniser.pack()
        # what not every state has: u8 which, u16 bytes
        parts = (self.guard.pack(), self._quarantine.pack() if self._quarantine else self._pending)
        for i in range(len(parts)):
            if parts[i]:
                body += struct.pack("<BH", i, len(parts[i])) + parts[i]
        return body

    def unpack(self, body):
        """Take a state's body in the place of what is learned now.

        Raises FormatError for one that makes no sense, whatever its CRC says; nothing has changed
        then.
        """
        before = self.pack()
        try:
            self._take(memoryview(body))
        except (ValueError, IndexError, NearhumError):
            self._take(memoryview(before))
            raise FormatError("state makes no sense", "restore a backup")

    def _take(self, body):
        at = self.ranges.unpack(body) if self.ranges else 0
        at += self.detector.unpack(body[at:])
        at += self.recogniser.unpack(body[at:])
        parts = [b"", b""]
        while at < len(body):
            i, n = struct.unpack_from("<BH", body, at)
            parts[i] = body[at + 3 : at + 3 + n]
            at += 3 + n
        self.guard.unpack(parts[0])
        self._pending = bytes(parts[1])
        self._quarantine = None
        self.afresh()
