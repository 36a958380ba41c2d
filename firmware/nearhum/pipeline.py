"""The whole flow of nearhum, in the order of the data. Read this first.

    source -> window -> features -> head -> prototypes (score | label) -> temporal -> guard ->
    journal -> console

A source delivers blocks of samples, the window cuts them, features make an int8 vector of each
window, the head embeds it. The detector scores the embedding against what it learned to be normal;
the recogniser names it if it is near an enrolled example. Temporal turns scores into alarms, the
guard says whether anything may be learned, the journal keeps all of it, and the console answers
questions while this goes on. `step` is one turn; main.py turns it for ever.

From sample to guard a window allocates nothing on the fixed path, once warm.
"""

import micropython

from nearhum import events, lifetime
from nearhum.errors import NearhumError
from nearhum.features.window import glance
from nearhum.wire import LAST_WINDOW, LEARN, NO_SCORE, WATCH

_current = None


def nothing(_=0):
    """Stand in for what is called where there is nothing to do."""


class Pipeline:
    """One board's detector: everything between the sensor and the serial line.

    Its stages, in the data's order, as assembly.py makes them: source, packets, window, features,
    head, detector, recogniser (teacher in its place where labels ask for one), temporal, guard,
    health, journal, console; and what was learned, as store keeps it. root: prefix of paths, ends
    with /.
    """

    def __init__(self, root="/"):
        global _current
        lifetime.collect_often()
        from nearhum import assembly

        self.n_windows = 0
        self.gaps = 0  # of the sensor's samples: overruns
        self.label_id = 0
        self.turn = 0  # of the alarm: BEGIN, END or neither
        self.period_over = self.ended = False
        self.embedding = self.source = None
        self.gap_at = 0  # window of the last one
        self.told_alarm = False  # of the listeners' last call
        self.alarm_at = 0  # window in which that was
        # windows in alarm until then, and the window from which they are counted: that at which the
        # board started, or its last learning period ended
        self.n_alarm = self.watched_from = 0
        self._ctrl_c = nothing  # only `run` is interrupted by it
        assembly.assemble(self, root)
        self.learned.load()
        self.listen()
        self.health.open()
        lifetime.let_go(lifetime.AT_START)
        self.console.answer(dict(self.about, ok=True, verb="start", fault=self.health.error))
        _current = self

    def listen(self):
        """Let the teacher stand in the recogniser's place where labels and a setting, or a veto,
        ask for it.

        After every change of labels or vetoes. Allocates.
        """
        c, vetoed = self.config, self.guard.vetoed
        if self.recogniser.ids and (vetoed or c["label_n"] > 1 or c["teach"] != "off"):
            from nearhum.recognition.teacher import listening

            self.teacher = listening(self.teacher, self.recogniser, c, vetoed)
        else:
            self.teacher = None
        self._line_up()

    def _line_up(self):
        # What a window meets on its way, in one tuple: taking eleven attributes one by one takes
        # longer than unpacking it.
        window, features = self.window, self.features
        self._stages = (
            window.samples, window.look, window.rows, features.ranges, features.extract_into,
            self.head, self.teacher or self.recogniser, self.detector, self.temporal, self.guard,
            self.health,
        )  # fmt: skip

    # --- the way of the data ----------------------------------------------------------------------

    def step(self):
        """One turn: take what the sensor has, work through the windows it completes, serve the
        console.

        Returns False once the source has ended (a recording was played), True before.
        """
        window, n, start = self.window, self._read(), 0
        while start < n:
            start += window.push(self.block, start, n - start)
            if not window.missing:
                self.take_window()
                self.keep_window()
                window.advance()
        if n < 0:
            events.interrupted(self, n)
        if self.source.cue:
            events.cue(self)
        events.tell_alarm(self)
        self.clock.tick()
        self.journal.now_s, self.journal.now_ms = self.clock.seconds, self.clock.ms
        if self.clock.seconds >= self.health.next_s:
            self.health.check()
        self.learned.save_when_due()
        busy = self.console.poll()
        self.journal.tick()
        if not n and not busy:
            lifetime.rest()
        return not self.ended

    def run(self):
        """Turn for ever; until Ctrl-C, which is journalled as a stop, and raised.

        It ends the loop between two turns, or inside the driver, which may hang: never in the
        middle of a change. Where the setting asks for it, the chip resets a board whose turn does
        not end.
        """
        feed, watchdog = nothing, None
        if self.config["watchdog_s"]:
            from nearhum.guard import watchdog

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
        except Exception:
            # At once, for what comes next may lack memory: a lamp or a horn must not stay on.
            self.release()
            raise
        finally:
            if watchdog:
                watchdog.pause()
            ctrl_c(3)

    @micropython.native
    def take_window(self):
        """Sample to guard: features, embedding, score, label, alarm; and learning, where a
        period runs.
        """
        (
            samples, look, rows, ranges, extract_into, head, recogniser, detector, temporal, guard,
            health,
        ) = self._stages  # fmt: skip
        found = glance(samples, look)
        if found:
            health.see(self.window.ill(found))
        if ranges and not ranges.known:
            self._range(ranges)
            return
        vector = extract_into(rows)
        if ranges and ranges.beyond and detector.state == LEARN:
            vector = self._widen(rows, vector)
        self.embedding = embedding = head.embed_into(vector)
        score, state = detector.scorer(embedding), detector.state
        self.label_id = recogniser.predict_one(embedding)
        if state == LEARN and detector.dirt:
            temporal.restart()  # what follows dirt is not smoothed with it
        self.turn = temporal.update(score, detector.threshold, detector.other)
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
        # the first windows of a learning period set the range of slow channels; nothing else comes
        # of them
        self.embedding, self.label_id, self.turn = None, 0, 0
        if self.detector.state == LEARN and self.guard.learning() and not self.detector.paused:
            ranges.observe(self.window.rows)
            self.detector.learn_left -= 1

    def _widen(self, rows, vector):
        # the range of slow channels is that of the whole period: what left it makes it wider
        detector = self.detector
        if detector.ranges and self.guard.learning() and not detector.paused:
            return detector.period.widen(self.features, rows, vector)
        return vector

    def keep_window(self):
        """Guard to journal: note the window, and what comes of it now and then: an alarm, an
        example, the end of a learning period.

        Not native, which is four times as large.
        """
        self._log(self.temporal.score if self.embedding else NO_SCORE)
        if events.due(self):
            events.happened(self)
        self.n_windows = self.n_windows + 1 if self.n_windows < LAST_WINDOW else 0

    def _log(self, score):  # apart: with few enough locals to need no heap for them
        self.journal.score(
            self.n_windows, score, self.detector.threshold, self.detector.state, self.label_id
        )

    def strangest(self):
        """Return [[name, percent]] of what is strange of the last window. Allocates."""
        d = self.detector
        if d.strange and d.other == self.temporal.score:
            return d.strange.strangest()
        return [[self.name(i), percent] for i, percent in d.strangest(self.embedding)]

    def name(self, i):
        """Return the name of dimension i of an embedding; a trained head's have numbers."""
        return "embedding %d" % i if self.head.fingerprint else self.plan.name(i)

    def _read(self):
        if self.ended:
            return 0
        ctrl_c = self._ctrl_c
        try:
            ctrl_c(3)
            n = self.source.read_into(self.block)
            ctrl_c(-1)
            if n > 0 and self.packets:  # a Ctrl-C that came until now is raised at a jump, here
                self.packets.reduce(self.block, n)
            return n
        except (NearhumError, OSError) as e:
            ctrl_c(-1)
            return self.health.fault(e)

    def label_name(self):
        """Return the label of the last window, or None."""
        r = self.recogniser
        return r.labels[r.ids.index(self.label_id)] if self.label_id in r.ids else None

    def in_alarm(self):
        """Return the windows in alarm since `watched_from`."""
        return self.n_alarm + (max(0, self.n_windows - self.alarm_at) if self.told_alarm else 0)

    def close(self):
        """Stop: let go of the sensor and bring everything to flash."""
        self.release()
        if self.detector.state == LEARN:
            self.learned.save()
        self.journal.event("stop", window=self.n_windows)
        self.journal.flush()

    def release(self):
        """Close the sensor and the outputs: a DMA would go on into memory that is given away, and
        a lamp would stay on. `current` makes another pipeline then, which needs this one's memory.
        """
        global _current
        _current = None
        for listener in self.listeners:
            listener.close()
        try:
            self.source.close()
        except (AttributeError, OSError):
            pass  # none was opened, or it does not answer


def current():
    """Return the pipeline of this board, made if none is there yet: for the verbs at the REPL."""
    return _current or Pipeline()
