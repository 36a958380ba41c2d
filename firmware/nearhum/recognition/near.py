"""Near misses: an unknown window that was nearly a label, before a window that was.

Enters: embeddings, the label heard and the one announced. Leaves: near misses that a hit followed,
`caught`. Imported only where the setting `teach` asks for it. Whether anything is learned of one is
decided elsewhere.

A near miss is an unknown window whose squared distance to its nearest label is within MARGIN
octaves of the limit; the last one is remembered, and caught where within reach a window has that
label, which is announced too.
"""

import micropython
from nearhum.wire import LAST_WINDOW

MARGIN = 1  # octaves of squared distance: 1.4 times as far as what is still known


class Near:
    """Remembers the last near miss. Allocates nothing for a window."""

    def __init__(self, recogniser, config):
        """recogniser: of single windows. config: settings."""
        self._recogniser = recogniser
        # windows from a near miss to its hit
        self._reach = int(min(config["teach_s"] * config["rate_hz"] / config["n_hop"], LAST_WINDOW))
        self.example = bytearray(recogniser.n_dims)  # the near miss
        self.label_id = 0  # of the near miss
        self.distance = 0
        self.age = 0  # windows since it
        self.restart()

    def restart(self):
        """Forget it: the next window does not follow."""
        self._left = 0  # windows in which its hit may come
        self.caught = False

    @micropython.native
    def hear_one(self, embedding, heard, told, banned):
        """Take in a window: label ids as heard and as announced; banned: 1 for each id that
        teaches nothing.
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
                for i in range(len(example)):  # a slice would be made on the heap
                    example[i] = embedding[i] & 255
                self.label_id, self.distance = label_id, r.distance
                self._left, self.age = self._reach, 0
