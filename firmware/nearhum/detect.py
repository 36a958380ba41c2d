"""Detection: learn what is normal, then say how strange a window is. idle -> learn -> watch.

Enters: int8 embeddings and the smoothed scores that temporal makes of them. Leaves: scores, and a threshold.

How a learning period goes is period.py's. What creeps may be followed (drift.py), and distances may be by covariance
(covariance.py), where the settings ask for it.

States, numbered as the journal has them:
  0 idle   nothing learned, nothing to compare with
  1 learn  first the range of slow channels (ranges.py), then warming up: no scores for a third of the period,
           then scores and learning side by side
  2 watch  scores against the threshold; nothing is learned, what creeps is followed inside its budget
"""

import struct

from nearhum import board
from nearhum.wire import IDLE, LEARN, NO_SCORE, NO_THRESHOLD, WATCH

_STATE = "<BBBhIIIiB"  # state, paused, prototypes, threshold, learn_left, learn_total, most; threshold, modes of before


class Detector:
    """The detector over one set of normal prototypes. Scoring and learning a window allocate nothing."""

    def __init__(self, prototypes, one_in, tied=1):
        """prototypes: Prototypes of normal. one_in, tied: of the calibration."""
        self.prototypes = prototypes
        self.period = None  # period.Period, while learning
        self.drift = None  # drift.Drift
        self.covariance = None  # covariance.Covariance
        self._blocks = one_in, tied
        self._scores = b""  # of the last period, as its calibration packs them
        self._no_scores = self.calibration().pack()
        self._keep(self._no_scores, 0)
        self._enter(IDLE)
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = 0
        # windows of a period until stable, at most; 0: it ends at its length. While watching: 0 where it was not stable
        self.most = 0
        self.before = self.n_before = 0  # threshold, as a distance, and modes of its last comparison
        self.paused = False  # a learning period waits
        self.dirt = False  # the last window learned may be dirt
        self.stale = False  # time for `refresh`
        self.dropped = 0  # windows of dirt that the last period's end dropped

    def start(self, n_windows, mode=None, most=0):
        """Forget what is normal and learn it anew from the next n_windows; or add them as a mode of that name.

        most: 0, or windows of a period until stable; it is compared with itself at n_windows for the first time.
        """
        from nearhum.period import Period

        if not mode:
            self._keep(self._no_scores, 0)
        self.period = Period(self)
        self.period.modes.start(n_windows, mode)
        self.threshold = NO_THRESHOLD
        self.n_before = 0
        self.most = most
        self.learn_total = self.learn_left = n_windows
        self._enter(LEARN)
        self.paused = False
        if not mode:
            if self.drift:
                self.drift.forget()
            if self.covariance:
                self.covariance.start()

    def calibration(self):
        """Return the scores of the last learning period, as a Calibration. Allocates, and loads its code."""
        from nearhum.calibration import Calibration

        made = Calibration(*self._blocks)
        if self._scores:
            made.unpack(self._scores)
        return made

    def _keep(self, scores, n):
        self._scores, self.n_scores = scores, n

    def _enter(self, state):
        self.state = state
        if state != LEARN:
            self.period = None
            board.let_go("period", "modes", "calibration")
        # where nothing stands between, a watching window goes to the prototypes at once: one call less
        plain = state == WATCH and not self.drift and not self.covariance
        self.scorer = self.prototypes.score_one if plain else self.score_one

    def score_one(self, embedding):
        """Return the score of an embedding, or NO_SCORE where there is nothing to compare it with. Changes nothing."""
        p = self.prototypes
        x = self.drift.apply(embedding) if self.drift else embedding
        if self.state != WATCH and 2 * sum(p.counts) < max(2, self.learn_left):
            return NO_SCORE
        if self.covariance and self.covariance.network:
            return self.covariance.score_one(x)
        return p.score_one(x)

    def refresh(self):
        """Make the covariance of what was learned so far. Allocates."""
        self.stale = False
        self.covariance.refresh(self.prototypes.wander)

    def follow(self):
        """Follow what creeps: the window scored last was not strange."""
        p = self.prototypes
        self.drift.follow(p.mean_of(p.nearest()))

    def finish(self):
        """End the learning period: derive what was learned, set the threshold, watch. Idle if nothing was learned."""
        p, period = self.prototypes, self.period
        if self.learn_left > 0 or self.learn_total >= self.most:
            self.most = 0  # ended by the user, or at its length: not stable
        self.learn_left = 0
        self.dirt = self.stale = self.paused = False
        if not sum(p.counts):
            p.clear()
            self._enter(IDLE)
            return
        self.dropped = period.modes.finish()
        self.threshold = period.calibration.threshold()
        self._keep(period.calibration.pack(), period.calibration.n)
        self._enter(WATCH)
        if self.covariance:
            self.covariance.finish(p.wander)
        if self.drift:
            self.drift.bound(p.variance)

    def strangest(self, embedding):
        """Return what is strange of the embedding scored last, as prototypes do."""
        return self.prototypes.strangest(self.drift.apply(embedding) if self.drift else embedding)

    def mode(self):
        """Return the name of the mode that the last window was nearest to; None where it has none."""
        p = self.prototypes
        return p.labels[p.nearest()] if p.n and self.state == WATCH else None

    def forget(self):
        """Forget what is normal."""
        self.prototypes.clear()
        self._enter(IDLE)
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = self.most = 0
        self.paused = False
        self._keep(self._no_scores, 0)
        if self.drift:
            self.drift.forget()
        if self.covariance:
            self.covariance.forget()

    def pack(self):
        """Return state, threshold, the scores of the calibration, prototypes, drift and covariance as bytes."""
        p = self.prototypes
        out = struct.pack(
            _STATE, self.state, self.paused, p.n, self.threshold, self.learn_left, self.learn_total,
            self.most, self.before, self.n_before,
        )  # fmt: skip
        out += self.period.calibration.pack() if self.period else self._scores
        for j in range(p.n):
            name = (p.labels[j] or "").encode()
            out += bytes([len(name)]) + name + p.pack(j)
        for part in (self.drift, self.covariance):
            packed = part.pack() if part else b""
            out += struct.pack("<H", len(packed)) + packed
        return out

    def unpack(self, view):
        """Take the place of what `pack` returned. Returns the bytes used."""
        p = self.prototypes
        self.forget()
        fields = struct.unpack_from(_STATE, view, 0)
        state, paused, n, self.threshold, self.learn_left, self.learn_total = fields[:6]
        self.most, self.before, self.n_before = fields[6:]
        at = struct.calcsize(_STATE)
        scores = self.calibration()
        at += scores.unpack(view[at:])
        self._keep(scores.pack(), scores.n)
        self._enter((IDLE, LEARN, WATCH)[state])
        self.paused = paused > 0
        for _ in range(n):
            end = at + 1 + view[at]
            at = end + p.unpack(bytes(view[at + 1 : end]).decode() or None, view[end:])
        # what a part's setting no longer asks for is left; what it asks for now comes with the next learning period
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
            from nearhum.period import Period

            self.period = Period(self)
            self.period.modes.resume(self.learn_total)
        return at
