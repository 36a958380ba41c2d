"""Recognition of words: an utterance is aligned in time with those that a person enrolled.

Enters: every window's log mel bands. Leaves: a label id at one window a word, and 0 at all others.
An utterance is unknown in two cases. It is further from every label than examples of a label
usually are from each other, widened by `reject`. Or it is nearer to the background, which is the
last utterances of learning periods that matched no label. (What is said while the board learns what
is normal is no word.)

Comparing takes time. So a window compares only some templates, and the answer comes within SPREAD
windows of the utterance's end. Hearing and answering allocate nothing. Keeping an utterance as
background allocates its length.
"""

from math import exp

from micropython import const
from nearhum.kernels.viper_words import N_CEPSTRA
from nearhum.recognition.labels import LOGISTIC, Labels
from nearhum.recognition.templates import BACKGROUND, FAR, Templates
from nearhum.recognition.utterance import Utterances
from nearhum.wire import LEARN

# Windows over which a comparison is spread. Utterances end at least 18 windows apart (_HANG +
# _SHORTEST of utterance.py), so it is over before the next one ends.
SPREAD = const(16)
MAX_EXAMPLES = 50  # of at most 64 frames of 10 bytes: 32 KB at most
# A prior for the distance of an example from the others of its label, in the unit of
# viper_words.align, and the number of examples that it counts as. Cepstra are normalised, so this
# distance hardly depends on the speaker and the word.
_TYPICAL = const(1240)
_WORTH = 2
# Utterances of the background by which an enrolment is judged. Each of them costs a comparison with
# all others.
_PROBES = 8


class Words(Labels):
    """Enrols and predicts words."""

    max_examples = MAX_EXAMPLES

    def __init__(self, plan, vector, config, detector):
        """plan: extract.Plan. vector: the feature vector, whose first channel's bands are heard.

        config: complete settings. detector: while it learns, unknown utterances become background.
        Raises ConfigError or FormatError if there is a head for words and it does not fit.
        """
        Labels.__init__(self, [], [])
        first = plan.n_before_bands
        self._frame = memoryview(vector)[first : first + len(plan.bands)]
        n, head = len(plan.bands), config["head"]
        if head:
            from nearhum.recognition.context import InContext

            self.utterances = InContext(n, head)
            plan.words += (self.utterances.fingerprint,)
        else:
            self.utterances = Utterances(n)
        self.templates = Templates(self.utterances.scratch)
        self._reject = config["reject"]
        self._detector = detector
        # for each label: (sum, number) of the distances of its examples from each other
        self._apart = []
        self._ended = False  # True if an utterance ended with this window
        self._asked = False  # True while an utterance waits for its answer
        self.heard = False  # True if this window answers an utterance that is near a label
        self._refresh(-1)  # sets `limit`, the distance beyond which an utterance is unknown

    def restart(self):
        """Forget what is being said, after a gap."""
        self.utterances.restart()

    def predict_one(self, embedding):
        """Hear the window whose features were extracted last.

        embedding: not used. Returns the label's id if a word was recognised, else 0.
        """
        self.heard = False
        self._ended = ended = self.utterances.hear_one(self._frame)
        templates = self.templates
        if ended:
            templates.ask(self.utterances.cepstra, self.utterances.n_frames)
            self._asked = True
        elif self._asked:
            n = len(templates.all)
            templates.compare(min(n, templates.next + (n + SPREAD - 1) // SPREAD))
            if templates.next == n:
                self._asked = False
                return self.answer()
        return 0

    def answer(self):
        """Return the id of the label of the utterance that was compared last, 0 for unknown."""
        at, best = -1, FAR
        for j in range(len(self.ids)):
            d = self.templates.distance(j)
            if d < best:
                at, best = j, d
        self.heard = self._near(best)
        if best <= self.limit and best <= self.templates.distance(BACKGROUND):
            return self.ids[at]
        if self._detector.state == LEARN:
            # Its cepstra are still there, because the next utterance cannot have ended yet.
            self.templates.take_background(self._utterance())
        return 0

    def _near(self, d):
        return d <= self.limit + (self.limit >> 1)

    def said(self):
        """Return what the log keeps of an answer, as a dict. Allocates.

        It has the limit, the distance of the background or None, and that of each near label.
        """
        near = {}
        for j in range(len(self.labels)):
            d = self.templates.distance(j)
            if self._near(d):
                near[self.labels[j]] = d
        d = self.templates.distance(BACKGROUND)
        return {"limit": self.limit, "background": d if d < FAR else None, "distances": near}

    def _utterance(self):
        return bytes(memoryview(self.utterances.cepstra)[: N_CEPSTRA * self.utterances.n_frames])

    # --- enrolling --------------------------------------------------------------------------------

    def example(self, embedding):
        """Return what can be enrolled now: the utterance that ended with this window, or None."""
        return self._utterance() if self._ended else None

    def enrol(self, label, example):
        """Add one example of label.

        example: cepstra as bytes. Returns (label id, number of its examples). Raises CommandError
        if there is no room.
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
        """Remove a label and its examples. Raises CommandError if there is no such label."""
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
        # Updates the limit after the examples of label j have changed (-1: of none). An utterance
        # that waits for its answer gets none, because Templates is used here.
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
        """Return how well a label can be told from others, as a dict. Allocates.

        normal: not used, because normal windows tell nothing about words. In the dict, close is
        another label of which an example would be taken for this one, or None. accepts is the
        expected percentage of other utterances that would be taken for it, or None with fewer than
        three utterances of background. It is the tail of a logistic distribution. Its mean and
        spread are those of the background's margins: how much further an utterance is from the
        label than it may be. The spread is at least 3 % of the limit.
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
        """Replace what is enrolled by the bytes that `pack` returned.

        Returns the bytes used. Raises ValueError if they make no sense.
        """
        self.clear()
        names, self.n_examples, at = self.unpack_labels(view)
        at += self.templates.unpack(view[at:])
        self.labels.extend(names)
        self.counts.extend([self.templates.owner.count(j) for j in range(len(names))])
        if 0 in self.counts:  # Every label has an example.
            raise ValueError
        self._apart.extend([(0, 0)] * len(names))
        for j in range(len(names)):
            self._refresh(j)
        return at


def _tail(margins, limit):
    # Returns the percentage of utterances with a margin below 0, or None for fewer than 3 margins.
    n = len(margins)
    if n < 3:
        return None
    mean = sum(margins) / n
    spread = max((sum([(m - mean) ** 2 for m in margins]) / (n - 1)) ** 0.5, 0.03 * limit)
    return round(1000 / (1 + exp(min(50, LOGISTIC * mean / spread)))) / 10
