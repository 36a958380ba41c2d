"""Near misses: unknown windows that were close to a label, shortly before a window that has it.

Enters: embeddings, the label heard and the label announced. Leaves: `caught`, when a hit has
followed a near miss. The quarantine then decides whether it is learned. Imported only if `teach` is
on.

A near miss is an unknown window whose squared distance to its nearest label is within MARGIN
octaves of the limit. The last near miss is remembered. It is caught if one of the next windows,
within teach_s, is heard and announced as that label.
"""

import micropython
from nearhum.wire import LAST_WINDOW

MARGIN = 1  # octaves of squared distance: a near miss is at most 1.4 times as far as the limit


class Near:
    """Remembers the last near miss. A window allocates nothing."""

    def __init__(self, recogniser, config):
        """recogniser: of single windows. config: complete settings."""
        self._recogniser = recogniser
        # most windows from a near miss to its hit: teach_s
        self._reach = int(min(config["teach_s"] * config["rate_hz"] / config["n_hop"], LAST_WINDOW))
        self.example = bytearray(recogniser.n_dims)  # the embedding of the near miss
        self.label_id = 0  # the label that it is nearest to
        self.distance = 0  # its squared weighted distance to that label
        self.age = 0  # windows since the near miss
        self.restart()

    def restart(self):
        """Forget the near miss, after a gap: the next window does not follow it."""
        self._left = 0  # windows in which its hit may still come
        self.caught = False  # True when a hit has followed. Learned.caught clears it.

    @micropython.native
    def hear_one(self, embedding, heard, told, banned):
        """Take in a window.

        embedding: int8 (n_dims,). heard, told: label ids as heard and as announced, 0 for unknown.
        banned: 256 bytes, 1 for each id that teaches nothing. Allocates nothing.
        """
        if self._left:
            self._left -= 1
            self.age += 1
            if heard == self.label_id and told == heard:
                self.caught = True
                self._left = 0
        if not heard:
            r = self._recogniser
            label_id = r.nearest_id()
            if label_id and r.distance >> MARGIN <= r.limit and not banned[label_id]:
                example = self.example
                for i in range(len(example)):  # Assigning a slice would allocate.
                    example[i] = embedding[i] & 255
                self.label_id, self.distance = label_id, r.distance
                self._left, self.age = self._reach, 0
