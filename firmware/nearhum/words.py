"""Recognition of words: an utterance aligned in time with the few that a person enrolled; or unknown.

Enters: every window's log mel bands. Leaves: a label id at one window a word, 0 at all others.
Every example is kept as it was said, N_CEPSTRA bytes a frame. A label's distance is the mean of its two nearest
examples' (dynamic time warping, kernels/viper_words.py). The set is open twice: an utterance further from every label
than examples of one label are from each other, by `reject`, is unknown, and so is one that is nearer to the background:
the last N_BACKGROUND utterances of the learning periods that were no label's, for what is said while the board learns
what is normal is no word.
Comparing takes time: some examples a window, so that the answer comes within SPREAD windows of the utterance's end and
no window takes long. Hearing and answering allocate nothing; keeping an utterance as background allocates its length.
"""

import struct
from array import array
from math import exp

import micropython
from micropython import const

from nearhum.kernels.viper_words import MAX_FRAMES, N_CEPSTRA, align, changes
from nearhum.labels import MAX_LABELS, Labels
from nearhum.utterance import Utterances
from nearhum.wire import LEARN

SPREAD = const(16)  # windows; an utterance ends at least 18 after the one before it
MAX_EXAMPLES = 50  # 32 KB at most
_FAR = const(0x3FFFFFFF)
# An example from the others of its label where nobody knows better, and how many examples that is worth. Distances are
# of normalised cepstra, so it hardly depends on who speaks and what.
TYPICAL = 1240
_WORTH = 2
N_BACKGROUND = 24
_BACKGROUND = MAX_LABELS  # its place among the labels
_PROBES = 8  # utterances of the background that an enrolment is judged by: each costs a comparison with all others


class Words(Labels):
    """Enrols and predicts. Examples take their own length."""

    max_examples = MAX_EXAMPLES

    def __init__(self, plan, vector, reject, detector):
        """plan: of the features. vector: where they come, its first channel's bands are heard. reject: see config.

        detector: while it learns, utterances are background.
        """
        Labels.__init__(self, [], [])
        first = plan.n_before_bands
        self._frame = memoryview(vector)[first : first + len(plan.bands)]
        self._utterances = Utterances(len(plan.bands))
        self._reject = reject
        self._detector = detector
        self._examples = []  # bytes, normalised cepstra
        self._owner = []  # label index of each, or _BACKGROUND
        self._apart = []  # distance of each from the others of its label, 0 where there are none
        self._oldest = 0  # of the background: the one that goes next
        self._row = bytearray(2 * N_CEPSTRA * MAX_FRAMES)  # of the utterance and of an example, with their changes
        self._other = bytearray(2 * N_CEPSTRA * MAX_FRAMES)
        self._costs = array("i", bytes(4 * (MAX_FRAMES + 1)))
        # distances of a label's nearest and second nearest example
        self._nearest = array("i", bytes(8 * (MAX_LABELS + 1)))
        self._ended = False  # with this window
        self._asked = False  # an utterance waits for its answer
        self._next = self._said = 0  # example to compare with, frames of the utterance
        self.heard = False  # this window gives the answer to an utterance near a label
        self._refresh(-1)  # limit: a distance; beyond it an utterance is unknown

    def restart(self):
        """Forget what is being said: a gap."""
        self._utterances.restart()

    @micropython.native
    def predict_one(self, embedding):
        """Hear the window whose features were extracted last. Returns a label's id where a word was recognised."""
        self.heard = False
        self._ended = ended = self._utterances.hear_one(self._frame)
        if ended:
            self._ask(self._utterances.cepstra, self._utterances.n_frames)
            self._asked = True
        elif self._asked:
            n = len(self._examples)
            self._compare(min(n, self._next + (n + SPREAD - 1) // SPREAD))
            if self._next == n:
                self._asked = False
                return self._answer()
        return 0

    def _ask(self, cepstra, n_frames):
        # what is to be compared, from the first example on
        self._said = n_frames
        changes(cepstra, n_frames, self._row)
        nearest = self._nearest
        for i in range(len(nearest)):
            nearest[i] = _FAR
        self._next = 0

    @micropython.native
    def _compare(self, until):
        nearest, owner, examples = self._nearest, self._owner, self._examples
        row, other, costs = self._row, self._other, self._costs
        said = self._said << 8
        for i in range(self._next, until):
            example = examples[i]
            n = len(example) // N_CEPSTRA
            changes(example, n, other)
            d = align(row, other, said | n, costs)
            j = owner[i] << 1
            if d < nearest[j]:
                nearest[j + 1] = nearest[j]
                nearest[j] = d
            elif d < nearest[j + 1]:
                nearest[j + 1] = d
        self._next = until

    @micropython.native
    def _answer(self):
        at, best = -1, _FAR
        for j in range(len(self.ids)):
            d = self._of(j)
            if d < best:
                at, best = j, d
        self.heard = self._near(best)
        if best <= self.limit and best <= self._of(_BACKGROUND):
            return self.ids[at]
        if self._detector.state == LEARN:
            self._keep()
        return 0

    def _of(self, j):
        # distance of the utterance from label j
        first, second = self._nearest[2 * j], self._nearest[2 * j + 1]
        return first + second >> 1 if second < _FAR else first

    def _near(self, d):
        return d <= self.limit + (self.limit >> 1)

    def said(self):
        """Return what the log keeps of an answer: limit, distance of the background and of each label that is near."""
        near = {}
        for j in range(len(self.labels)):
            if self._near(self._of(j)):
                near[self.labels[j]] = self._of(j)
        d = self._of(_BACKGROUND)
        return {"limit": self.limit, "background": d if d < _FAR else None, "distances": near}

    def _keep(self):
        # as background: the utterance's cepstra are there yet, for the next one cannot have ended
        example = self._copy()
        background = [i for i in range(len(self._owner)) if self._owner[i] == _BACKGROUND]
        if len(background) < N_BACKGROUND:
            self._take(_BACKGROUND, example)
        else:
            self._examples[background[self._oldest]] = example
            self._oldest = (self._oldest + 1) % N_BACKGROUND

    def _copy(self):
        return bytes(memoryview(self._utterances.cepstra)[: N_CEPSTRA * self._utterances.n_frames])

    # --- enrolling -------------------------------------------------------------------------------------------------

    def example(self, embedding):
        """Return what may be enrolled now: the utterance that ended with this window, or None."""
        return self._copy() if self._ended else None

    def enrol(self, label, example):
        """Add one example of label. Returns (label id, examples it has now). Raises CommandError when full."""
        self.check_room(label, 1)
        if label not in self.labels:
            self.labels.append(label)
            self.counts.append(0)
            self.ids.append(self._new_id())
        j = self.labels.index(label)
        self._take(j, example)
        self._refresh(j)
        return self.ids[j], self.counts[j]

    def forget(self, label):
        """Remove a label and its examples. Raises CommandError where there is none of that name."""
        j = self.index(label)
        for values in (self.labels, self.counts, self.ids):
            values.pop(j)
        for i in range(self.n_examples - 1, -1, -1):
            if self._owner[i] == j:
                for values in (self._examples, self._owner, self._apart):
                    values.pop(i)
            elif j < self._owner[i] < _BACKGROUND:
                self._owner[i] -= 1
        self.n_examples = sum(self.counts)
        self._refresh(-1)

    def clear(self):
        """Remove all labels and examples, and the background."""
        for values in (self.labels, self.counts, self.ids, self._examples, self._owner, self._apart):
            del values[:]
        self.n_examples = self._oldest = 0
        self._refresh(-1)

    def _take(self, j, example):
        self._owner.append(j)
        self._examples.append(example)
        self._apart.append(0)
        if j < _BACKGROUND:
            self.counts[j] += 1
            self.n_examples += 1

    def _refresh(self, j):
        # the limit, after the examples of label j have changed; an utterance that waits for its answer gets none
        self._asked = False
        total, n = _WORTH * TYPICAL, _WORTH
        for i in range(len(self._examples)):
            if self._owner[i] == j and self.counts[j] > 1:
                self._apart[i] = self._among(i, j)
            if self._apart[i]:
                total += self._apart[i]
                n += 1
        self.limit = total // n * (256 + self._reject) >> 8

    def _among(self, at, j):
        # distance of example `at` from those of label j, itself left out
        example = self._examples[at]
        self._ask(example, len(example) // N_CEPSTRA)
        for i in range(len(self._examples)):
            if self._owner[i] == j and i != at:
                self._next = i
                self._compare(i + 1)
        return self._of(j)

    def about(self, label):
        """Return what is worth knowing of a label: another one that is too close, and the share of false accepts.

        close: the label one of whose examples would be taken for this one, None for none. accepts: percent of other
        utterances that would be, expected from the background: the tail of a logistic distribution with mean and spread
        of how far its utterances are from that (a spread of 3 % of the limit at least); None before there are three.
        """
        j, close, margins, n_background = self.index(label), None, [], 0
        every = max(1, self._owner.count(_BACKGROUND) // _PROBES)
        for i in range(len(self._examples)):
            k = self._owner[i]
            if k == _BACKGROUND:
                n_background += 1
                if n_background % every == 0:
                    reach = min(self.limit, self._among(i, k))
                    margins.append(self._among(i, j) - reach)
            elif k != j and close is None and self._among(i, j) <= self.limit:
                close = self.labels[k]
        return {"close": close, "accepts": _tail(margins, self.limit)}

    # --- to and from bytes: labels, u8 number of examples; of each u8 label index, u8 frames, cepstra ----------------

    def pack(self):
        """Return labels, ids, examples and background as bytes."""
        parts = [self.pack_labels(), struct.pack("<B", len(self._examples))]
        for i in range(len(self._examples)):
            parts.append(struct.pack("<BB", self._owner[i], len(self._examples[i]) // N_CEPSTRA))
            parts.append(self._examples[i])
        return b"".join(parts)

    def unpack(self, view):
        """Take the place of what is enrolled by what `pack` returned. Returns the bytes used."""
        self.clear()
        names, _, at = self.unpack_labels(view)
        self.labels.extend(names)
        self.counts.extend([0] * len(names))
        n = view[at]
        at += 1
        for _ in range(n):
            end = at + 2 + N_CEPSTRA * view[at + 1]
            self._take(view[at], bytes(view[at + 2 : end]))
            at = end
        for j in range(len(names)):
            self._refresh(j)
        return at


def _tail(margins, limit):
    n = len(margins)
    if n < 3:
        return None
    mean = sum(margins) / n
    spread = max((sum([(m - mean) ** 2 for m in margins]) / (n - 1)) ** 0.5, 0.03 * limit)
    return round(1000 / (1 + exp(min(50, 1.702 * mean / spread)))) / 10
