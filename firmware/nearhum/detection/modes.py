"""Modes: the normal prototypes.

A machine is off, idle or at full load. Each of these modes is found during the learning period.

Enters: the int8 embeddings of a learning period. Leaves: a few prototypes, without a label or with
the name of a mode.

1. The first windows are one mode. During this warm-up, a window further than FAR from every mode
   begins a new one, though not among the first _WARM_LEAST windows. Afterwards NEW is enough.
2. Two modes whose means are closer than MEET, as close as a member is to its mode, are joined.
3. A mode with less than a SHARE-th of the windows is dirt. It is replaced by the next new mode, and
   dropped when the period ends.
4. A window sets no threshold before its mode has a SHARE-th of the whole period. So what occurs for
   less than that, in whatever bursts, never sets one.

This is leader clustering (Hartigan, Clustering Algorithms, 1975, chapter 3) over running means,
with one spread for all modes.
"""

from nearhum.detection.prototypes import MAX_COUNT

# Distances are octaves of squared distance in Q8, where 0 is a typical member.
NEW = 5 * 256  # more than five spreads in every dimension
MEET = 256  # about as far as a typical member is from its mode
FAR = 6 * 256  # eight spreads, because the spread is still uncertain during the warm-up
SHARE = 20  # 5 % of the windows
LEAST = 3  # fewest windows of a mode, whatever their share
_WARM_LEAST, _WARM_MOST = 8, 64  # windows of the warm-up


class Modes:
    """The modes of one detector, over its prototypes.

    Learning a window allocates only where a mode begins.
    """

    def __init__(self, prototypes, n_found):
        """n_found: most modes that are found without a name."""
        self.prototypes = prototypes
        self._n_found = n_found
        self._warm = self._whole = _WARM_MOST  # in windows
        self.at = 0  # mode of the last learned window

    def start(self, n_windows, name):
        """Begin a period of n_windows.

        name: None to forget what is normal, else the name of a mode to add.
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
        """Continue a period of n_windows. Reserves room for all modes, so learning needs none."""
        self._warm = max(_WARM_LEAST, min(_WARM_MOST, n_windows >> 3))
        self._whole = n_windows
        self.prototypes.reserve(self.prototypes.capacity)

    def learn_one(self, x):
        """Learn embedding x, int8 (n_dims,), in its mode.

        Returns True if it may be dirt, because its mode has not yet a SHARE-th of the windows.
        """
        p = self.prototypes
        total = sum(p.counts)
        if not p.n:
            p.add(None)
        j = p.n - 1
        if not p.counts[j]:
            pass  # the first window of a mode
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
        """Return True once enough is learned to tell that a window is far from it."""
        return sum(self.prototypes.counts) >= _WARM_LEAST

    def is_new(self, score):
        """Return True if a window with that score is far from every mode."""
        return score > NEW

    def _begin(self, nearest, total):
        # Begins a new mode and returns its index. If there is no room, it replaces dirt, or the
        # window goes to the nearest mode.
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
        # Joins mode j with a mode that it has come close to. Returns the index of the result.
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
        # Returns the mode with the fewest windows. Named modes count only if all are named.
        p = self.prototypes
        return min([(p.labels[j] is not None, p.counts[j], j) for j in range(p.n)])[2]

    def weak(self):
        """Return the indices, in falling order, of the modes that `finish` would drop."""
        p = self.prototypes
        counts = p.counts
        least, most = max(LEAST, sum(counts) // SHARE), max(counts)
        return [
            j for j in range(p.n - 1, -1, -1) if counts[j] < min(most, 1 if p.labels[j] else least)
        ]

    def finish(self):
        """End the period: drop dirt, and free the room for more modes.

        Returns the number of windows that were dirt.
        """
        p = self.prototypes
        total = sum(p.counts)
        for j in self.weak():
            p.remove(j)
        p.reserve(p.n)
        return total - sum(p.counts)
