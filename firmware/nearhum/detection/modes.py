"""Modes: the normal prototypes.

A machine is off, idle or at full load; each mode is found while it is learned.

Enters: the int8 embeddings of a learning period. Leaves: a few prototypes without a label, or with
a mode's name. The first windows are one mode. After that warm-up a window further than NEW from
every mode begins one of its own, and one further than FAR already after the first few of them. Two
modes whose means are as near to each other as a member is to its mode become one. What no SHARE-th
of the windows belongs to was dirt: it gives way to the next new mode, and is dropped when the
period ends. No window sets a threshold before its mode has a SHARE-th of the whole period: what
comes for less than that, in whatever bursts, never does. Leader clustering (Hartigan, Clustering
Algorithms, 1975, chapter 3) over running means, with one spread for all.
"""

from nearhum.detection.prototypes import MAX_COUNT

NEW = 5 * 256  # octaves of squared distance in Q8: five spreads and more in all dimensions
MEET = 256  # as far as a typical member is from its mode
FAR = 6 * 256  # the same of a warm-up
SHARE = 20
LEAST = 3  # windows of a mode, whatever their share
_WARM_LEAST, _WARM_MOST = 8, 64


class Modes:
    """The modes of one detector, over its prototypes.

    Learning a window allocates only where a mode begins.
    """

    def __init__(self, prototypes, n_found):
        """n_found: modes at most that are found without a name."""
        self.prototypes = prototypes
        self._n_found = n_found
        self._warm = self._whole = _WARM_MOST  # windows
        self.at = 0  # the mode of the last window learned

    def start(self, n_windows, name):
        """Begin a period: forget what is normal; or, where the mode to learn has a name, keep
        it and add that one.
        """
        p = self.prototypes
        if not name:
            p.clear()
        self.resume(n_windows)
        if name and name not in p.labels:
            if p.n == p.capacity:
                p.remove(self._smallest())
            p.add(name)

    def resume(self, n_windows):
        """Go on with a period of n_windows: have room for all modes, for learning allocates
        nothing.
        """
        self._warm = max(_WARM_LEAST, min(_WARM_MOST, n_windows >> 3))
        self._whole = n_windows
        self.prototypes.reserve(self.prototypes.capacity)

    def learn_one(self, x):
        """Learn one embedding in its mode.

        Returns True where it may be dirt: its mode has no share of the windows.
        """
        p = self.prototypes
        total = sum(p.counts)
        if not p.n:
            p.add(None)
        j = p.n - 1
        if not p.counts[j]:
            pass  # the first of a mode
        elif p.n > 1 or total >= _WARM_LEAST:
            score = p.score_one(x)
            j = p.nearest()
            if score > (NEW if total >= self._warm else FAR):
                j = self._begin(j, total)
        p.learn_one(j, x)
        p.derive(j)
        if p.n > 1:
            j = self._meet(j)
        self.at = j
        return p.n > 1 and p.counts[j] * SHARE < max(total, self._whole) and not p.labels[j]

    def is_known(self):
        """Return True once so much is learned that a window may be far from it."""
        return sum(self.prototypes.counts) >= _WARM_LEAST

    def is_new(self, score):
        """Return True where a window of that score is far from every mode."""
        return score > NEW

    def _begin(self, nearest, total):
        # a mode of its own, in the place of dirt where there is no room
        p = self.prototypes
        if self._n_found == 1:
            return nearest
        if p.n == min(p.capacity, self._n_found):
            j = self._smallest()
            if p.labels[j] or p.counts[j] * SHARE >= total:
                return nearest
            p.remove(j)
        return p.add(None)

    def _meet(self, j):
        # join j with a mode it has met; returns where it is then
        p = self.prototypes
        p.score_one(p.mean_of(j))
        for k in range(p.n):
            both = p.counts[j] + p.counts[k]
            if (
                k != j
                and p.scores[k] < MEET
                and both <= MAX_COUNT
                and not (p.labels[j] and p.labels[k])
            ):
                first, second = min(j, k), max(j, k)
                p.join(first, second)
                return first
        return j

    def _smallest(self):
        # the mode of the fewest windows; of named ones only where all are
        p = self.prototypes
        return min([(p.labels[j] is not None, p.counts[j], j) for j in range(p.n)])[2]

    def weak(self):
        """Return the indices, falling, of the modes that `finish` would drop."""
        p = self.prototypes
        counts = p.counts
        least, most = max(LEAST, sum(counts) // SHARE), max(counts)
        return [
            j for j in range(p.n - 1, -1, -1) if counts[j] < min(most, 1 if p.labels[j] else least)
        ]

    def finish(self):
        """End the period: drop dirt, and the room for more modes.

        Returns how many windows were dirt.
        """
        p = self.prototypes
        total = sum(p.counts)
        for j in self.weak():
            p.remove(j)
        p.reserve(p.n)
        return total - sum(p.counts)
