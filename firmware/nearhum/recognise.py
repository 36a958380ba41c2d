"""Recognition: nearest neighbour among the few examples a person enrolled, and their means; or unknown.

Enters: int8 embeddings. Leaves: a label id, 0 for unknown.
Every label is a labelled prototype (the sums of its examples) and keeps its examples too. All labels share one set of
weights, the spread within labels pooled over them, because a handful of examples knows no spread of its own.
The set is open: a window further from every example than examples of one label are from each other, by `reject`, is
unknown.
"""

import struct
from array import array

import micropython

from nearhum import kernels
from nearhum.errors import CommandError

MAX_EXAMPLES = 64
MAX_LABELS = 16
MAX_LABEL_BYTES = 32


class Recogniser:
    """Enrols and predicts. Arrays are allocated once; predicting allocates nothing."""

    def __init__(self, prototypes, spread_floor, reject, log2):
        """prototypes: an empty Prototypes for labels. spread_floor: steps. reject: Q8 octaves, see config."""
        self.prototypes = prototypes
        self.labels = prototypes.labels
        self._log2 = log2
        self._floor_q12 = spread_floor * spread_floor << 12
        self._reject = reject
        n = self.n_dims = prototypes.n_dims
        # rows: first the means of the labels, then the examples
        self._rows = bytearray((MAX_LABELS + MAX_EXAMPLES) * n)
        self._row = [memoryview(self._rows)[i * n : (i + 1) * n] for i in range(MAX_LABELS + MAX_EXAMPLES)]
        self._owner = bytearray(MAX_LABELS + MAX_EXAMPLES)  # label index + 1 of each row, 0: free
        self._distances = array("i", bytes(4 * (MAX_LABELS + MAX_EXAMPLES)))
        self._weights = bytearray(n)
        self._bound = kernels.bind(self._rows, self._weights, 0, n, self._distances)
        self.n_examples = 0
        self.ids = []  # label id (1..255) of each prototype: an id is never used for two labels in one log
        self._next_id = 1
        self._nearest = -1  # row nearest to the last window
        self.distance = 0  # and how far it is; see nearest_id
        self.limit = 0  # squared weighted distance; beyond it a window is unknown

    def check_room(self, label, n):
        """Raise CommandError unless n more examples of label fit and it is a name of 1 to 32 bytes of UTF-8."""
        size = len(label.encode())
        if not 1 <= size <= MAX_LABEL_BYTES:
            raise CommandError(
                "label of %d bytes: %r" % (size, label[:MAX_LABEL_BYTES]), "1 to %d bytes" % MAX_LABEL_BYTES
            )
        if self.n_examples + n > MAX_EXAMPLES:
            raise CommandError(
                "%d examples more than the %d the board holds" % (self.n_examples + n - MAX_EXAMPLES, MAX_EXAMPLES),
                "forget a label first",
            )
        p = self.prototypes
        if label not in p.labels and p.n == p.capacity:
            raise CommandError("the board holds %d labels" % p.capacity, "forget one first")

    def enrol(self, label, embedding):
        """Add one example of label. Returns (label id, examples it has now). Raises CommandError when full."""
        self.check_room(label, 1)
        p = self.prototypes
        if label in p.labels:
            j = p.labels.index(label)
        else:
            j = p.add(label)
            while self._next_id in self.ids:
                self._next_id = self._next_id % 255 + 1
            self.ids.append(self._next_id)
            self._next_id = self._next_id % 255 + 1
        slot = MAX_LABELS + self.n_examples
        self._row[slot][:] = embedding
        self._owner[slot] = j + 1
        self.n_examples += 1
        p.learn_one(j, embedding)
        p.derive(j)
        self.refresh()
        return self.ids[j], p.counts[j]

    def forget(self, label):
        """Remove a label and its examples. Raises CommandError where there is none of that name."""
        p = self.prototypes
        if label not in p.labels:
            raise CommandError("no label %r" % label, "`list` shows the labels")
        j = p.labels.index(label)
        p.remove(j)
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

    def refresh(self):
        """Bring means, weights and the limit of the unknown up to date; after every change of examples."""
        p = self.prototypes
        if not p.labels:
            return
        low_q12 = kernels.weigh(p.variance, self.n_dims, self._floor_q12, self._weights, 1)
        typical = 255 * self.n_dims * low_q12 >> 12  # one spread away in every dimension
        for j in range(len(p.labels)):
            self._row[j][:] = p.mean_of(j)
            self._owner[j] = j + 1
        self.limit = self._limit(typical)

    def _limit(self, typical):
        # the largest distance of an example to the nearest other one of its label, a typical one at least, widened by
        # `reject`; where every label has one example alone, up to twice the smallest distance between two labels
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
        kernels.distances(embedding, MAX_LABELS + self.n_examples, self._bound)

    @micropython.native
    def predict_one(self, embedding):
        """Return the id of the label nearest to embedding, 0 if there is none or all are too far."""
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
        """Return the id of the label nearest to the last window, however far, 0 for none; brings `distance` to date."""
        at = self._nearest
        if at < 0 or not self._owner[at]:
            return 0
        self.distance = self._distances[at]
        return self.ids[self._owner[at] - 1]

    # --- to and from bytes ----------------------------------------------------------------------------------------

    def pack(self):
        """Return labels, ids, sums and examples as bytes."""
        p = self.prototypes
        parts = [struct.pack("<BBB", len(p.labels), self.n_examples, self._next_id)]
        for j in range(len(p.labels)):
            name = p.labels[j].encode()
            parts.append(struct.pack("<BB", self.ids[j], len(name)) + name + p.pack(j))
        for i in range(MAX_LABELS, MAX_LABELS + self.n_examples):
            parts.append(bytes(self._owner[i : i + 1]) + bytes(self._row[i]))
        return b"".join(parts)

    def unpack(self, view):
        """Take the place of what is enrolled by what `pack` returned. Returns the bytes used."""
        self.clear()
        n_labels, n_examples, self._next_id = struct.unpack_from("<BBB", view, 0)
        at = 3
        for _ in range(n_labels):
            label_id, n = struct.unpack_from("<BB", view, at)
            label = bytes(view[at + 2 : at + 2 + n]).decode()
            self.ids.append(label_id)
            at += 2 + n
            at += self.prototypes.unpack(label, view[at:])
        for i in range(MAX_LABELS, MAX_LABELS + n_examples):
            self._owner[i] = view[at]
            self._row[i][:] = view[at + 1 : at + 1 + self.n_dims]
            at += 1 + self.n_dims
        self.n_examples = n_examples
        self.refresh()
        return at
