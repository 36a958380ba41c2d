"""Covariance: distance to a prototype by the full covariance, not by a spread for each dimension.

Enters: int8 embeddings. Leaves: scores with the same meaning as those of prototypes. Loaded only if
`spread` is full.

All modes share one covariance, as they share one spread: the covariance of embeddings less the mean
of their mode, in double steps. During a learning period it is summed exactly, and a whitening is
made of the sums now and then. The last whitening stays for watching, and the sums are freed.
score = log2 of |W (x - mean)|^2: the mean over dimensions and a quarter of the largest.
"""

import struct
from array import array

import micropython
from nearhum import kernels
from nearhum.embedding.head import Network
from nearhum.embedding.whitening import Whitening

UNIT_STEPS = 4  # steps of a whitened dimension in one spread: int8 saturates at 32 spreads


class Covariance:
    """The covariance of one detector's prototypes.

    Scoring and learning a window allocate nothing.
    """

    def __init__(self, prototypes, spread_floor, log2):
        self._prototypes = prototypes
        self._floor = spread_floor
        n = self._n = prototypes.n_dims
        Whitening(n)  # Raises ConfigError if there are too many dimensions.
        self.sums = self.network = None
        self._image = b""
        self._known = 0  # embeddings in the last whitening
        self._apart = bytearray(n)
        self._origin, self._ones = bytearray(n), bytearray([255] * n)
        # The score 0: a typical member is one spread away in every dimension.
        scale = log2(255) + log2(UNIT_STEPS * UNIT_STEPS) + log2(n)
        self._scale, self._out = array("i", [scale]), array("i", [0])
        self._bound = kernels.bind(self._origin, self._ones, n, log2.table, self._scale, self._out)

    def start(self):
        """Begin a learning period with empty sums."""
        self.forget()
        self.sums = Whitening(self._n, UNIT_STEPS, False)

    def forget(self):
        """Forget the covariance. Until the next whitening it gives no score."""
        self.sums = self.network = None
        self._image = b""
        self._known = 0

    @micropython.native
    def learn_one(self, x, j):
        """Add embedding x, int8 (n_dims,), a member of prototype j. Allocates nothing."""
        if self.sums:
            _apart(x, self._prototypes.mean_of(j), self._n, self._apart)
            self.sums.learn_one(self._apart)

    @micropython.native
    def stale(self):
        """Return True if the sums have a sixteenth more embeddings than the last whitening."""
        return self.sums is not None and self.sums.count << 4 >= 17 * self._known

    def refresh(self):
        """Make a new whitening of the sums. Allocates, and computes with floats."""
        if self.sums and self.sums.count:
            self._known = self.sums.count
            self._take(self.sums.head(self._floor / 2))

    def halve(self, i):
        """Halve dimension i in the sums, because its step has doubled (features/ranges.py).

        Call `refresh` afterwards.
        """
        if self.sums:
            self.sums.halve(i)

    def finish(self):
        """End the learning period: keep a last whitening, and free the sums."""
        self.refresh()
        self.sums = None

    def _take(self, image):
        self._image = bytes(image)
        self.network = Network(self._image, self._n)

    def score_one(self, x):
        """Return the score of x, int8 (n_dims,), to the nearest prototype, as Prototypes.score_one.

        The prototypes' `scores` are then the scores to each of them. Allocates nothing.
        """
        p = self._prototypes  # One assignment each: assigning five at once allocates a tuple.
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
        """Return the whitening, and during a learning period the sums, as bytes."""
        s = self.sums
        return (
            bytes([1]) + struct.pack("<I", self._known) + s.pack() if s else bytes(1)
        ) + self._image

    def unpack(self, view):
        """Restore the covariance from the bytes that `pack` returned."""
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
    # Writes x - mean in double steps, because the difference of two int8 needs nine bits.
    for i in range(n):
        v = ((x[i] ^ 128) - (mean[i] ^ 128) + 1) >> 1
        if v > 127:
            v = 127
        out[i] = v
