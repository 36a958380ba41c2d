"""Detectors that a user could take instead: from scikit-learn, river, and papers.

Each fits on the rows of a learning period, float (n, d), and scores rows, float (m,), higher is
stranger. Settings are the libraries' defaults. Features are scaled by what was learned, for
detectors that need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Protocol

import numpy as np

SEED = 20260101


class Peer(Protocol):
    """A detector that learns once and is asked afterwards."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        """Learn rows, float (n, d). Returns their scores, float (n,)."""
        ...

    def score(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of rows, in the order they came, float (m,)."""
        ...


class Forest:
    """IsolationForest (Liu, Ting, Zhou, ICDM 2008), scikit-learn's."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        from sklearn.ensemble import IsolationForest

        self._forest = IsolationForest(random_state=SEED).fit(rows)
        return self.score(rows)

    def score(self, rows: np.ndarray) -> np.ndarray:
        return -self._forest.score_samples(rows)


class Svm:
    """OneClassSVM (Schölkopf et al., Neural Computation 13, 2001), scikit-learn's."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import OneClassSVM

        self._scaler = StandardScaler().fit(rows)
        self._svm = OneClassSVM().fit(self._scaler.transform(rows))
        return self.score(rows)

    def score(self, rows: np.ndarray) -> np.ndarray:
        return -self._svm.decision_function(self._scaler.transform(rows))


class Mahalanobis:
    """Distance by a covariance with Ledoit-Wolf shrinkage (J. Multivariate Analysis 88, 2004)."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        from sklearn.covariance import LedoitWolf
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler().fit(rows)
        self._fitted = LedoitWolf().fit(self._scaler.transform(rows))
        return self.score(rows)

    def score(self, rows: np.ndarray) -> np.ndarray:
        return self._fitted.mahalanobis(self._scaler.transform(rows))


class Ecod:
    """ECOD (Li et al., IEEE TKDE 2022), as PyOD scores one row after the other.

    The tail of a feature is the share of the learned rows, and the row itself, that lie as far out.
    The score is the sum over the features of the logarithm of the rarer tail. PyOD itself is not
    used, because it depends on a compiler.
    """

    def fit(self, rows: np.ndarray) -> np.ndarray:
        self._sorted = np.sort(rows, axis=0)
        return self._tails(rows, 0)

    def score(self, rows: np.ndarray) -> np.ndarray:
        return self._tails(rows, 1)

    def _tails(self, rows: np.ndarray, itself: int) -> np.ndarray:
        n = len(self._sorted)
        out = np.zeros(len(rows))
        for learned, column in zip(self._sorted.T, rows.T, strict=True):
            below = np.searchsorted(learned, column, "right") + itself
            above = n - np.searchsorted(learned, column, "left") + itself
            out -= np.log(np.minimum(below, above) / (n + itself))
        return out


class HalfSpace:
    """HalfSpaceTrees (Tan, Ting, Liu, IJCAI 2011) from river, scaled to what was learned."""

    def fit(self, rows: np.ndarray) -> np.ndarray:
        from river.anomaly import HalfSpaceTrees
        from sklearn.preprocessing import MinMaxScaler

        self._scaler = MinMaxScaler(clip=True).fit(rows)
        # The trees know nothing before a window is full. So it is half of a short period.
        self._trees = HalfSpaceTrees(window_size=max(1, min(250, len(rows) // 2)), seed=SEED)
        for row in self._scaler.transform(rows):
            self._trees.learn_one(dict(enumerate(row)))
        return self.score(rows)

    def score(self, rows: np.ndarray) -> np.ndarray:
        scaled = self._scaler.transform(rows)
        return np.array([self._trees.score_one(dict(enumerate(row))) for row in scaled])


class WindowedGaussian:
    """NAB's Windowed Gaussian: the probability of a value under the last 6,400, updated every 100.

    It takes one channel. Its threshold, published by NAB, is the largest double below 1.
    """

    threshold = float(np.nextafter(1.0, 0.0))
    WINDOW, STEP = 6400, 100

    def fit(self, rows: np.ndarray) -> np.ndarray:
        self._seen = np.zeros(0)
        return self.score(rows)

    def score(self, rows: np.ndarray) -> np.ndarray:
        from scipy.special import erfc

        before = len(self._seen)
        self._seen = seen = np.append(self._seen, rows[:, 0])
        at = np.arange(before, len(seen))
        # The rows known at each row: all before it, or the window at its last update.
        moved = np.maximum(at - self.WINDOW, 0) // self.STEP * self.STEP
        last = np.minimum(at, self.WINDOW + moved)
        sums = np.append(0.0, np.cumsum(seen))
        squares = np.append(0.0, np.cumsum(seen**2))
        n = np.maximum(last - moved, 1)
        mean = (sums[last] - sums[moved]) / n
        variance = np.maximum((squares[last] - squares[moved]) / n - mean**2, 0)
        spread = np.where(variance > 0, np.sqrt(variance), 1e-6)
        score = 1 - 0.5 * erfc(np.abs(seen[at] - mean) / spread / np.sqrt(2))
        return np.where(last > 0, score, 0.0)


DETECTORS: Mapping[str, Callable[[], Peer]] = {
    "IsolationForest": Forest,
    "OneClassSVM": Svm,
    "Mahalanobis": Mahalanobis,
    "ECOD": Ecod,
    # river is an extra. Without it, HalfSpaceTrees are left out.
    **({"HalfSpaceTrees": HalfSpace} if find_spec("river") else {}),
}
