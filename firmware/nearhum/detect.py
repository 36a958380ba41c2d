"""Detection: learn what is normal, then say how strange a window is. idle -> learn -> watch.

Enters: int8 embeddings and the smoothed scores that temporal makes of them. Leaves: scores, and a threshold.

While learning, every window is scored against what was learned before it, and then learned: so the scores that set the
threshold (calibration.py) are those of windows the modes had not seen; what may be dirt (see modes) sets none. What
creeps may be followed (drift.py), and distances may be by covariance (covariance.py), where the settings ask for it.

States, numbered as the journal has them:
  0 idle   nothing learned, nothing to compare with
  1 learn  first the range of slow channels (ranges.py), then warming up: no scores for a third of the period,
           then scores and learning side by side
  2 watch  scores against the threshold; nothing is learned, what creeps is followed inside its budget

A period until stable ends when more would change nothing: at its length, and whenever a quarter more was learned, its
threshold, as a distance, and its modes are compared with those of the time before. A quarter that moved the threshold
by less than STILL, that brought no mode, and that ends with a window of a mode, was the last; but not before there are
scores enough for the threshold to be read off their tail alone, and N_BLOCKS blocks of them: fewer leave it vague.
"""

import struct

from nearhum.calibration import ENOUGH, NO_THRESHOLD, Calibration
from nearhum.modes import Modes
from nearhum.wire import IDLE, LEARN, NO_SCORE, WATCH

STILL = 32  # Q8: an eighth of an octave
N_BLOCKS = 64
_STATE = "<BBBhIIIiB"  # state, paused, prototypes, threshold, learn_left, learn_total, most; threshold, modes of before


class Detector:
    """The detector over one set of normal prototypes. Scoring and learning a window allocate nothing."""

    def __init__(self, prototypes, one_in, tied=1):
        """prototypes: Prototypes of normal. one_in, tied: of the calibration."""
        self.prototypes = prototypes
        self.modes = Modes(prototypes)
        self.calibration = Calibration(one_in, tied)
        self.drift = None  # drift.Drift
        self.covariance = None  # covariance.Covariance
        self._enter(IDLE)
        self.threshold = NO_THRESHOLD
        self.learn_total = self.learn_left = 0
        # windows of a period until stable, at most; 0: it ends at its length. While watching: 0 where it was not stable
        self.most = 0
        self._before = self._n_before = 0  # threshold, as a distance, and modes of its last comparison
        self.paused = False  # a learning period waits
        self.dirt = False  # the last window learned may be dirt
        self.stale = False  # time for `refresh`
        self.dropped = 0  # windows of dirt that the last period's end dropped

    def start(self, n_windows, mode=None, most=0):
        """Forget what is normal and learn it anew from the next n_windows; or add them as a mode of that name.

        most: 0, or windows of a period until stable; it is compared with itself at n_windows for the first time.
        """
        self.modes.start(n_windows, mode)
        self.threshold = NO_THRESHOLD
        self._n_before = 0
        self.most = most
        self.learn_total = self.learn_left = n_windows
        self._enter(LEARN)
        self.paused = False
        if not mode:
            self.calibration.clear()
            if self.drift:
                self.drift.forget()
            if self.covariance:
                self.covariance.start()

    def _enter(self, state):
        # where nothing stands between, a watching window goes to the prototypes at once: one call less
        self.state = state
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

    def learn_one(self, embedding, smoothed):
        """Learn one embedding whose smoothed score is given (NO_SCORE if none). Returns True at the period's end."""
        modes, drift, covariance = self.modes, self.drift, self.covariance
        if drift:
            embedding = drift.apply(embedding)
        self.dirt = modes.learn_one(embedding)
        if not self.dirt:
            if smoothed != NO_SCORE:
                self.calibration.add(smoothed)
            if drift:
                drift.observe(embedding, modes.at)
            if covariance:
                covariance.learn_one(embedding, modes.at)
        self.learn_left = left = self.learn_left - 1
        if covariance and 3 * left <= 2 * self.learn_total:
            self.stale = covariance.stale()
        return left <= 0

    def refresh(self):
        """Make the covariance of what was learned so far. Allocates."""
        self.stale = False
        self.covariance.refresh(self.prototypes.wander)

    def follow(self):
        """Follow what creeps: the window scored last was not strange."""
        p = self.prototypes
        self.drift.follow(p.mean_of(p.nearest()))

    def extend(self):
        """Return True, and learn a quarter more, where a period until stable is at its length and not stable yet."""
        c, p = self.calibration, self.prototypes
        before, n_before = self._before, self._n_before
        more = min(self.learn_total >> 2, self.most - self.learn_total)
        if more <= 0 or not p.n:
            return False
        self._before = c.threshold() + p.scale
        self._n_before = p.n - len(self.modes.weak())
        moved = abs(self._before - before) >= STILL or self._n_before != n_before or self.dirt
        if not moved and c.n >= ENOUGH and c.n_blocks >= N_BLOCKS:
            return False
        self.learn_total += more
        self.learn_left = more
        self.modes.resume(self.learn_total)
        return True

    def finish(self):
        """End the learning period: derive what was learned, set the threshold, watch. Idle if nothing was learned."""
        p = self.prototypes
        if self.learn_left > 0 or self.learn_total >= self.most:
            self.most = 0  # ended by the user, or at its length: not stable
        self.learn_left = 0
        self.dirt = self.stale = self.paused = False
        if not sum(p.counts):
            p.clear()
            self._enter(IDLE)
            return
        self.dropped = self.modes.finish()
        self.threshold = self.calibration.threshold()
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
        self.calibration.clear()
        if self.drift:
            self.drift.forget()
        if self.covariance:
            self.covariance.forget()

    def pack(self):
        """Return state, threshold, the scores of the calibration, prototypes, drift and covariance as bytes."""
        p = self.prototypes
        out = struct.pack(
            _STATE, self.state, self.paused, p.n, self.threshold, self.learn_left, self.learn_total,
            self.most, self._before, self._n_before,
        )  # fmt: skip
        out += self.calibration.pack()
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
        self.most, self._before, self._n_before = fields[6:]
        self._enter((IDLE, LEARN, WATCH)[state])
        self.paused = paused > 0
        at = struct.calcsize(_STATE)
        at += self.calibration.unpack(view[at:])
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
            self.modes.resume(self.learn_total)
        return at
