"""Prototypes: everything that the board learns.

A prototype is a label, a count, a running mean and a running spread of embeddings.

Enters: int8 embeddings (n_dims,). Leaves: distances. Only the raw sums are stored: the sum of x in
one word, and that of x^2 in two. Mean and variance follow from them by exact integer division. So
the sums of two boards add up to what one board would have learned from both, in any order. They are
exact for 2^24 - 1 embeddings. Then the count and the sums stop changing. All prototypes of a set
share one spread, pooled over them (Duda, Hart, Stork, Pattern Classification, 2001, 2.6.2), because
a few examples have no reliable spread of their own. The kernels use integers only, so every board
gets the same bits.
"""

import struct
from array import array

import micropython
from micropython import const
from nearhum import kernels
from nearhum.errors import CommandError

MAX_COUNT = (1 << 24) - 1
SHOWN = 3  # most dimensions that an alarm names
_EMPTY = const(-(1 << 28))  # scale of a prototype with count 0, so that it is never the nearest


class Prototypes:
    """A bounded set of prototypes, all with n_dims dimensions.

    Adding a prototype allocates. Learning and scoring do not.
    """

    def __init__(self, capacity, n_dims, spread_floor, log2):
        """Make an empty set.

        capacity: most prototypes. spread_floor: the smallest spread in steps, lower ones count as
        this. log2: transform_fixed.Log2.
        """
        self.capacity = capacity
        self.n_dims = n_dims
        self._log2 = log2
        self._floor_q12 = spread_floor * spread_floor << 12
        self.n = 0
        self.labels = []
        self.counts = []
        self.variance = array("i", bytes(4 * n_dims))  # pooled, Q12
        self.extra = None  # variance to add, Q12, or None: a fleet's prototypes have no spread
        self.scale = 0  # distance of a typical member, octaves in Q8: score 0
        self._score = kernels.score
        self._sums = self._squares = self._means = self._weights = self._scales = (
            self._variances
        ) = b""
        self.reserve(0)

    def reserve(self, n_rows):
        """Reserve room for n_rows prototypes, or for the present ones if there are more. Allocates.

        Not for `capacity` at once, because a board's heap is small.
        """
        n = self.n_dims
        n_rows = max(n_rows, self.n)
        self._sums = _longer(self._sums, "i", n_rows * n)
        self._squares = _longer(self._squares, "i", 2 * n_rows * n)
        self._means = _longer(self._means, "B", n_rows * n)
        self._weights = _longer(self._weights, "B", n_rows * n)
        self._variances = _longer(self._variances, "i", n_rows * n)
        self._scales = _longer(self._scales, "i", n_rows)  # distance of a typical member, Q8
        self._shares = array("i", bytes(4 * n_rows))
        self.scores = array("i", bytes(4 * n_rows))  # of the last embedding, to each prototype
        self._bound = kernels.bind(
            self._means, self._weights, n, self._log2.table, self._scales, self.scores
        )
        # Views are made once, because a slice at every window would allocate.
        self._row = [_Row(self, j) for j in range(n_rows)]

    def add(self, label):
        """Add an empty prototype, and return its index.

        label: str, or None for a normal one. Raises CommandError if the set is full.
        """
        if self.n == self.capacity:
            raise CommandError("the board holds %d prototypes" % self.capacity, "forget one first")
        if self.n == len(self._row):
            self.reserve(self.n + 1)
        j = self.n
        self.n = j + 1
        self.labels.append(label)
        self.counts.append(0)
        self._scales[j] = _EMPTY
        row = self._row[j]
        for i in range(self.n_dims):
            row.sums[i] = row.variance[i] = 0
            row.squares[2 * i] = row.squares[2 * i + 1] = 0
        return j

    def join(self, j, k):
        """Add prototype k to prototype j, as if j had learned all of it, and remove k. j < k."""
        here, there = self._row[j], self._row[k]
        for i in range(self.n_dims):
            here.sums[i] += there.sums[i]
            low = here.squares[2 * i + 1] + there.squares[2 * i + 1]
            here.squares[2 * i] += there.squares[2 * i] + (low >> 24)
            here.squares[2 * i + 1] = low & 0xFFFFFF
        self.counts[j] += self.counts[k]
        self.labels[j] = self.labels[j] or self.labels[k]
        self.remove(k)
        self.derive(j)

    def halve(self, i):
        """Halve dimension i of everything learned, because its step has doubled (ranges.py).

        Call `derive` afterwards. A sum of squares stays so large that no variance is negative.
        """
        for j in range(self.n):
            row, count = self._row[j], max(1, self.counts[j])
            row.sums[i] = s = row.sums[i] >> 1
            square = (row.squares[2 * i] << 24) + row.squares[2 * i + 1] >> 2
            square = max(square, -(-s * s // count))
            row.squares[2 * i], row.squares[2 * i + 1] = square >> 24, square & 0xFFFFFF

    def remove(self, j):
        """Remove prototype j. The indices of those after it fall by one."""
        self.n = last = self.n - 1
        for k in range(j, last):
            here, there = self._row[k], self._row[k + 1]
            here.sums[:] = there.sums
            here.squares[:] = there.squares
            here.mean[:] = there.mean
            here.variance[:] = there.variance
        self.labels.pop(j)
        self.counts.pop(j)
        self._pool()

    def clear(self):
        """Remove all prototypes."""
        self.n = 0
        del self.labels[:]
        del self.counts[:]

    def learn_one(self, j, x):
        """Add embedding x, int8 (n_dims,), to the sums of prototype j.

        Scores change only after `derive`. Allocates nothing.
        """
        if self.counts[j] < MAX_COUNT:
            row = self._row[j]
            kernels.learn(x, self.n_dims, row.sums, row.squares)
            self.counts[j] += 1

    def derive(self, j):
        """Update the mean of prototype j, and the pooled spread, from the sums."""
        if self.counts[j]:
            row = self._row[j]
            kernels.derive(
                row.sums, self.n_dims, row.squares, self.counts[j], row.mean, row.variance
            )
        self._pool()

    @micropython.native
    def _pool(self):
        # Pooled variance: sum of count * variance / (sum of counts - number of prototypes).
        counts, shares, scales = self.counts, self._shares, self._scales
        n_dims = self.n_dims
        free = halvings = 0
        for count in counts:
            if count:
                free += count - 1
        while free >> halvings >= 0x200000:
            halvings += 1
        free >>= halvings
        for j in range(self.n):
            shares[j] = ((counts[j] >> halvings) << 8) // free if free > 0 else 0
        kernels.pool(self._variances, n_dims, self.n, shares, self.variance)
        extra = self.extra
        if extra:
            for i in range(n_dims):
                self.variance[i] += extra[i]
        low = kernels.weigh(self.variance, n_dims, self._floor_q12, self._weights, self.n)
        # The distance of a typical member, one spread away in every dimension: its sum over n
        # dimensions is 255 * low * n, and all its terms are equal.
        log2 = self._log2
        scale = log2(255) + log2(low) - 12 * 256 + log2(n_dims)
        self.scale = scale
        for j in range(self.n):
            scales[j] = scale if counts[j] else _EMPTY

    @micropython.native
    def score_one(self, x):
        """Return the distance of x to the nearest prototype, in octaves of squared distance, Q8.

        x: int8 (n_dims,). The squared distance is the mean over the dimensions of
        (x - mean)^2 / variance, plus a quarter of its largest term. A typical window has 0 to 1
        octave. At least one prototype must have a count. Changes nothing learned, allocates
        nothing.
        """
        return self._score(x, self.n, self._bound)

    def nearest(self):
        """Return the index of the prototype that gave the last score."""
        return kernels.smallest(self.scores, 0, self.n)

    def strangest(self, x):
        """Return [[dimension, percent of the distance]] of the SHOWN strangest dimensions of x.

        The distance is to the prototype that is nearest by the last score. Allocates.
        """
        row = self._row[self.nearest()]
        terms = []
        for i in range(self.n_dims):
            apart = ((x[i] ^ 128) - 128) - ((row.mean[i] ^ 128) - 128)
            terms.append((apart * apart * row.weights[i], i))
        whole = max(1, sum([term for term, _ in terms]))
        terms.sort()
        return [[i, 100 * term // whole] for term, i in terms[: -SHOWN - 1 : -1] if term]

    def mean_of(self, j):
        """Return a view of prototype j's mean, int8 (n_dims,)."""
        return self._row[j].mean

    # --- to and from bytes: u32 count, n_dims x i32 sum of x, n_dims x (u32 high, u32 low) of x^2

    def pack(self, j):
        """Return the count and the sums of prototype j as 4 + 12 n_dims bytes."""
        row = self._row[j]
        return struct.pack("<I", self.counts[j]) + bytes(row.sums) + bytes(row.squares)

    def unpack(self, label, view):
        """Add a prototype from the bytes that `pack` returned. Returns the bytes used."""
        j = self.add(label)
        self.put(j, view)
        return 4 + 12 * self.n_dims

    def put(self, j, view):
        """Replace the count and the sums of prototype j by those that `pack` returned."""
        n = self.n_dims
        self.counts[j] = struct.unpack_from("<I", view, 0)[0]
        row = self._row[j]
        row.sums[:] = array("i", struct.unpack_from("<%di" % n, view, 4))
        row.squares[:] = array("i", struct.unpack_from("<%di" % (2 * n), view, 4 + 4 * n))
        self.derive(j)


class _Row:
    """Views of one prototype's part of the arrays."""

    def __init__(self, p, j):
        n = p.n_dims
        self.sums = memoryview(p._sums)[j * n : (j + 1) * n]
        self.squares = memoryview(p._squares)[2 * j * n : 2 * (j + 1) * n]
        self.mean = memoryview(p._means)[j * n : (j + 1) * n]
        self.variance = memoryview(p._variances)[j * n : (j + 1) * n]
        self.weights = memoryview(p._weights)[j * n : (j + 1) * n]


def _longer(old, kind, n):
    # Returns an array of n elements that begins with those of the old one.
    out = array(kind, bytes(n if kind == "B" else 4 * n))
    for i in range(min(n, len(old))):
        out[i] = old[i]
    return out
