"""Labels: the names that a person gave, with ids for the log.

Both recognisers, of windows and of words, are built on this. Leaf. An id (1..255) is reused for
another label only after all 255 ids were given out.
"""

import struct

from micropython import const
from nearhum.errors import CommandError
from nearhum.wire import is_valid_text

MAX_LABELS = 16  # bounds the memory for means, and the comparisons of a window
_MAX_LABEL_BYTES = const(32)
# 1 / (1 + exp(-1.702 x)) is closest to the distribution function of a normal variable x (the scale
# D of item response theory).
LOGISTIC = 1.702


def check_name(label):
    """Raise CommandError unless label is a valid name.

    A name is 1 to 32 bytes of valid UTF-8 without control characters.
    """
    size = len(label.encode())
    if not 1 <= size <= _MAX_LABEL_BYTES:
        raise CommandError(
            "a name of %d bytes: %r" % (size, label[:32]), "1 to %d bytes" % _MAX_LABEL_BYTES
        )
    if not is_valid_text(label) or [c for c in label if ord(c) < 32 or ord(c) == 127]:
        raise CommandError("not a valid name: %r" % label, "printable characters")


class Labels:
    """A recogniser's labels, their ids, and the number of examples of each.

    labels: list of str. counts: list of int, in the same order. Both lists are changed in place,
    because others hold them too.
    """

    max_examples = 64

    def __init__(self, labels, counts):
        self.labels = labels
        self.counts = counts
        self.ids = []
        self._next_id = 1
        self.n_examples = 0

    def index(self, label):
        """Return the index of label. Raises CommandError if there is no label of that name."""
        if label not in self.labels:
            raise CommandError("no label %r" % label[:40], "`list` shows the labels")
        return self.labels.index(label)

    def check_room(self, label, n):
        """Raise CommandError unless label is a valid name and n more examples of it fit."""
        check_name(label)
        if self.n_examples + n > self.max_examples:
            raise CommandError(
                "%d examples more than the %d that fit"
                % (self.n_examples + n - self.max_examples, self.max_examples),
                "forget a label first",
            )
        if label not in self.labels and len(self.labels) == MAX_LABELS:
            raise CommandError("the board holds at most %d labels" % MAX_LABELS, "forget one first")

    def check_rename(self, old, new):
        """Raise CommandError unless there is a label old, and new is a valid and unused name."""
        self.index(old)
        check_name(new)
        if new in self.labels:
            raise CommandError(
                "there is already a label %r" % new, "use another name, or forget that one first"
            )

    def rename(self, old, new):
        """Rename label old to new. Returns its new id.

        The id changes, so that the log before keeps the old name. Raises CommandError.
        """
        self.check_rename(old, new)
        j = self.index(old)
        self.labels[j] = new
        self.ids[j] = self.new_id()
        return self.ids[j]

    def new_id(self):
        """Return the next id, 1..255, that no label has."""
        while self._next_id in self.ids:
            self._next_id = self._next_id % 255 + 1
        label_id = self._next_id
        self._next_id = label_id % 255 + 1
        return label_id

    def pack_labels(self):
        """Return labels as bytes: u8 labels, u8 examples, u8 next id; then for each label u8 id,
        u8 length and name.
        """
        parts = [struct.pack("<BBB", len(self.labels), self.n_examples, self._next_id)]
        for j in range(len(self.labels)):
            name = self.labels[j].encode()
            parts.append(struct.pack("<BB", self.ids[j], len(name)) + name)
        return b"".join(parts)

    def unpack_labels(self, view):
        """Restore the ids from the bytes that `pack_labels` returned.

        Returns (names, number of examples, bytes used). Raises ValueError for too many labels.
        """
        n_labels, n_examples, self._next_id = struct.unpack_from("<BBB", view, 0)
        if n_labels > MAX_LABELS:
            raise ValueError
        at, names = 3, []
        for _ in range(n_labels):
            label_id, n = struct.unpack_from("<BB", view, at)
            self.ids.append(label_id)
            names.append(bytes(view[at + 2 : at + 2 + n]).decode())
            at += 2 + n
        return names, n_examples, at
