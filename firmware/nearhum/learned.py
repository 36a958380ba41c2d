"""Learned: everything the board has learned, as one thing: begun, ended, enrolled, saved, put back.

It binds the ranges of slow channels, the detector's prototypes and threshold, and the recogniser's labels to the store
and the journal: every change of them is made here, saved, and journalled with its cause.
"""

from nearhum.wire import LEARN, STATE_NAMES


class Learned:
    """What was learned, of one pipeline. hum: the pipeline; its parts before the journal are made already."""

    def __init__(self, hum):
        self._hum = hum
        self.ranges = hum.features.ranges  # None unless means are ranged
        self.detector = hum.detector
        self.recogniser = hum.recogniser
        self.temporal = hum.temporal
        self.store = hum.store
        self.journal = hum.journal
        self.enrol_label, self.enrol_left = "", 0
        self.notes = {}  # by label: what its last enrolment found, see about() of the recognisers
        self.unsaved = ""  # why the last save failed; the state is still in RAM then
        self._saved_s = 0

    def load(self):
        """Take up what a reset interrupted: a learning period with its next window, watching with its threshold."""
        body = self.store.load()
        if body is not None:
            self.unpack(body)
        self.journal.event("start", state=STATE_NAMES[self.detector.state], loaded=body is not None, window=0)
        for reason in self.store.refused:
            self.journal.event("refused", error=reason, window=0)
        self.journal.flush()  # a boot that is cut short is a boot too

    # --- changes ---------------------------------------------------------------------------------------------------

    def start(self, n_windows, mode=None):
        """Learn what is normal anew from the next n_windows; or add them to it, as a mode of that name."""
        if self.ranges and not mode:
            self.ranges.forget()
        self.temporal.reset()
        self.temporal.restart()
        self.detector.start(n_windows, mode)
        self.changed("state", state=STATE_NAMES[LEARN], windows=n_windows, mode=mode)

    def finish(self):
        """End the learning period, if one runs, and watch."""
        d = self.detector
        if d.state == LEARN:
            n = d.learn_total - d.learn_left
            d.finish()
            counts = d.prototypes.counts
            self.changed("learned", n=n, threshold=d.threshold, scores=d.n_scores, modes=counts, dirt=d.dropped)
        self.temporal.reset()
        self.changed("state", state=STATE_NAMES[d.state])

    def enrol(self, embedding):
        """Take the window, or the utterance that ended with it, as the next example of the label that was asked for."""
        example = self.recogniser.example(embedding)
        if not example:
            return
        label_id, count = self.recogniser.enrol(self.enrol_label, example)
        self.enrol_left -= 1
        about = {} if self.enrol_left else self.recogniser.about(self.enrol_label, self.detector.prototypes)
        self.notes[self.enrol_label] = about
        self.changed("enrolled", label=self.enrol_label, id=label_id, count=count, **about)

    def forget(self):
        """Forget everything learned and enrolled."""
        if self.ranges:
            self.ranges.forget()
        self.detector.forget()
        self.recogniser.clear()
        self.enrol_left = 0
        self.notes = {}
        self.temporal.reset()

    def changed(self, event, **what):
        """Save and journal a change, with its cause."""
        what["window"] = self._hum.n_windows
        self.save()
        self.journal.event(event, **what)

    # --- keeping ---------------------------------------------------------------------------------------------------

    def snapshot(self):
        """Keep the present state to roll back to."""
        self.store.snapshot(self.pack())

    def rollback(self):
        """Put the snapshot in the place of the present state, and the present state into the snapshot."""
        body = bytes(self.store.previous())
        self.snapshot()
        self.unpack(body)
        self.changed("rollback")

    def save(self):
        """Save the state; a full file system gives up its oldest log for it."""
        body = self.pack()
        self._saved_s = self._hum.clock.seconds
        self.unsaved = ""
        while True:
            try:
                return self.store.save(body)
            except OSError as e:
                if not self.journal.make_room():
                    self.unsaved = str(e)
                    self.journal.event("unsaved", error=self.unsaved, window=self._hum.n_windows)
                    return

    def save_when_due(self):
        """Save a learning period at intervals, so that a reset costs minutes of it."""
        if self.detector.state == LEARN and self._hum.guard.due(self._hum.clock.seconds - self._saved_s):
            self.save()

    def pack(self):
        """Return everything learned as bytes: the body of a state file."""
        ranges = self.ranges.pack() if self.ranges else b""
        return ranges + self.detector.pack() + self.recogniser.pack()

    def unpack(self, body):
        """Take a state's body in the place of what is learned now."""
        body = memoryview(body)
        at = self.ranges.unpack(body) if self.ranges else 0
        at += self.detector.unpack(body[at:])
        self.recogniser.unpack(body[at:])
        self.notes = {}
        self.temporal.reset()
        self.temporal.restart()
