"""Whitening by its definition in float64: covariance, shrinkage and Mahalanobis distances."""

from __future__ import annotations

import numpy as np

UNIT_STEPS = 8
MIN_SHRINKAGE = 1 / 256


def covariance(x: np.ndarray, spread_floor: float) -> np.ndarray:
    """Return the regularised covariance (n, n) of the rows of x (embeddings, n)."""
    plain = (
        np.atleast_2d(np.cov(x, rowvar=False, bias=True))
        if len(x) > 1
        else np.zeros((x.shape[1], x.shape[1]))
    )
    spread = np.maximum(np.sqrt(np.diag(plain)), spread_floor)
    correlation = plain / np.outer(spread, spread)
    np.fill_diagonal(correlation, 1)
    shrunk = shrinkage(correlation, len(x))
    correlation *= 1 - shrunk
    np.fill_diagonal(correlation, 1)
    return correlation * np.outer(spread, spread)


def shrinkage(correlation: np.ndarray, count: int) -> float:
    """Return the weight of the identity by OAS, as in scikit-learn, at least MIN_SHRINKAGE."""
    n = len(correlation)
    alpha = (correlation**2).mean()
    off = (count + 1) * (alpha - 1 / n)
    return max(MIN_SHRINKAGE, min(1.0, (alpha + 1) / off if off > 1e-12 else 1.0))


def squared_distances(x: np.ndarray, learned: np.ndarray, spread_floor: float) -> np.ndarray:
    """Return the squared Mahalanobis distance of each row of x from the mean of learned."""
    apart = x - learned.mean(axis=0)
    return np.einsum(
        "ij,ij->i", apart, np.linalg.solve(covariance(learned, spread_floor), apart.T).T
    )
