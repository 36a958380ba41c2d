"""Train the layers of a head on labelled features, by one of four methods.

Enters: feature vectors, each with a label and a session (of a speaker, a wearer or a machine; 0
where none is known). Leaves: the layers up to the embedding, and the classifier on top of them,
which is not part of the head.

A class is one label in one session. Differences of a label between sessions do not help to tell
labels apart, and a board is shown examples of one session only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from . import convolution
from .layers import Layer, forward, shifted

METHODS = ("softmax", "lda", "dense", "conv")
HIDDEN = 32  # Rows of the first of two dense layers.
SHRINKAGE = 0.3  # Weight of the identity in the covariance within classes, 0 to 1.
STRENGTH = 0.01  # Inverse of the softmax's regularisation: scikit-learn's C.
SEED = 1


@dataclass(frozen=True)
class Fitted:
    """Trained layers and the classifier on top of them.

    layers: up to the embedding. answer: maps embeddings (n, n_out) to label indices (n,).
    """

    layers: list[Layer]
    answer: Callable[[np.ndarray], np.ndarray]


def fit(method: str, x: np.ndarray, y: np.ndarray, session: np.ndarray, n_out: int) -> Fitted:
    """Train layers on labelled features.

    method: one of METHODS.
        softmax: whiten the covariance within classes, then fit scikit-learn's softmax. The
            embedding is the subspace that the softmax reads.
        lda: the directions in which the means of the classes differ most, after the same whitening.
        dense: two dense layers with ReLU, by scikit-learn.
        conv: two convolutions and a dense layer, see convolution.
    x: (n, n_in) features, int8 values as floats. y, session: (n,) indices from 0.
    n_out: dimensions of the embedding, at most.
    Raises UsageError for an unknown method, or if x has too few features for a convolution.
    """
    if method not in METHODS:
        raise UsageError(f"no method {method!r}", hint="one of " + ", ".join(METHODS))
    if method == "dense":
        return _dense(x, y, n_out)
    if method == "conv":
        return _convolution(x, y, n_out)
    layers = [linear(method, x, y, session, n_out)]
    return Fitted(layers, softmax(forward(layers, x), y))


def linear(method: str, x: np.ndarray, y: np.ndarray, session: np.ndarray, n_out: int) -> Layer:
    """Return the single layer that the methods softmax and lda train, see fit."""
    names, classes = np.unique(np.stack([y, session], axis=1), axis=0, return_inverse=True)
    mean = x.mean(axis=0)
    even = _evening(x, classes.reshape(-1))
    if method == "softmax":
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(
            (x - mean) @ even, classes.reshape(-1)
        )
        read = model.coef_ if len(model.coef_) > 1 else np.concatenate([model.coef_, -model.coef_])
    else:
        read = np.stack(
            [((x - mean) @ even)[classes.reshape(-1) == c].mean(axis=0) for c in range(len(names))]
        )
    for s in np.unique(names[:, 1]):
        read[names[:, 1] == s] -= read[names[:, 1] == s].mean(axis=0)
    # Subtracting each session's mean leaves one dimension less for each session.
    rank = len(names) - len(np.unique(names[:, 1]))
    directions = np.linalg.svd(read, full_matrices=False)[2][: min(n_out, rank, x.shape[1])]
    weights = directions @ even
    weights *= np.where(
        weights[np.arange(len(weights)), np.abs(weights).argmax(axis=1)] < 0, -1, 1
    )[:, None]
    return Layer(weights, -weights @ mean, False)


def _evening(x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix (n_in, n_in) that whitens the covariance within classes."""
    sums = np.zeros((classes.max() + 1, x.shape[1]))
    np.add.at(sums, classes, x)
    rest = x - (sums / np.bincount(classes)[:, None])[classes]
    within = rest.T @ rest / len(x)
    alike = max(np.trace(within) / len(within), 1e-6)
    values, vectors = np.linalg.eigh(
        (1 - SHRINKAGE) * within + SHRINKAGE * alike * np.eye(len(within))
    )
    return vectors @ (vectors / np.sqrt(values)).T


def softmax(embedded: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a softmax on embeddings, and return the function from embeddings to label indices.

    embedded: (n, n_out). y: (n,) label indices.
    """
    from sklearn.linear_model import LogisticRegression

    spread = max(float(embedded.std()), 1e-9)
    model = LogisticRegression(max_iter=1000).fit(embedded / spread, y)
    return lambda some: np.asarray(model.predict(some / spread))


def _dense(x: np.ndarray, y: np.ndarray, n_out: int) -> Fitted:
    from sklearn.neural_network import MLPClassifier

    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1)
    network = MLPClassifier((HIDDEN, n_out), alpha=1e-3, max_iter=400, random_state=SEED)
    network.fit((x - mean) / spread, y)
    layers = [
        shifted(Layer(network.coefs_[0].T, network.intercepts_[0], True), mean, spread),
        Layer(network.coefs_[1].T, network.intercepts_[1], True),
    ]
    last, bias = network.coefs_[2].T, network.intercepts_[2]
    if len(last) == 1:  # For two labels scikit-learn has one output, whose sign is the answer.
        last, bias = np.concatenate([-last, last]), np.concatenate([-bias, bias])
    return Fitted(layers, lambda some: (some @ last.T + bias).argmax(axis=1))


def _convolution(x: np.ndarray, y: np.ndarray, n_out: int) -> Fitted:
    if x.shape[1] < convolution.SHORTEST:
        raise UsageError(
            f"{x.shape[1]} features are too few for a convolution",
            hint=f"at least {convolution.SHORTEST}: more bands, or another method",
        )
    layers, weights, bias = convolution.fit(x, y, n_out, SEED)
    return Fitted(layers, lambda some: (some @ weights.T + bias).argmax(axis=1))
