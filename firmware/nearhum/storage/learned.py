"""Learned: everything that the board has learned, as one state.

Enters: commands to learn and to enrol, and embeddings. Leaves: states for the store, and events for
the journal. The state consists of the ranges of slow channels, the detector's prototypes and
threshold, the recogniser's labels, and the guard's vetoes and budgets. Every change of it is made
here, saved, and journalled with its cause.
"""

import struct

from nearhum.board import reset_cause
from nearhum.errors import CommandError, FormatError, NearhumError
from nearhum.wire import LEARN, STATE_NAMES, WATCH

# Save the followed drift hourly, so that a reset loses at most an hour of it: 8,760 flash writes a
# year.
DRIFT_SAVE_S = 3600


class Learned:
    """The learned state of one pipeline.

    It takes the pipeline, because a change of the state concerns nearly all stages. The stages up
    to the journal must exist already.
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
        # the label that is being enrolled, and the number of examples that it still needs
        self.enrol_label, self.enrol_left = "", 0
        self.unfit = ""  # why the last window could not be an example
        self.notes = {}  # label: what its last enrolment found, see about() of the recognisers
        self.unsaved = ""  # why the last save failed; the state is then only in RAM
        self.half_done = False  # True if memory ran out during a change, see put_back
        self._saved_s = 0  # time of the last save
        self._undo = 0  # number of the snapshot from before the change that is being made
        self._quarantine = None
        self._pending = b""  # the quarantine as bytes, until a Quarantine is needed

    def load(self):
        """Load the saved state, and continue what a reset interrupted: learning or watching."""
        loaded = self.store.load(self.unpack)
        if not self.journal.seq:  # No segment is left. The state knows which number comes next.
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
        self.journal.flush()  # So a boot is in the log even if a reset follows at once.

    def as_deployed(self):
        """Start from the prior, if the board has one. A bad prior is reported and not used."""
        if self._hum.config["prior"]:
            from nearhum.storage.prior import begin

            begin(self, self._hum.root, self._hum.config)

    # --- changes ----------------------------------------------------------------------------------

    def start(self, n_windows, mode=None, most=0):
        """Begin a learning period.

        n_windows: its length. mode: None learns from nothing, or from the prior if there is one. A
        name adds the period to what is normal, as a mode of that name. most: 0, or the longest
        length of a period that ends once it is stable. Raises FormatError if the prior is bad. Then
        nothing has changed.
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
        """End the learning period, if there is one, and watch."""
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
                dirt=d.dropped,
                cause="stable" if d.learn_most else "stopped" if stopped else "length",
                warning=self.warning(), **doubts.interval(d, self._hum.config["alarms_per_day"])
            )  # fmt: skip
        self.temporal.reset()
        self.changed("state", state=STATE_NAMES[d.state])

    def enrol(self, embedding):
        """Enrol the window, or the utterance that ended with it, if it can be an example.

        embedding: int8 (n_dims,).
        """
        example = self.recogniser.example(embedding)
        if not example:
            return
        why = self._hum.health.unfit()
        if why:
            if why != self.unfit:  # Report a reason once, not at every window.
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
        """Return a warning about the learned state for the user, or ""."""
        d = self.detector
        if self.enrol_left and self.unfit:
            return "no example of %s: %s" % (self.enrol_label, self.unfit)
        if self.store.refused:
            return self.store.refused[-1]
        if d.state == WATCH:
            from nearhum.detection import doubts

            c = self._hum.config
            why = doubts.warning(d, self._hum.name, c["n_hop"] / c["rate_hz"])
            if why:
                return why
        return self._hum.health.warning()

    def quarantine(self):
        """Return the Quarantine of pseudo-examples. The first call loads it.

        Raises CommandError if near misses teach nothing.
        """
        if not self._quarantine:
            if self._hum.config["teach"] == "off":
                raise CommandError("teach is off, so no near miss is kept", "`set teach ask`")
            from nearhum.recognition.quarantine import Quarantine

            self._quarantine = Quarantine(self)
            self._quarantine.unpack(self._pending)
        return self._quarantine

    def caught(self, near):
        """Put a near miss that was followed by a hit into the quarantine. near: Near."""
        near.caught = False
        if self.guard.learning():
            self.quarantine().take(near, self._hum.config["teach"] == "auto")

    def window(self):
        """Return the number of the present window."""
        return self._hum.n_windows

    def drop(self, label_id):
        """Drop what is pending for a label that was removed. label_id: 0 drops all."""
        if self._quarantine or self._pending and self._hum.config["teach"] != "off":
            self.quarantine().forget(label_id)
        else:
            self._pending = b""

    def afresh(self):
        """Reset alarms, smoothing and enrolment, because the learned state was replaced."""
        self.enrol_left = 0
        self.notes = {}
        self.temporal.reset()
        self.temporal.restart()

    def changed(self, event, **what):
        """Save a change, and journal it. event: its name. what: its facts."""
        what["window"] = self.window()
        if self._undo:
            what["undo"], self._undo = self._undo, 0
        self._hum.listen()
        self.save()
        self.journal.event(event, **what)

    # --- keeping ----------------------------------------------------------------------------------

    def snapshot(self, cause, by_itself=False):
        """Keep the present state before a change, to roll back to. See snapshots.take."""
        from nearhum.storage.snapshots import take

        self._undo = take(self, cause, by_itself) or self._undo

    def save(self):
        """Save the state. If the file system is full, the oldest log is deleted for it."""
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
        """Save at intervals what changes without a command: a learning period or drift.

        So a reset costs at most a minute of learning or an hour of drift. Raises MemoryError if a
        change was not completed, which restarts the loop.
        """
        if self.half_done:
            raise MemoryError("a change was only half done")
        elapsed, d = self._hum.clock.seconds - self._saved_s, self.detector
        if self.guard.due(elapsed) and (
            d.state == LEARN or self.unsaved or d.drift and elapsed >= DRIFT_SAVE_S
        ):
            self.save()

    def put_back(self):
        """Load the state from flash, because memory ran out during a change.

        If memory runs out here too, save_when_due ends the loop in the next turn, and it restarts.
        """
        self.half_done = True
        if self.store.load(self.unpack):
            self.half_done = False

    def pack(self):
        """Return everything learned as bytes: the body of a state file."""
        ranges = self.ranges.pack() if self.ranges else b""
        body = ranges + self.detector.pack() + self.recogniser.pack()
        # Optional parts: u8 which part, u16 length, bytes.
        parts = (self.guard.pack(), self._quarantine.pack() if self._quarantine else self._pending)
        for i in range(len(parts)):
            if parts[i]:
                body += struct.pack("<BH", i, len(parts[i])) + parts[i]
        return body

    def unpack(self, body):
        """Replace the learned state by the body of another one.

        body: bytes of `pack`. Raises FormatError if it makes no sense, although its CRC is right.
        Then nothing has changed.
        """
        before = self.pack()
        try:
            self._take(memoryview(body))
        except (ValueError, IndexError, NearhumError):
            self._take(memoryview(before))
            raise FormatError("the state makes no sense", "restore a backup")

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
