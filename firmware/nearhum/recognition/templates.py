"""Templates: kept utterances, of labels and of the background, and distances to them.

Enters: normalised cepstra of utterances, N_CEPSTRA bytes a frame. Leaves: distances by dynamic time
warping (kernels/viper_words.py), for words.Words. The distance of a label is the mean of the
distances of its two nearest templates. The background is treated as one more label. It has a
bounded number of templates, and a new one replaces the oldest. Keeping a template allocates its
length. Comparing allocates nothing.
"""

from array import array

from micropython import const
from nearhum.kernels.viper_words import COSTS, MAX_FRAMES, N_CEPSTRA, align, changes
from nearhum.recognition.labels import MAX_LABELS

BACKGROUND = const(16)  # label index of the background: MAX_LABELS, behind all labels
N_BACKGROUND = 24  # templates of the background: 15 KB at most
FAR = const(0x3FFFFFFF)  # larger than any distance; MicroPython keeps it off the heap


class Templates:
    """Kept utterances with the index of their label.

    all: list of cepstra, as bytes. owner: list of their label indices, in the same order.
    """

    def __init__(self, scratch):
        """scratch: the buffer of Utterances. An utterance and a template are compared in it, until
        the next utterance ends.
        """
        self.all = []
        self.owner = []
        self._oldest = 0  # which of the background's templates is replaced next
        self._n_frames = 0  # frames of the utterance that is compared
        halves, n = memoryview(scratch), len(scratch) // 2
        # the rows of `changes` of the utterance, and of one template
        self._row, self._other = halves[:n], halves[n:]
        self._costs = array("i", bytes(4 * COSTS))
        # for each label, the distances of its nearest and its second nearest template
        self._nearest = array("i", bytes(8 * (MAX_LABELS + 1)))
        self.next = 0  # index of the template to compare with next

    # --- distances --------------------------------------------------------------------------------

    def ask(self, cepstra, n_frames):
        """Begin to compare an utterance with the templates.

        cepstra: int8 (n_frames, N_CEPSTRA). Allocates nothing.
        """
        self._n_frames = n_frames
        changes(cepstra, n_frames, self._row)
        nearest = self._nearest
        for i in range(len(nearest)):
            nearest[i] = FAR
        self.next = 0

    def compare(self, until):
        """Compare the utterance with the templates from index `next` to `until` - 1."""
        for i in range(self.next, until):
            self._against(self.all[i], self.owner[i] << 1)
        self.next = until

    def _against(self, template, j):
        # So few locals that MicroPython needs no heap for the call.
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
        """Return the distance of the utterance from label j, by the templates compared so far.

        Returns FAR if there were none. The unit is that of viper_words.align.
        """
        first, second = self._nearest[2 * j], self._nearest[2 * j + 1]
        return first + second >> 1 if second < FAR else first

    def among(self, at, j):
        """Return the distance of template `at` from the other templates of label j."""
        self.ask(self.all[at], len(self.all[at]) // N_CEPSTRA)
        for i in range(len(self.all)):
            if self.owner[i] == j and i != at:
                self.next = i
                self.compare(i + 1)
        return self.distance(j)

    # --- keeping ----------------------------------------------------------------------------------

    def take(self, j, cepstra):
        """Keep an utterance as a template of label j. cepstra: bytes."""
        self.owner.append(j)
        self.all.append(cepstra)

    def take_background(self, cepstra):
        """Keep an utterance as background. It replaces the oldest one if there are enough.

        cepstra: bytes.
        """
        places = [i for i in range(len(self.owner)) if self.owner[i] == BACKGROUND]
        if len(places) < N_BACKGROUND:
            self.take(BACKGROUND, cepstra)
        else:
            self.all[places[self._oldest]] = cepstra
            self._oldest = (self._oldest + 1) % N_BACKGROUND

    def drop(self, j):
        """Remove the templates of label j. The indices of later labels become one less."""
        for i in range(len(self.owner) - 1, -1, -1):
            if self.owner[i] == j:
                self.owner.pop(i)
                self.all.pop(i)
            elif j < self.owner[i] < BACKGROUND:
                self.owner[i] -= 1

    def clear(self):
        """Remove all templates."""
        del self.owner[:]
        del self.all[:]
        self._oldest = 0

    def pack(self):
        """Return the templates as bytes: u8 number; then for each u8 label index, u8 frames and
        cepstra.
        """
        parts = [bytes([len(self.all)])]
        for j, template in zip(self.owner, self.all):
            parts.append(bytes([j, len(template) // N_CEPSTRA]) + template)
        return b"".join(parts)

    def unpack(self, view):
        """Replace the templates by those in the bytes that `pack` returned.

        Returns the bytes used. Raises ValueError if they make no sense.
        """
        self.clear()
        at = 1
        for _ in range(view[0]):
            end = at + 2 + N_CEPSTRA * view[at + 1]
            if not 6 <= view[at + 1] <= MAX_FRAMES or view[at] > BACKGROUND or end > len(view):
                # The kernels trust a template's length: they write so far, and divide by it.
                raise ValueError
            self.take(view[at], bytes(view[at + 2 : end]))
            at = end
        return at
