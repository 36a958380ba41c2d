"""Detection: learn what is normal, then score how strange a window is. idle -> learn -> watch.

Enters: int8 embeddings, and the smoothed scores that temporal makes of the scores. Leaves: scores,
and a threshold.

period.py is one learning period. Settings may add that slow drift is followed (drift.py), that
distances use the covariance (covariance.py), and that windows are scored in a second way (view.py).

States, numbered as in the journal:
  0 idle   nothing is learned, so there is no score
  1 learn  first the range of slow channels (ranges.py), then half of the period without scores,
    then the second half with scores and learning side by side
  2 watch  scores are compared with the threshold. Nothing is learned, but drift may be followed
    within its budget
"""

import struct

import micropython
from micropython import const
from nearhum import lifetime
from nearhum.errors import FormatError
from nearhum.wire import IDLE, LEARN, NO_SCORE, NO_THRESHOLD, WATCH

# state, paused, prototypes, threshold, learn_left, learn_total, learn_most, before, n_before
_STATE = "<BBBhIIIiB"
# Bit of the state: format 3. Scores of format 2 are skipped, because they set thresholds otherwise.
_FORMAT_3 = const(128)


class Detector:
    """The detector over one set of normal prototypes.

    Scoring and learning a window allocate nothing.
    """

    def __init__(self, prototypes, one_in, tied=1, skip=0, held=1, mean=False):
        """prototypes: the normal ones. The other arguments go to Calibration."""
        self.prototypes = prototypes
        self.n_found = prototypes.capacity  # most modes that are found without a name
        self.ranges = None  # ranges.Ranges of slow channels: dimensions 0, stride, 2 stride, ...
        self.stride = 1
        self._near = bytearray(prototypes.n_dims)
        self.views = ()  # view.View
        self.other, self.strange = NO_SCORE, None  # largest score of a view, and that view
        self.period = None  # period.Period, while learning
        self.drift = None  # drift.Drift
        self.covariance = None  # covariance.Covariance
        self._blocks = one_in, tied, skip, held, mean
        self.tied = tied
        self._scores = b""  # of the last period, packed by Calibration
        self._keep(self.calibration())
        self._no_scores = self._scores
        self._enter(IDLE)
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = 0
        # Most windows of a period until stable. 0: a fixed length, or it did not become stable.
        self.learn_most = 0
        # The distance of the threshold, and the number of modes, at the last comparison.
        self.before = self.n_before = 0
        self.paused = False  # True while a learning period waits
        self.dirt = self.stale = False  # The last window may be dirt. `refresh` is due.
        self.stray = False  # The last window is dirt out of range.
        self.out_of_reach = False  # No window can reach the threshold.
        self.dropped = 0  # windows of dirt in the last period

    def start(self, n_windows, mode=None, most=0):
        """Learn what is normal from the next n_windows.

        mode: None to forget what was normal, else the name of a mode to add. most: 0, or the most
        windows of a period until stable, which is then first compared with itself at n_windows.
        """
        from nearhum.detection.period import Period

        if not mode:
            self._keep_none()
        self.period = Period(self)
        self.period.start(n_windows, mode)
        self.threshold = NO_THRESHOLD
        self.n_before = 0
        self.learn_most = most
        self.stray = False
        self.learn_total = self.learn_left = n_windows
        self._enter(LEARN)
        self.paused = False
        if not mode:
            if self.drift:
                self.drift.forget()
            if self.covariance:
                self.covariance.start()
        for view in self.views:
            view.start(n_windows, mode, most)

    def restart(self):
        """Restart the views, because the next window does not follow the last one."""
        for view in self.views:
            view.restart()

    def calibration(self):
        """Return the Calibration with the scores of the last learning period.

        Allocates, and loads the code.
        """
        from nearhum.detection.calibration import Calibration

        made = Calibration(*self._blocks)
        if self._scores:
            made.unpack(self._scores)
        return made

    def _keep(self, scores):
        # beyond_q8: octaves by which a false alarm is to be rarer than the scores can show.
        self._scores, self.n_scores = scores.pack(), scores.n
        self.independent = max(1, scores.independent_q8() + 128 >> 8) if scores.n else 0
        self.beyond_q8 = scores.beyond_q8()

    def _keep_none(self):
        self._scores, self.n_scores, self.independent, self.beyond_q8 = self._no_scores, 0, 0, 0

    def _enter(self, state):
        self.state = state
        if state != LEARN:
            self.period = None
            lifetime.release(lifetime.WHILE_LEARNING)
        # A plain detector calls the prototypes directly while watching, because that is faster.
        self.other, self.strange = NO_SCORE, None
        plain = state == WATCH and not (self.drift or self.covariance or self.ranges)
        self._own_score = self.prototypes.score_one if plain else self.first_score
        self.scorer = self.score_one if self.views else self._own_score

    @micropython.native
    def score_one(self, embedding):
        """Return the detector's own score, in octaves, Q8, or NO_SCORE if nothing is learned.

        While watching, `other` becomes the largest smoothed score of the views.
        """
        self.other, self.strange = NO_SCORE, None
        for view in self.views:
            score = view.score_one(embedding)
            if score > self.other:
                self.other, self.strange = score, view
        return self._own_score(embedding)

    @micropython.native
    def first_score(self, embedding, early=False):
        """Return the detector's own score without the views.

        early: True to score even if too little is learned for the score to count.
        """
        p = self.prototypes
        halvings = 0
        if self.ranges and self.ranges.beyond and p.n:
            offset = self.drift.offset if self.drift else None
            mean = p.mean_of(p.nearest())
            halvings = self.ranges.nearer_into(self._near, embedding, mean, offset, self.stride)
            embedding = self._near
        x = self.drift.apply(embedding) if self.drift else embedding
        if not early and self.state != WATCH and sum(p.counts) < max(1, self.learn_left):
            return NO_SCORE
        if self.covariance and self.covariance.network:
            score = self.covariance.score_one(x)
        else:
            score = p.score_one(x)
        # Each halving of the distance took two octaves (512 in Q8) off its square.
        return score + (halvings << 9)

    def refresh(self):
        """Update the covariance from what was learned so far. Allocates."""
        self.stale = False
        if self.covariance:
            self.covariance.refresh()
        for view in self.views:
            if view.detector.stale:
                view.detector.refresh()

    def follow(self):
        """Follow slow drift with the last scored window, which was not strange."""
        p = self.prototypes
        if not (self.ranges and self.ranges.beyond):
            self.drift.follow(p.mean_of(p.nearest()))

    def finish(self):
        """End the learning period: set the threshold and watch.

        Without a learned window the state becomes idle.
        """
        p, period = self.prototypes, self.period
        if self.learn_left > 0 or self.learn_total >= self.learn_most:
            self.learn_most = 0  # Ended by the user, or at its full length: not stable.
        self.learn_left = 0
        self.dirt = self.stale = self.paused = False
        if not sum(p.counts):
            p.clear()
            self._enter(IDLE)
            for view in self.views:
                view.detector.forget()
            return
        self.dropped = period.modes.finish()
        self.threshold = period.calibration.threshold()
        self._keep(period.calibration)
        self._look_for_doubt()
        self._enter(WATCH)
        if self.covariance:
            self.covariance.finish()
        if self.drift:
            self.drift.bound(p.variance)
        for view in self.views:
            view.finish(self.threshold)

    def _look_for_doubt(self):
        from nearhum.detection.doubts import unreachable  # Released soon, see lifetime.py.

        self.out_of_reach = unreachable(self)

    def strangest(self, embedding):
        """Return what is strange in the last scored embedding, as Prototypes.strangest."""
        return self.prototypes.strangest(self.drift.apply(embedding) if self.drift else embedding)

    def mode(self):
        """Return the name of the mode that the last window was nearest to, None without a name."""
        p = self.prototypes
        return p.labels[p.nearest()] if p.n and self.state == WATCH else None

    def forget(self):
        """Forget what is normal."""
        self.prototypes.clear()
        self._enter(IDLE)
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = self.learn_most = 0
        self.paused = False
        self._keep_none()
        if self.drift:
            self.drift.forget()
        if self.covariance:
            self.covariance.forget()
        for view in self.views:
            view.detector.forget()

    def pack(self):
        """Return state, threshold, scores, prototypes, drift, covariance and views as bytes."""
        p = self.prototypes
        out = struct.pack(
            _STATE, self.state | _FORMAT_3, self.paused, p.n, self.threshold, self.learn_left,
            self.learn_total, self.learn_most, self.before, self.n_before,
        )  # fmt: skip
        out += self.period.calibration.pack() if self.period else self._scores
        for j in range(p.n):
            name = (p.labels[j] or "").encode()
            out += bytes([len(name)]) + name + p.pack(j)
        for part in (self.drift, self.covariance):
            packed = part.pack() if part else b""
            out += struct.pack("<H", len(packed)) + packed
        for view in self.views:
            out += view.detector.pack()
        return out

    def unpack(self, view):
        """Restore the detector from the bytes that `pack` returned. Returns the bytes used."""
        p = self.prototypes
        self.forget()
        fields = struct.unpack_from(_STATE, view, 0)
        state, paused, n, self.threshold, self.learn_left, self.learn_total = fields[:6]
        self.learn_most, self.before, self.n_before = fields[6:]
        at = struct.calcsize(_STATE)
        scores, new = self.calibration(), state & _FORMAT_3
        if new:
            at += scores.unpack(view[at:])
        else:
            at += 30 + 2 * min(32, struct.unpack_from("<I", view, at + 20)[0])
        self._keep(scores)
        self._enter((IDLE, LEARN, WATCH)[state & ~_FORMAT_3])
        self.paused = paused > 0
        for _ in range(n):
            end = at + 1 + view[at]
            at = end + p.unpack(bytes(view[at + 1 : end]).decode() or None, view[end:])
        # Parts that are no longer set are skipped. Parts that were not set before get their state
        # in the next learning period.
        for part in (self.drift, self.covariance):
            size = struct.unpack_from("<H", view, at)[0]
            at += 2 + size
            if part and size:
                part.unpack(view[at - size : at])
        for j in range(p.n):
            p.derive(j)
        if self.drift:
            self.drift.bound(p.variance)
        if self.state == LEARN:
            from nearhum.detection.period import Period

            self.period = Period(self)
            self.period.modes.resume(self.learn_total)
        self.out_of_reach = False
        if self.state == WATCH:
            self._look_for_doubt()
        for part in self.views:
            if not new:
                raise FormatError("the state is of an earlier firmware", "learn again")
            at += part.detector.unpack(view[at:])
            part.set_offset(self.threshold)
        return at
