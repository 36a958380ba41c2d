"""Time as a teacher, for labels: one odd window among several is an error; a near miss before a hit was a hit.

Enters: embeddings, in the recogniser's place. Leaves: the label to announce, and near misses that a hit followed.
It stands in the recogniser's place only where labels are enrolled and a setting or a veto asks for it.

A label is announced while label_m of the last label_n windows had it; of two such labels the one with more windows, of
two with as many the one that came last. A vetoed label is unknown. A near miss is an unknown window whose squared
distance to its nearest label is within MARGIN octaves of the limit; the last one is remembered, and where within reach
a window has that label, which is announced too, `caught` tells. Whether anything is learned of it is decided elsewhere.
A recogniser of more than single windows (it has no nearest_id) has its own ways in time: of it, only vetoes are minded.
"""

import micropython

from nearhum.wire import LAST_WINDOW

MARGIN = 1  # octaves of squared distance: 1.4 times as far as what is still known


class Teacher:
    """Between recogniser and journal. Allocates nothing for a window."""

    def __init__(self, recogniser, m, n, reach):
        """m, n: of the settings. reach: windows from a near miss to its hit, 0: near misses teach nothing."""
        self._recogniser = recogniser
        self._m = m
        windows = hasattr(recogniser, "nearest_id")
        self._n = n = n if windows else 1
        self._reach = reach if windows else 0
        self._ring = bytearray(n)  # labels of the last n windows
        self._counts = bytearray(256)  # of each label in it
        self._known = None
        self._banned = bytearray(256)  # 1: of that id nothing is announced and nothing learned
        self.example = bytearray(recogniser.n_dims if windows else 0)  # the near miss
        self.label_id = 0  # of the near miss
        self.distance = 0
        self._left = 0  # windows in which its hit may come
        self.age = 0  # windows since it
        self.caught = False

    def hear(self, ids, banned):
        """Take up a change: the ids of all labels, and those to announce nothing of."""
        known = bytes(ids), bytes(banned)
        if known != self._known:
            self._known = known
            for i in range(256):
                self._banned[i] = i in banned
            self.restart()

    def restart(self):
        """Forget the last windows: the next does not follow them."""
        for i in range(256):
            self._counts[i] = 0
        for i in range(self._n):
            self._ring[i] = 0
        self._left = 0
        self.caught = False

    @micropython.native
    def predict_one(self, embedding):
        """Return the id of the label to announce for this window, 0 for unknown."""
        heard = self._recogniser.predict_one(embedding)
        if self._banned[heard]:
            heard = 0
        told = heard
        if self._n > 1:
            told = _most(self._ring, self._counts, heard, self._n, self._m)
        if self._reach:
            self._teach(embedding, heard, told)
        return told

    @micropython.native
    def _teach(self, embedding, heard, told):
        if self._left:
            self._left -= 1
            self.age += 1
            if heard == self.label_id and told == heard:
                self.caught = True
                self._left = 0
        if not heard:
            r = self._recogniser
            label_id = r.nearest_id()
            if label_id and r.distance >> MARGIN <= r.limit and not self._banned[label_id]:
                example = self.example
                example = self.example
                for i in range(len(example)):  # a slice would be made on the heap
                    example[i] = embedding[i] & 255
                self.label_id, self.distance = label_id, r.distance
                self._left, self.age = self._reach, 0


@micropython.viper
def _most(ring: ptr8, counts: ptr8, heard: int, n: int, m: int) -> int:
    # moves the ring on by one, the youngest first; returns the label of m of n windows
    last = int(ring[n - 1])
    if int(counts[last]) > 0:
        counts[last] = int(counts[last]) - 1
    i = n - 1
    while i > 0:
        ring[i] = ring[i - 1]
        i -= 1
    ring[0] = heard
    counts[heard] = int(counts[heard]) + 1
    best = 0
    most = m - 1
    while i < n:
        label = int(ring[i])
        if label > 0 and int(counts[label]) > most:
            best = label
            most = int(counts[label])
        i += 1
    return best


def listen(hum, asked):
    """Put a teacher in the recogniser's place where it is asked for, and tell it the labels; or take it away."""
    r, c = hum.recogniser, hum.config
    if not asked:
        hum.teacher = None
    elif not hum.teacher:
        reach = 0
        if c["teach"] != "off":
            from nearhum import budget, quarantine  # noqa: F401 (where they were not deployed, better now than later)

            reach = c["teach_s"] * c["rate_hz"] / c["n_hop"]
        hum.teacher = Teacher(r, c["label_m"], c["label_n"], int(min(reach, LAST_WINDOW)))
    if asked:
        hum.teacher.hear(r.ids, [r.ids[j] for j in range(len(r.ids)) if r.labels[j] in hum.guard.vetoed])
