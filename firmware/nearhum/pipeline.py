"""The whole flow of nearhum, in the order of the data. Read this first.

    source -> window -> features -> head -> prototypes (score | label) -> temporal -> guard ->
    journal -> console

A source delivers blocks of samples, and the window cuts them. The features turn each window into
an int8 vector, and the head embeds it. The detector scores the embedding against what it learned to
be normal. The recogniser names it if it is near an enrolled example. Temporal turns scores into
alarms, and the guard says whether anything may be learned. The journal records all of it, and the
console answers commands meanwhile. `step` is one turn of the loop, and start.py runs it without
end.

On the fixed path a window allocates nothing from sample to guard, after the first windows.
"""

import micropython

from nearhum import events, lifetime
from nearhum.errors import NearhumError
from nearhum.features.window import glance
from nearhum.wire import LAST_WINDOW, LEARN, NO_SCORE, WATCH

_current = None


def nothing(_=0):
    """Do nothing: a default for functions that are called always."""


class Pipeline:
    """One board's detector: everything between the sensor and the serial line.

    assembly.py makes its stages as attributes, in the order of the data: source, packets, window,
    features, head, detector, recogniser (with `teacher` before it if labels need one), temporal,
    guard, health, journal, console. `learned` and `store` keep what was learned. root: prefix of
    paths, ends with /. Raises ConfigError, FormatError.
    """

    def __init__(self, root="/"):
        global _current
        lifetime.collect_often()
        from nearhum import assembly

        self.n_windows = 0
        self.gaps = 0  # gaps in the sensor's samples
        self.label_id = 0
        self.turn = 0  # what the last window did to the alarm: BEGIN, END or 0
        self.period_over = self.ended = False
        self.embedding = self.source = None
        self.gap_at = 0  # window of the last gap
        self.told_alarm = False  # whether the listeners were last told of an alarm
        self.alarm_at = 0  # window in which they were told
        # Windows in alarm until then, and the window from which they are counted: the start of the
        # board, or the end of its last learning period.
        self.n_alarm = self.watched_from = 0
        self._ctrl_c = nothing  # Only `run` changes what Ctrl-C does.
        assembly.assemble(self, root)
        self.learned.load()
        self.listen()
        self.health.open()
        lifetime.let_go(lifetime.AT_START)
        self.console.answer(dict(self.about, ok=True, verb="start", fault=self.health.error))
        _current = self

    def listen(self):
        """Put the teacher before the recogniser, if the labels and a setting or a veto need it.

        Call it after every change of labels or vetoes. Allocates.
        """
        c, vetoed = self.config, self.guard.vetoed
        if self.recogniser.ids and (vetoed or c["label_n"] > 1 or c["teach"] != "off"):
            from nearhum.recognition.teacher import listening

            self.teacher = listening(self.teacher, self.recogniser, c, vetoed)
        else:
            self.teacher = None
        self._line_up()

    def _line_up(self):
        # Everything that take_window uses, in one tuple, because unpacking it is faster than
        # reading eleven attributes.
        window, features = self.window, self.features
        self._stages = (
            window.samples, window.look, window.rows, features.ranges, features.extract_into,
            self.head, self.teacher or self.recogniser, self.detector, self.temporal, self.guard,
            self.health,
        )  # fmt: skip

    # --- the flow of the data ---------------------------------------------------------------------

    def step(self):
        """Run one turn: read the sensor, process the windows that it completes, serve the console.

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
        """Run turns until Ctrl-C, which is journalled as a stop and raised as KeyboardInterrupt.

        Ctrl-C ends the loop between two turns, or inside the driver, which may hang, but never in
        the middle of a change. With watchdog_s set, the chip resets a board whose turn does not
        end.
        """
        feed, watchdog = nothing, None
        if self.config["watchdog_s"]:
            from nearhum.guard import watchdog

            feed = watchdog.start(self.config["watchdog_s"]).feed
        self._ctrl_c = ctrl_c = micropython.kbd_intr  # -1: Ctrl-C is a byte. 3: it interrupts.
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
        """Process a full window, from samples to guard, and learn it if a period runs.

        Computes features, embedding, label, score and alarm. On the fixed path it allocates
        nothing.
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
            temporal.restart()  # The next windows are not smoothed with dirt.
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
        # Uses the first windows of a learning period only to find the range of slow channels.
        self.embedding, self.label_id, self.turn = None, 0, 0
        if self.detector.state == LEARN and self.guard.learning() and not self.detector.paused:
            ranges.observe(self.window.rows)
            self.detector.learn_left -= 1

    def _widen(self, rows, vector):
        # Widens the range of slow channels, because it is that of the whole learning period.
        detector = self.detector
        if detector.ranges and self.guard.learning() and not detector.paused:
            return detector.period.widen(self.features, rows, vector)
        return vector

    def keep_window(self):
        """Journal a window, and what follows from it: an alarm, an example, the end of a period.

        Not native, because native code is four times as large.
        """
        self._log(self.temporal.score if self.embedding else NO_SCORE)
        if events.due(self):
            events.happened(self)
        self.n_windows = self.n_windows + 1 if self.n_windows < LAST_WINDOW else 0

    def _log(self, score):
        # A function of its own: with so few locals MicroPython keeps them on the stack.
        self.journal.score(
            self.n_windows, score, self.detector.threshold, self.detector.state, self.label_id
        )

    def strangest(self):
        """Return [[name, percent]] of what is strange in the last window. Allocates."""
        d = self.detector
        if d.strange and d.other == self.temporal.score:
            return d.strange.strangest()
        return [[self.name(i), percent] for i, percent in d.strangest(self.embedding)]

    def name(self, i):
        """Return the name of dimension i of an embedding. A trained head has only numbers."""
        return "embedding %d" % i if self.head.fingerprint else self.plan.name(i)

    def _read(self):
        if self.ended:
            return 0
        ctrl_c = self._ctrl_c
        try:
            ctrl_c(3)
            n = self.source.read_into(self.block)
            ctrl_c(-1)
            if n > 0 and self.packets:  # MicroPython raises a pending Ctrl-C at this jump.
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
        """Return the number of windows in alarm since `watched_from`."""
        return self.n_alarm + (max(0, self.n_windows - self.alarm_at) if self.told_alarm else 0)

    def close(self):
        """Stop: release the sensor, and write everything to flash."""
        self.release()
        if self.detector.state == LEARN:
            self.learned.save()
        self.journal.event("stop", window=self.n_windows)
        self.journal.flush()

    def release(self):
        """Close the sensor and the outputs.

        Otherwise DMA would go on writing into freed memory, and a lamp would stay on. `current`
        then makes another pipeline, which needs the memory of this one.
        """
        global _current
        _current = None
        for listener in self.listeners:
            listener.close()
        try:
            self.source.close()
        except (AttributeError, OSError):
            pass  # No source was opened, or it does not answer.


def current():
    """Return the pipeline of this board, for the verbs at the REPL. Makes one if there is none."""
    return _current or Pipeline()
