"""Covariance: distance to a prototype by full covariance in the place of a spread a dimension.

Loaded where `spread` is full.

Enters: int8 embeddings. Leaves: scores, of the same meaning as those of prototypes. All modes share
one covariance, as they share one spread: that of what an embedding is apart from the mean of its
mode, in double steps. While learning it is summed exactly and a whitening is made of it now and
then; what the last one gives stays for watching, and the sums go. score = log2 of |W (x - mean)|^2,
the mean over dimensions and a quarter of the largest.
"""

import struct
from array import array

import micropython
from nearhum import kernels
from nearhum.embedding.head import Network
from nearhum.embedding.whitening import Whitening

UNIT_STEPS = 4  # of a whitened dimension, one spread: it saturates at 32


class Covariance:
    """The covariance of one detector's prototypes.

    Scoring and learning a window allocate nothing.
    """

    def __init__(self, prototypes, spread_floor, log2):
        self._prototypes = prototypes
        self._floor = spread_floor
        n = self._n = prototypes.n_dims
        Whitening(n)  # says so if it cannot
        self.sums = self.network = None
        self._image = b""
        self._known = 0  # embeddings, to the whitening
        self._apart = bytearray(n)
        self._origin, self._ones = bytearray(n), bytearray([255] * n)
        # a typical member is one spread away in every dimension
        scale = log2(255) + log2(UNIT_STEPS * UNIT_STEPS) + log2(n)
        self._scale, self._out = array("i", [scale]), array("i", [0])
        self._bound = kernels.bind(self._origin, self._ones, n, log2.table, self._scale, self._out)

    def start(self):
        """Begin a learning period: sum anew."""
        self.forget()
        self.sums = Whitening(self._n, UNIT_STEPS, False)

    def forget(self):
        """Forget the covariance: there is no score of it then."""
        self.sums = self.network = None
        self._image = b""
        self._known = 0

    @micropython.native
    def learn_one(self, x, j):
        """Add embedding x, a member of prototype j."""
        if self.sums:
            _apart(x, self._prototypes.mean_of(j), self._n, self._apart)
            self.sums.learn_one(self._apart)

    @micropython.native
    def stale(self):
        """Return True when there is a sixteenth more to know than the whitening does."""
        return self.sums is not None and self.sums.count << 4 >= 17 * self._known

    def refresh(self):
        """Make the whitening of what was summed. Allocates; takes floats."""
        if self.sums and self.sums.count:
            self._known = self.sums.count
            self._take(self.sums.head(self._floor / 2))

    def halve(self, i):
        """Halve dimension i of what was summed: its step has become twice as large.

        `refresh` comes after it.
        """
        if self.sums:
            self.sums.halve(i)

    def finish(self):
        """End the learning period: the last whitening stays."""
        self.refresh()
        self.sums = None

    def _take(self, image):
        self._image = bytes(image)
        self.network = Network(self._image, self._n)

    def score_one(self, x):
        """Return the score of x to the nearest prototype; the prototypes' scores are those to each.

        See there.
        """
        p = self._prototypes  # taken one by one: five at once would be a tuple on the heap
        apart = self._apart
        n = self._n
        out = self._out
        whiten = self.network.embed_into
        best = 0x3FFFFFF
        for j in range(p.n):
            _apart(x, p.mean_of(j), n, apart)
            kernels.score(whiten(apart), 1, self._bound)
            p.scores[j] = score = out[0]
            if score < best:
                best = score
        return best

    def pack(self):
        """Return the sums, while learning, and the whitening as bytes."""
        s = self.sums
        return (
            bytes([1]) + struct.pack("<I", self._known) + s.pack() if s else bytes(1)
        ) + self._image

    def unpack(self, view):
        """Take the place of what `pack` returned."""
        self.forget()
        at = 1
        if view[0]:
            self.sums = Whitening(self._n, UNIT_STEPS, False)
            self._known = struct.unpack_from("<I", view, 1)[0]
            at = 5 + self.sums.unpack(view[5:])
        if len(view) > at:
            self._take(view[at:])


@micropython.viper
def _apart(x: ptr8, mean: ptr8, n: int, out: ptr8):
    # in double steps: a difference of two int8 needs nine bits
    for i in range(n):
        v = ((x[i] ^ 128) - (mean[i] ^ 128) + 1) >> 1
        if v > 127:
            v = 127
        out[i] = v
