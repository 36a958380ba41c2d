"""Recognition of words: an utterance aligned in time with the few that a person enrolled; or
unknown.

Enters: every window's log mel bands. Leaves: a label id at one window a word, 0 at all others. The
set is open twice: an utterance further from every label than examples of one label are from each
other, by `reject`, is unknown, and so is one that is nearer to the background: the last utterances
of the learning periods that were no label's, for what is said while the board learns what is normal
is no word. Comparing takes time: some templates a window, so that the answer comes within SPREAD
windows of the utterance's end and no window takes long. Hearing and answering allocate nothing;
keeping an utterance as background allocates its length.
"""

from math import exp

from micropython import const
from nearhum.kernels.viper_words import N_CEPSTRA
from nearhum.recognition.labels import LOGISTIC, Labels
from nearhum.recognition.templates import BACKGROUND, FAR, Templates
from nearhum.recognition.utterance import Utterances
from nearhum.wire import LEARN

SPREAD = const(16)  # windows; an utterance ends at least 18 after the one before it
MAX_EXAMPLES = 50  # 32 KB at most
# An example from the others of its label where nobody knows better, and how many examples that is
# worth. Distances are of normalised cepstra, so it hardly depends on who speaks and what.
_TYPICAL = const(1240)
_WORTH = 2
# utterances of the background that an enrolment is judged by: each costs a comparison with all
# others
_PROBES = 8


class Words(Labels):
    """Enrols and predicts."""

    max_examples = MAX_EXAMPLES

    def __init__(self, plan, vector, config, detector):
        """plan: of the features. vector: where they come, its first channel's bands are heard.
        config: complete.

        detector: while it learns, utterances are background. Raises ConfigError, FormatError of a
        head for words.
        """
        Labels.__init__(self, [], [])
        first = plan.n_before_bands
        self._frame = memoryview(vector)[first : first + len(plan.bands)]
        n, head = len(plan.bands), config["head"]
        if head:
            from nearhum.recognition.context import InContext

            self._utterances = InContext(n, head)
            plan.words += (self._utterances.fingerprint,)
        else:
            self._utterances = Utterances(n)
        self.templates = Templates(self._utterances.scratch)
        self._reject = config["reject"]
        self._detector = detector
        # by label: distances of its examples from each other, their sum and number
        self._apart = []
        self._ended = False  # an utterance, with this window
        self._asked = False  # one waits for its answer
        self.heard = False  # this window gives the answer to an utterance near a label
        self._refresh(-1)  # limit: a distance; beyond it an utterance is unknown

    def restart(self):
        """Forget what is being said: a gap."""
        self._utterances.restart()

    def predict_one(self, embedding):
        """Hear the window whose features were extracted last.

        Returns a label's id where a word was recognised.
        """
        self.heard = False
        self._ended = ended = self._utterances.hear_one(self._frame)
        templates = self.templates
        if ended:
            templates.ask(self._utterances.cepstra, self._utterances.n_frames)
            self._asked = True
        elif self._asked:
            n = len(templates.all)
            templates.compare(min(n, templates.next + (n + SPREAD - 1) // SPREAD))
            if templates.next == n:
                self._asked = False
                return self.answer()
        return 0

    def answer(self):
        """Return the id of the label that the utterance compared last is near enough to; 0 for
        none.
        """
        at, best = -1, FAR
        for j in range(len(self.ids)):
            d = self.templates.distance(j)
            if d < best:
                at, best = j, d
        self.heard = self._near(best)
        if best <= self.limit and best <= self.templates.distance(BACKGROUND):
            return self.ids[at]
        if self._detector.state == LEARN:
            # its cepstra are there yet, for the next utterance cannot have ended
            self.templates.take_background(self._utterance())
        return 0

    def _near(self, d):
        return d <= self.limit + (self.limit >> 1)

    def said(self):
        """Return what the log keeps of an answer: limit, distance of the background and of each
        label that is near.
        """
        near = {}
        for j in range(len(self.labels)):
            d = self.templates.distance(j)
            if self._near(d):
                near[self.labels[j]] = d
        d = self.templates.distance(BACKGROUND)
        return {"limit": self.limit, "background": d if d < FAR else None, "distances": near}

    def _utterance(self):
        return bytes(memoryview(self._utterances.cepstra)[: N_CEPSTRA * self._utterances.n_frames])

    # --- enrolling --------------------------------------------------------------------------------

    def example(self, embedding):
        """Return what may be enrolled now: the utterance that ended with this window, or None."""
        return self._utterance() if self._ended else None

    def enrol(self, label, example):
        """Add one example of label.

        Returns (label id, examples it has now). Raises CommandError when full.
        """
        self.check_room(label, 1)
        if label not in self.labels:
            self.labels.append(label)
            self.counts.append(0)
            self.ids.append(self.new_id())
            self._apart.append(None)
        j = self.labels.index(label)
        self.templates.take(j, example)
        self.counts[j] += 1
        self.n_examples += 1
        self._refresh(j)
        return self.ids[j], self.counts[j]

    def forget(self, label):
        """Remove a label and its examples. Raises CommandError where there is none of that name."""
        j = self.index(label)
        self.n_examples -= self.counts[j]
        for values in (self.labels, self.counts, self.ids, self._apart):
            values.pop(j)
        self.templates.drop(j)
        self._refresh(-1)

    def clear(self):
        """Remove all labels and examples, and the background."""
        for values in (self.labels, self.counts, self.ids, self._apart):
            del values[:]
        self.n_examples = 0
        self.templates.clear()
        self._refresh(-1)

    def _refresh(self, j):
        # the limit, after the examples of label j have changed; an utterance that waits for its
        # answer gets none
        self._asked = False
        if j >= 0:
            owner = self.templates.owner
            apart = [
                self.templates.among(i, j)
                for i in range(len(owner))
                if owner[i] == j and self.counts[j] > 1
            ]
            self._apart[j] = (sum(apart), len(apart))
        total, n = _WORTH * _TYPICAL, _WORTH
        for some, count in self._apart:
            total += some
            n += count
        self.limit = total // n * (256 + self._reject) >> 8

    def about(self, label, normal):
        """Return what is worth knowing of a label: another one that is too close, and the share
        of false accepts.

        close: the label one of whose examples would be taken for this one, None for none. accepts:
        percent of other utterances that would be, expected from the background: the tail of a
        logistic distribution with mean and spread of how far its utterances are from that (a spread
        of 3 % of the limit at least); None before there are three. normal: not asked, what is
        normal among windows says nothing of words.
        """
        templates, j, close, margins, n_background = self.templates, self.index(label), None, [], 0
        self._asked = False
        every = max(1, templates.owner.count(BACKGROUND) // _PROBES)
        for i in range(len(templates.all)):
            k = templates.owner[i]
            if k == BACKGROUND:
                n_background += 1
                if n_background % every == 0:
                    reach = min(self.limit, templates.among(i, k))
                    margins.append(templates.among(i, j) - reach)
            elif k != j and close is None and templates.among(i, j) <= self.limit:
                close = self.labels[k]
        return {"close": close, "accepts": _tail(margins, self.limit)}

    # --- to and from bytes ------------------------------------------------------------------------

    def pack(self):
        """Return labels, ids, examples and background as bytes."""
        return self.pack_labels() + self.templates.pack()

    def unpack(self, view):
        """Take the place of what is enrolled by what `pack` returned. Returns the bytes used."""
        self.clear()
        names, self.n_examples, at = self.unpack_labels(view)
        at += self.templates.unpack(view[at:])
        self.labels.extend(names)
        self.counts.extend([self.templates.owner.count(j) for j in range(len(names))])
        if 0 in self.counts:  # no label is without an example
            raise ValueError
        self._apart.extend([(0, 0)] * len(names))
        for j in range(len(names)):
            self._refresh(j)
        return at


def _tail(margins, limit):
    n = len(margins)
    if n < 3:
        return None
    mean = sum(margins) / n
    spread = max((sum([(m - mean) ** 2 for m in margins]) / (n - 1)) ** 0.5, 0.03 * limit)
    return round(1000 / (1 + exp(min(50, LOGISTIC * mean / spread)))) / 10
