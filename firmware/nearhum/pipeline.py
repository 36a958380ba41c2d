"""The whole flow of nearhum, in the order of the data. Read this first.

    source -> window -> features -> head -> prototypes (score | label) -> temporal -> guard -> journal -> console

A source delivers blocks of samples, the window cuts them, features make an int8 vector of each window, the head embeds
it. The detector scores the embedding against what it learned to be normal; the recogniser names it if it is near an
enrolled example. Temporal turns scores into alarms, the guard says whether anything may be learned, the journal keeps
all of it, and the console answers questions while this goes on. `step` is one turn; main.py turns it for ever.

From sample to guard a window allocates nothing on the fixed path, once warm.
"""

from array import array

import micropython

from nearhum import __version__, board
from nearhum.console import Console
from nearhum.errors import NearhumError
from nearhum.features import Features, Plan
from nearhum.guard import Guard
from nearhum.health import Health
from nearhum.identity import load as load_head
from nearhum.journal import Journal
from nearhum.learned import Learned
from nearhum.sources import END, REST
from nearhum.store import Store
from nearhum.temporal import BEGIN, Temporal
from nearhum.verbs import Verbs
from nearhum.window import Window, glance
from nearhum.wire import LAST_WINDOW, LEARN, NO_SCORE, WATCH

BLOCK_BYTES = 1024

_current = None


class Pipeline:
    """One board's detector: everything between the sensor and the serial line. root: prefix of paths, ends with /."""

    def __init__(self, root="/"):
        global _current
        from nearhum import assembly, deployed, plan
        from nearhum.config import frame_values

        self.root = root
        self.config = config = deployed.load_config(root)
        self.plan = Plan(config)
        self.window = Window(config["n_channels"], config["n_window"], config["n_hop"])
        self.features = Features(self.plan, config["path"])
        log2 = self.features.transform.log2
        self.packets = assembly.packets(config, log2)
        # of words it is theirs, see context.py
        self.head = load_head("" if self.plan.words else config["head"], self.plan.n_features)
        self.detector = assembly.detector(config, self.head.n_out, log2)
        self.recogniser = assembly.recogniser(config, self, log2)
        self.temporal = Temporal(config)
        self.guard = Guard(config, self.head.n_out)
        self.teacher = None  # stands in the recogniser's place where it is asked for
        self.store = Store(root, plan.fingerprint(self.plan, self.head.fingerprint))
        about = {"version": __version__, "board": config["board"], "id": board.chip(), "config": config}
        self.journal = Journal(root, about)
        self.console = Console(Verbs(self))
        # windows that begin while who typed `learn` leaves
        self.n_settling = -int(-config["settle_s"] * config["rate_hz"] // config["n_hop"])
        self.n_windows = 0
        self.gaps = 0  # of the sensor's samples: overruns
        self.label_id = 0
        self.turn = 0
        self._gap_at = 0
        self.period_over = False
        self.embedding = None
        self.clock = board.Clock()
        self.learned = Learned(self)
        self.health = health = Health(self)
        # what a window meets on its way; taken from here at once, for taking attributes one by one takes time
        window, features = self.window, self.features
        self._stages = (
            window.samples, window.look, window.rows, features.ranges, features.extract_into, self.head,
            self.recogniser, self.detector, self.temporal, self.guard, health,
        )  # fmt: skip
        frame_bytes = 2 * frame_values(config)
        self._block = array("h", bytes(BLOCK_BYTES // frame_bytes * frame_bytes))
        self.learned.load()
        self.listen()
        self.ended = False
        self._ctrl_c = abs  # which does nothing: only `run` is interrupted by it
        self.source = None
        if config["alarm_pin"]:
            from nearhum.alarm_pin import follow

            follow(self)
        health.open()
        # a start needs them, watching does not
        board.let_go("assembly", "deployed", "config", "plan", "kernels.tables", "kernels.thumb_tables")
        self.console.answer(
            {"ok": True, "verb": "start", "version": __version__, "board": config["board"], "fault": health.error}
        )
        _current = self

    def listen(self):
        """Let the teacher stand in the recogniser's place where labels and a setting, or a veto, ask for it.

        After every change of labels or vetoes. Allocates.
        """
        c = self.config
        asked = self.recogniser.ids and (self.guard.vetoed or c["label_n"] > 1 or c["teach"] != "off")
        if asked or self.teacher:
            from nearhum.teacher import listen

            listen(self, asked)
            self._stages = self._stages[:6] + (self.teacher or self.recogniser,) + self._stages[7:]

    # --- the way of the data ---------------------------------------------------------------------------------------

    def step(self):
        """One turn: take what the sensor has, work through the windows it completes, serve the console.

        Returns False once the source has ended (a recording was played), True before.
        """
        window, n, start = self.window, self._read(), 0
        while start < n:
            start += window.push(self._block, start, n - start)
            if not window.missing:
                self.take_window()
                self.keep_window()
                window.advance()
        if n < 0:
            self._interrupted(n)
        if self.source.cue:
            self._cue()
        self.clock.tick()
        self.journal.now_s, self.journal.now_ms = self.clock.seconds, self.clock.ms
        if self.clock.seconds >= self.health.next_s:
            self.health.check()
        self.learned.save_when_due()
        busy = self.console.poll()
        self.journal.tick()
        if not n and not busy:
            board.rest()
        return not self.ended

    def run(self):
        """Turn for ever; until Ctrl-C, which is journalled as a stop, and raised.

        It ends the loop between two turns, or inside the driver, which may hang: never in the middle of a change.
        Where the setting asks for it, the chip resets a board whose turn does not end.
        """
        feed, watchdog = int, None
        if self.config["watchdog_s"]:
            from nearhum import watchdog

            feed = watchdog.start(self.config["watchdog_s"]).feed
        self._ctrl_c = ctrl_c = micropython.kbd_intr  # -1: it comes as a byte, 3: it interrupts
        try:
            while not self.console.interrupted:
                self.step()
                feed()
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            ctrl_c(-1)
            self.close()
            raise
        finally:
            if watchdog:
                watchdog.pause()
            ctrl_c(3)

    @micropython.native
    def take_window(self):
        """Sample to guard: features, embedding, score, label, alarm; and learning, where a period runs."""
        (
            samples, look, rows, ranges, extract_into, head, recogniser, detector, temporal, guard, health,
        ) = self._stages  # fmt: skip
        found = glance(samples, look)
        if found:
            health.see(self.window.ill(found))
        if ranges and not ranges.known:
            self._range(ranges)
            return
        self.embedding = embedding = head.embed_into(extract_into(rows))
        score, state = detector.scorer(embedding), detector.state
        self.label_id = recogniser.predict_one(embedding)
        if state == LEARN and detector.dirt:
            temporal.restart()  # what follows dirt is not smoothed with it
        self.turn = temporal.update(score, detector.threshold)
        if state == LEARN and guard.learning() and not detector.paused:
            if detector.learn_total - detector.learn_left < self.n_settling:
                detector.learn_left -= 1
                self.period_over = detector.learn_left <= 0
            else:
                self.period_over = detector.period.learn_one(embedding, temporal.score)
        elif (
            detector.drift
            and state == WATCH
            and not temporal.alarm
            and temporal.score < detector.threshold
            and guard.learning()
        ):
            detector.follow()
        if guard.faults and guard.sound():
            health.well()

    def _range(self, ranges):
        # the first windows of a learning period set the range of slow channels; nothing else comes of them
        self.embedding, self.label_id, self.turn = None, 0, 0
        if self.detector.state == LEARN and self.guard.learning() and not self.detector.paused:
            ranges.observe(self.window.rows)
            self.detector.learn_left -= 1

    def keep_window(self):
        """Guard to journal: note the window, its alarm, its part in enrolling or in the end of a learning period.

        Not native, which is four times as large; in parts, of which each has few enough locals to need no heap.
        """
        self._log(self.temporal.score if self.embedding else NO_SCORE)
        if self._is_eventful():
            self._happened(self.n_windows)
        self.n_windows = self.n_windows + 1 if self.n_windows < LAST_WINDOW else 0

    def _log(self, score):
        self.journal.score(self.n_windows, score, self.detector.threshold, self.detector.state, self.label_id)

    def _is_eventful(self):
        if self.turn or self.period_over or self.detector.stale or self.recogniser.heard or self.learned.enrol_left:
            return True
        return self.teacher and self.teacher.near and self.teacher.near.caught

    def _happened(self, at):
        detector, journal = self.detector, self.journal
        score = self.temporal.score if self.embedding else NO_SCORE
        if self.turn == BEGIN:
            journal.event("alarm", window=at, score=score, threshold=detector.threshold, strangest=self._strangest())
        elif self.turn:
            journal.event("alarm_end", window=at, score=score)
        if self.recogniser.heard:
            journal.event("heard", window=at, **self.recogniser.said())
        period_over, self.period_over = self.period_over, False
        if period_over and not detector.period.extend():
            self.learned.finish()
        elif detector.stale:
            detector.refresh()
        if self.teacher and self.teacher.near and self.teacher.near.caught:
            self.learned.caught(self.teacher.near)
        if self.learned.enrol_left and self.embedding:
            self.learned.enrol(self.embedding)

    def _strangest(self):
        # a feature has a name; what a trained head makes of them has none
        name = (lambda i: "embedding %d" % i) if self.head.fingerprint else self.plan.name
        return [[name(i), percent] for i, percent in self.detector.strangest(self.embedding)]

    def _read(self):
        if self.ended:
            return 0
        ctrl_c = self._ctrl_c
        try:
            ctrl_c(3)
            n = self.source.read_into(self._block)
            ctrl_c(-1)
            if n > 0 and self.packets:  # a Ctrl-C that came until now is raised at a jump, here
                self.packets.reduce(self._block, n)
            return n
        except (NearhumError, OSError) as e:
            ctrl_c(-1)
            return self.health.fault(e)

    def _interrupted(self, code):
        self.window.restart()
        self.health.restart()
        if code == REST:
            return
        self.temporal.restart()
        if self.packets:
            self.packets.restart()
        if self.teacher:
            self.teacher.restart()
        self.recogniser.restart()
        if code == END:
            self.ended = True
            self.journal.event("end", window=self.n_windows)
            self.journal.flush()
        elif self.guard.faults == 0:
            self.gaps += 1
            if self.n_windows != self._gap_at:
                self._gap_at = self.n_windows  # gap after gap, and no window between, is told once
                self.journal.event("gap", window=self.n_windows)

    def _cue(self):
        line, self.source.cue = self.source.cue, ""
        answer = self.console.execute(line)
        self.journal.event("cue", line=line, window=self.n_windows, error=answer.get("error"))

    def label_name(self):
        """Return the label of the last window, or None."""
        r = self.recogniser
        return r.labels[r.ids.index(self.label_id)] if self.label_id in r.ids else None

    def close(self):
        """Stop: let go of the sensor and bring everything to flash. `current` makes another pipeline then."""
        global _current
        _current = None
        try:
            self.source.close()
        except OSError:
            pass  # it does not answer
        if self.detector.state == LEARN:
            self.learned.save()
        self.journal.event("stop", window=self.n_windows)
        self.journal.flush()


def current():
    """Return the pipeline of this board, made if none is there yet: for the verbs at the REPL."""
    return _current or Pipeline()
