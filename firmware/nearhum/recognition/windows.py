"""Recognition of windows: the nearest of the examples that a person enrolled and their means.

Enters: int8 embeddings. Leaves: a label id, or 0 for unknown. Every label is a labelled prototype
(the sums of its examples), and its examples are kept too. All labels share one set of weights, from
the spread within labels pooled over all of them, because a handful of examples is too few to know
its own spread. The set is open: a window is unknown if it is further from every example than the
examples of a label are from each other, widened by `reject`.
"""

from array import array
from math import exp, sqrt

import micropython
from micropython import const
from nearhum import kernels
from nearhum.recognition.labels import LOGISTIC, MAX_LABELS, Labels

MAX_EXAMPLES = Labels.max_examples
_STEP = const(16)  # examples by which the arrays grow


class Recogniser(Labels):
    """Enrols and predicts windows.

    Enrolling may allocate, because arrays grow with the examples. Predicting allocates nothing.
    """

    heard = False  # Unlike words.Words, a window has nothing to log but its label.

    def __init__(self, prototypes, spread_floor, reject, log2):
        """prototypes: an empty Prototypes for labels. spread_floor: the smallest spread, in steps.

        reject: octaves of squared distance in Q8, see config.
        """
        Labels.__init__(self, prototypes.labels, prototypes.counts)
        self.prototypes = prototypes
        self._log2 = log2
        self._floor_q12 = spread_floor * spread_floor << 12
        self._reject = reject
        n = self.n_dims = prototypes.n_dims
        # int8 rows of n: first MAX_LABELS for the means of the labels, then the examples
        self._rows = bytearray()
        self._row = []  # a view of each row
        self._owner = bytearray()  # label index + 1 of each row, 0 if the row is free
        self._weights = bytearray(n)
        self._kernel = kernels.nearest()
        self._nearest = -1  # the row nearest to the last window
        self.distance = 0  # the squared weighted distance of that row, see nearest_id
        self.limit = 0  # squared weighted distance beyond which a window is unknown

    def _reserve(self, n_examples):
        # Makes room for n_examples. The arrays grow only when needed, because heap is scarce and
        # most boards have few labels or none.
        n, n_rows = self.n_dims, MAX_LABELS + -(-n_examples // _STEP) * _STEP
        if n_rows > len(self._row):
            more = n_rows - len(self._row)
            self._rows, self._row = self._rows + bytearray(more * n), []
            self._owner += bytearray(more)
            rows = memoryview(self._rows)
            self._row = [rows[i * n : (i + 1) * n] for i in range(n_rows)]
            self._distances = array("i", bytes(4 * n_rows))
            self._bound = kernels.bind(self._rows, self._weights, 0, n, self._distances)

    def restart(self):
        """Take in a gap. There is nothing to forget, because no window spans a gap."""

    def example(self, embedding):
        """Return what can be enrolled now: any window's embedding."""
        return embedding

    def enrol(self, label, embedding):
        """Add one example of label.

        embedding: int8 (n_dims,). Returns (label id, number of its examples). Raises CommandError
        if there is no room.
        """
        self.check_room(label, 1)
        p = self.prototypes
        if label in p.labels:
            j = p.labels.index(label)
        else:
            j = p.add(label)
            self.ids.append(self.new_id())
        slot = MAX_LABELS + self.n_examples
        self._reserve(self.n_examples + 1)
        self._row[slot][:] = embedding
        self._owner[slot] = j + 1
        self.n_examples += 1
        p.learn_one(j, embedding)
        p.derive(j)
        self.refresh()
        return self.ids[j], p.counts[j]

    def forget(self, label):
        """Remove a label and its examples. Raises CommandError if there is no such label."""
        j = self.index(label)
        self.prototypes.remove(j)
        self.ids.pop(j)
        to = MAX_LABELS
        for slot in range(MAX_LABELS, MAX_LABELS + self.n_examples):
            owner = self._owner[slot]
            if owner != j + 1:
                self._row[to][:] = self._row[slot]
                self._owner[to] = owner - 1 if owner > j + 1 else owner
                to += 1
        self.n_examples = to - MAX_LABELS
        self._nearest = -1
        self.refresh()

    def clear(self):
        """Remove all labels and examples."""
        self.prototypes.clear()
        del self.ids[:]
        self.n_examples = 0
        self._nearest = -1

    def about(self, label, normal):
        """Return how well a label can be told from others, as a dict. Allocates.

        normal: the Prototypes of what is normal. In the dict, close is another label that has an
        example within the limit of one of this label's, or None. accepts is the expected percentage
        of normal windows that would be taken for the label, or None if nothing is normal yet.
        """
        j, close, shares = self.index(label) + 1, None, [0] * normal.n
        for i in range(MAX_LABELS, MAX_LABELS + self.n_examples):
            if self._owner[i] != j:
                continue
            self._measure(self._row[i])
            for k in range(MAX_LABELS, MAX_LABELS + self.n_examples):
                if self._owner[k] != j and self._distances[k] <= self.limit:
                    close = self.labels[self._owner[k] - 1]
            for k in range(normal.n):
                shares[k] = max(
                    shares[k], self._share(self._row[i], normal.mean_of(k), normal.variance)
                )
        total = sum([count * share for count, share in zip(normal.counts, shares)])
        return {
            "close": close,
            "accepts": round(1000 * total / sum(normal.counts)) / 10
            if sum(normal.counts)
            else None,
        }

    def _share(self, example, mean, variance):
        # Returns the share of windows within the limit of an example, if windows scatter about mean
        # with variance (Q12). The distance, sum of w (x - example)^2, is treated as normally
        # distributed with its exact mean and variance.
        away = squares = 0.0
        for i in range(self.n_dims):
            d, v, w = (mean[i] ^ 128) - (example[i] ^ 128), variance[i] / 4096, self._weights[i]
            away += w * (d * d + v)
            squares += w * w * v * (4 * d * d + 2 * v)
        return 1 / (
            1 + exp(max(-50, min(50, LOGISTIC * (away - self.limit) / (sqrt(squares) + 1))))
        )

    def refresh(self):
        """Update means, weights and limit. Call it after every change of examples."""
        p = self.prototypes
        if not p.labels:
            return
        low_q12 = kernels.weigh(p.variance, self.n_dims, self._floor_q12, self._weights, 1)
        # the squared weighted distance of a window one spread away in every dimension
        typical = 255 * self.n_dims * low_q12 >> 12
        for j in range(len(p.labels)):
            self._row[j][:] = p.mean_of(j)
            self._owner[j] = j + 1
        self.limit = self._limit(typical)

    def _limit(self, typical):
        # The limit is the largest distance of an example to the nearest other example of its label,
        # at least a typical distance, widened by `reject`. If every label has only one example, it
        # is at least twice the smallest distance between two labels.
        within, between = 0, 0x3FFFFFFF
        for i in range(self.n_examples):
            slot = MAX_LABELS + i
            self._measure(self._row[slot])
            nearest = 0x3FFFFFFF
            for k in range(self.n_examples):
                d = self._distances[MAX_LABELS + k]
                if self._owner[MAX_LABELS + k] != self._owner[slot]:
                    between = min(between, d)
                elif k != i:
                    nearest = min(nearest, d)
            if nearest < 0x3FFFFFFF:
                within = max(within, nearest)
        whole, part = self._reject >> 8, self._reject & 255
        limit = max(within, typical) << whole
        limit += (limit >> 8) * part
        if not within and between < 0x3FFFFFFF:
            limit = max(limit, between << 1)
        return min(limit, 0x3FFFFFFF)

    def _measure(self, embedding):
        self._kernel(embedding, MAX_LABELS + self.n_examples, self._bound)

    @micropython.native
    def predict_one(self, embedding):
        """Return the id of the label nearest to an embedding, 0 if all are beyond the limit.

        embedding: int8 (n_dims,). Allocates nothing.
        """
        ids = self.ids
        if not ids:
            return 0
        self._measure(embedding)
        distances = self._distances
        at = kernels.smallest(distances, 0, len(ids))
        example = kernels.smallest(distances, MAX_LABELS, self.n_examples)
        if at < 0 or example >= 0 and distances[example] < distances[at]:
            at = example
        self._nearest = at
        return ids[self._owner[at] - 1] if at >= 0 and distances[at] <= self.limit else 0

    def nearest_id(self):
        """Return the id of the label nearest to the last window, even beyond the limit, and update
        `distance`. Returns 0 if there are no labels.
        """
        at = self._nearest
        if at < 0 or not self._owner[at]:
            return 0
        self.distance = self._distances[at]
        return self.ids[self._owner[at] - 1]

    # --- to and from bytes ------------------------------------------------------------------------

    def pack(self):
        """Return labels, ids, sums and examples (u8 owner, n_dims x int8) as bytes."""
        parts = [self.pack_labels()] + [self.prototypes.pack(j) for j in range(len(self.labels))]
        for i in range(MAX_LABELS, MAX_LABELS + self.n_examples):
            parts.append(bytes(self._owner[i : i + 1]) + bytes(self._row[i]))
        return b"".join(parts)

    def unpack(self, view):
        """Replace what is enrolled by the bytes that `pack` returned.

        Returns the bytes used. Raises ValueError if they make no sense.
        """
        self.clear()
        names, self.n_examples, at = self.unpack_labels(view)
        for name in names:
            at += self.prototypes.unpack(name, view[at:])
        if names:
            self._reserve(self.n_examples)
        for i in range(MAX_LABELS, MAX_LABELS + self.n_examples):
            if not 0 < view[at] <= len(names):
                raise ValueError
            self._owner[i] = view[at]
            self._row[i][:] = view[at + 1 : at + 1 + self.n_dims]
            at += 1 + self.n_dims
        if 0 in self.counts:  # Every label has an example.
            raise ValueError
        self.refresh()
        return at
