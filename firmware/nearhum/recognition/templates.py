"""Templates: utterances that were kept, of labels and of the background, and how far another
one is from each.

Enters: normalised cepstra of utterances, N_CEPSTRA bytes a frame. Leaves: distances, of dynamic
time warping (kernels/viper_words.py). A label's distance is the mean of its two nearest templates'.
The background is one label more, of a bounded number of templates, the oldest of which goes for the
next. Keeping a template allocates its length; comparing allocates nothing.
"""

from array import array

from micropython import const
from nearhum.kernels.viper_words import COSTS, MAX_FRAMES, N_CEPSTRA, align, changes
from nearhum.recognition.labels import MAX_LABELS

BACKGROUND = const(16)  # its place among the labels: behind all of them
N_BACKGROUND = 24
FAR = const(0x3FFFFFFF)


class Templates:
    """Kept utterances by the index of their label.

    all: cepstra as bytes; owner: label index of each.
    """

    def __init__(self, scratch):
        """scratch: of Utterances, in whose place an utterance and a template are compared until
        the next one ends.
        """
        self.all = []
        self.owner = []
        self._oldest = 0  # of the background: the one that goes next
        self._n_frames = 0  # of the utterance that is compared
        halves, n = memoryview(scratch), len(scratch) // 2
        self._row, self._other = halves[:n], halves[n:]  # it and a template, with their changes
        self._costs = array("i", bytes(4 * COSTS))
        # a label's nearest and second nearest distance
        self._nearest = array("i", bytes(8 * (MAX_LABELS + 1)))
        self.next = 0  # template to compare with

    # --- distances --------------------------------------------------------------------------------

    def ask(self, cepstra, n_frames):
        """Begin to compare an utterance with the templates."""
        self._n_frames = n_frames
        changes(cepstra, n_frames, self._row)
        nearest = self._nearest
        for i in range(len(nearest)):
            nearest[i] = FAR
        self.next = 0

    def compare(self, until):
        """Compare it with the templates from `next` up to the one before `until`."""
        for i in range(self.next, until):
            self._against(self.all[i], self.owner[i] << 1)
        self.next = until

    def _against(self, template, j):
        # few enough locals to need no heap
        n = len(template) // N_CEPSTRA
        changes(template, n, self._other)
        d = align(self._row, self._other, self._n_frames << 8 | n, self._costs)
        nearest = self._nearest
        if d < nearest[j]:
            nearest[j + 1] = nearest[j]
            nearest[j] = d
        elif d < nearest[j + 1]:
            nearest[j + 1] = d

    def distance(self, j):
        """Return how far it is from label j, by the templates compared so far; FAR where there
        were none.
        """
        first, second = self._nearest[2 * j], self._nearest[2 * j + 1]
        return first + second >> 1 if second < FAR else first

    def among(self, at, j):
        """Return how far template `at` is from label j, itself left out."""
        self.ask(self.all[at], len(self.all[at]) // N_CEPSTRA)
        for i in range(len(self.all)):
            if self.owner[i] == j and i != at:
                self.next = i
                self.compare(i + 1)
        return self.distance(j)

    # --- keeping ----------------------------------------------------------------------------------

    def take(self, j, cepstra):
        """Keep the bytes of an utterance as a template of label j."""
        self.owner.append(j)
        self.all.append(cepstra)

    def take_background(self, cepstra):
        """Keep the bytes of an utterance as background, in the place of the oldest one where
        there are enough.
        """
        places = [i for i in range(len(self.owner)) if self.owner[i] == BACKGROUND]
        if len(places) < N_BACKGROUND:
            self.take(BACKGROUND, cepstra)
        else:
            self.all[places[self._oldest]] = cepstra
            self._oldest = (self._oldest + 1) % N_BACKGROUND

    def drop(self, j):
        """Remove the templates of label j; labels after it move down by one."""
        for i in range(len(self.owner) - 1, -1, -1):
            if self.owner[i] == j:
                self.owner.pop(i)
                self.all.pop(i)
            elif j < self.owner[i] < BACKGROUND:
                self.owner[i] -= 1

    def clear(self):
        """Remove all."""
        del self.owner[:]
        del self.all[:]
        self._oldest = 0

    def pack(self):
        """Return the templates as bytes: u8 their number; u8 label index, u8 frames and the
        cepstra of each.
        """
        parts = [bytes([len(self.all)])]
        for j, template in zip(self.owner, self.all):
            parts.append(bytes([j, len(template) // N_CEPSTRA]) + template)
        return b"".join(parts)

    def unpack(self, view):
        """Take the templates that `pack` returned in the place of those here.

        Returns the bytes used.
        """
        self.clear()
        at = 1
        for _ in range(view[0]):
            end = at + 2 + N_CEPSTRA * view[at + 1]
            if not 6 <= view[at + 1] <= MAX_FRAMES or view[at] > BACKGROUND or end > len(view):
                # the kernels write as far as a template is long, and divide by its length
                raise ValueError
            self.take(view[at], bytes(view[at + 2 : end]))
            at = end
        return at
