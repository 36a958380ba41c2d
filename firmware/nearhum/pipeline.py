"""The whole flow of nearhum, in the order of the data. Read this first.

    source -> window -> features -> head -> prototypes (score | label) -> temporal -> guard -> journal -> console

A source delivers blocks of samples, the window cuts them, features make an int8 vector of each window, the head embeds
it. The detector scores the embedding against what it learned to be normal; the recogniser names it if it is near an
enrolled example. Temporal turns scores into alarms, the guard says whether anything may be learned, the journal keeps
all of it, and the console answers questions while this goes on. `step` is one turn; main.py turns it for ever.

From sample to guard a window allocates nothing on the fixed path, once warm.
"""

from array import array

from nearhum import __version__, board
from nearhum.console import Console
from nearhum.detect import Detector, rarity
from nearhum.dsp_fixed import Log2
from nearhum.errors import NearhumError
from nearhum.features import Features, Plan
from nearhum.guard import Guard
from nearhum.head import load as load_head
from nearhum.journal import Journal
from nearhum.prototypes import Prototypes
from nearhum.recognise import MAX_LABELS, Recogniser
from nearhum.sources import END, GAP
from nearhum.store import Store
from nearhum.temporal import BEGIN, Temporal
from nearhum.verbs import Verbs
from nearhum.window import Window
from nearhum.wire import LEARN, NO_SCORE, STATE_NAMES, WATCH

MAX_MODES = 8  # normal prototypes
BLOCK_BYTES = 1024

_current = None


class Pipeline:
    """One board's detector: everything between the sensor and the serial line. root: prefix of paths, ends with /."""

    def __init__(self, root="/"):
        global _current
        self.root = root
        self.config = config = board.load_config(root)
        self.plan = Plan(config)
        self.window = Window(config["n_channels"], config["n_window"], config["n_hop"])
        self.features = Features(self.plan, config["path"])
        self.head = load_head(config["head"], self.plan.n_features)
        log2 = Log2()
        n, floor = self.head.n_out, config["spread_floor"]
        self.detector = Detector(Prototypes(MAX_MODES, n, floor, log2), rarity(config))
        self.recogniser = Recogniser(Prototypes(MAX_LABELS, n, floor, log2), floor, config["reject"], log2)
        self.temporal = Temporal(config)
        self.guard = Guard()
        self.store = Store(root, self.plan.fingerprint(self.head.fingerprint))
        self.journal = Journal(root, {"version": __version__, "board": config["board"], "config": config})
        self.console = Console(Verbs(self).table())
        self.n_windows = 0
        self.label_id = 0
        self.enrol_label, self.enrol_left = "", 0
        self.turn = 0
        self.learned = False
        self.embedding = None
        self.clock = board.Clock()
        self._saved_ms = 0
        self.unsaved = ""  # why the last save failed
        self._block = array("h", bytes(BLOCK_BYTES // (2 * config["n_channels"]) * 2 * config["n_channels"]))
        self._load()
        self.ended = False
        self.source = board.open_source(config)
        self.console.answer({"ok": True, "verb": "start", "version": __version__, "board": config["board"]})
        _current = self

    # --- the way of the data ---------------------------------------------------------------------------------------

    def step(self):
        """One turn: take what the sensor has, work through the windows it completes, serve the console.

        Returns False once the source has ended (a recording was played), True before.
        """
        n = self._read()
        start = 0
        while start < n:
            start += self.window.push(self._block, start, n - start)
            if self.window.full:
                self.take_window()
                self.keep_window()
                self.window.advance()
        if n < 0:
            self._interrupted(n)
        if self.source.cue:
            self._cue()
        self.journal.now_ms = self.clock.ms()
        self._save_when_due()
        busy = self.console.poll()
        self.journal.tick()
        if not n and not busy:
            board.rest()
        return not self.ended

    def run(self):
        """Turn for ever."""
        while True:
            self.step()

    def take_window(self):
        """Sample to guard: features, embedding, score, label, alarm; and learning, where a period runs."""
        self.turn = 0
        self.learned = False
        detector = self.detector
        ranges = self.features.ranges
        if ranges and not ranges.known:
            self.embedding = None
            if detector.state == LEARN:
                self.features.observe_range(self.window)
                detector.learn_left -= 1
            return
        self.features.extract_into(self.window)
        self.embedding = self.head.embed_into(self.features.vector)
        score = self.temporal.smooth(detector.score_one(self.embedding))
        self.label_id = self.recogniser.predict_one(self.embedding)
        if detector.state == WATCH:
            self.turn = self.temporal.update(detector.threshold)
        elif detector.state == LEARN and self.guard.learning:
            self.learned = detector.learn_one(self.embedding, score)
        self.guard.sound()

    def keep_window(self):
        """Guard to journal: note the window, its alarm, its part in enrolling or in the end of a learning period."""
        detector, journal, at = self.detector, self.journal, self.n_windows
        score = self.temporal.score if self.embedding else NO_SCORE
        journal.score(at, max(-32767, min(32767, score)) if score != NO_SCORE else score,
                      detector.threshold, detector.state, self.label_id)  # fmt: skip
        if self.turn:
            if self.turn == BEGIN:
                strange = (
                    self.plan.name(detector.prototypes.strangest(self.embedding)) if not self.head.fingerprint else ""
                )
                journal.event("alarm", window=at, score=score, threshold=detector.threshold, strangest=strange)
            else:
                journal.event("alarm_end", window=at, score=score)
        if self.learned:
            self.finish_learning()
        if self.enrol_left and self.embedding:
            self._enrol()
        self.n_windows += 1

    def _read(self):
        if self.ended:
            return 0
        try:
            return self.source.read_into(self._block)
        except (NearhumError, OSError) as e:
            # the same fault in every turn is told once, and once more when learning goes off
            off = self.guard.fault()
            if off or self.guard.faults == 1:
                self.journal.event("fault", error=str(e), window=self.n_windows, learning=self.guard.learning)
            board.rest()
            return GAP

    def _interrupted(self, code):
        self.window.restart()
        self.temporal.restart()
        if code == END:
            self.ended = True
            self.journal.event("end", window=self.n_windows)
            self.journal.flush()
        elif self.guard.faults == 0 and self.n_windows:
            self.journal.event("gap", window=self.n_windows)

    def _cue(self):
        line, self.source.cue = self.source.cue, ""
        answer = self.console.execute(line)
        self.journal.event("cue", line=line, window=self.n_windows, error=answer.get("error"))

    @property
    def source_state(self):
        """What the source does, in a word: ok, fault, end."""
        return "end" if self.ended else "fault" if self.guard.faults else "ok"

    def label_name(self):
        """Return the label of the last window, or None."""
        r = self.recogniser
        return r.prototypes.labels[r.ids.index(self.label_id)] if self.label_id in r.ids else None

    # --- changes of what was learned: asked by a verb, or due ------------------------------------------------------

    def start_learning(self, n_windows):
        """Learn what is normal anew from the next n_windows."""
        if self.features.ranges:
            self.features.ranges.forget()
        self.temporal.reset()
        self.temporal.restart()
        self.detector.start(n_windows)
        self.changed("state", state=STATE_NAMES[LEARN], windows=n_windows)

    def finish_learning(self):
        """End the learning period, or turn from idle to watching what was learned before."""
        d = self.detector
        if d.state == LEARN:
            n = d.learn_total - d.learn_left
            d.finish()
            self.changed("learned", n=n, threshold=d.threshold, scores=d.n_scores)
        self.temporal.reset()
        self.changed("state", state=STATE_NAMES[d.state])

    def forget_all(self):
        """Forget everything learned and enrolled."""
        if self.features.ranges:
            self.features.ranges.forget()
        self.detector.forget()
        self.recogniser.clear()
        self.enrol_left = 0
        self.temporal.reset()

    def _enrol(self):
        label_id, count = self.recogniser.enrol(self.enrol_label, self.embedding)
        self.enrol_left -= 1
        self.changed("enrolled", label=self.enrol_label, id=label_id, count=count)

    def changed(self, event, **what):
        """Save and journal a change of what was learned, with its cause."""
        what["window"] = self.n_windows
        self.save()
        self.journal.event(event, **what)

    def keep_snapshot(self):
        """Keep the present state to roll back to."""
        self.store.snapshot(self.pack())

    def save(self):
        """Save the state; a full file system gives up its oldest log for it. What cannot be saved is still in RAM."""
        body = self.pack()
        self._saved_ms = self.clock.ms()
        self.unsaved = ""
        while True:
            try:
                return self.store.save(body)
            except OSError as e:
                if not self.journal.make_room():
                    self.unsaved = str(e)
                    self.journal.event("unsaved", error=self.unsaved, window=self.n_windows)
                    return

    def _save_when_due(self):
        if self.detector.state == LEARN and self.guard.due(self.clock.ms() - self._saved_ms):
            self.save()

    def pack(self):
        """Return everything learned as bytes: the body of a state file."""
        ranges = self.features.ranges.pack() if self.features.ranges else b""
        return ranges + self.detector.pack() + self.recogniser.pack()

    def unpack(self, body):
        """Take a state's body in the place of what is learned now."""
        body = memoryview(body)
        at = self.features.ranges.unpack(body) if self.features.ranges else 0
        at += self.detector.unpack(body[at:])
        self.recogniser.unpack(body[at:])
        self.temporal.reset()
        self.temporal.restart()

    def _load(self):
        # what a reset interrupted goes on: a learning period with its next window, watching with its threshold
        body = self.store.load()
        if body is not None:
            self.unpack(body)
        self.journal.event("start", state=STATE_NAMES[self.detector.state], loaded=body is not None, window=0)
        for reason in self.store.refused:
            self.journal.event("refused", error=reason, window=0)

    def close(self):
        """Stop: let go of the sensor and bring everything to flash."""
        self.source.close()
        if self.detector.state == LEARN:
            self.save()
        self.journal.event("stop", window=self.n_windows)
        self.journal.flush()


def current():
    """Return the pipeline of this board, made if none is there yet: for the verbs at the REPL."""
    return _current or Pipeline()
