"""Fitting: features with labels to the layers of a head, by one of four methods; the last layer
of each is cut off.

Enters: int8 feature vectors as real numbers, a label and a session (of a speaker, a wearer, a
machine; 0 where none is known) each. Leaves: layers, and the classifier that was cut. A class is a
label of one session: how a label differs from one to another is not what tells labels apart, and a
board that is shown examples is shown those of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from . import convolution
from .layers import Layer, forward, shifted

METHODS = ("softmax", "lda", "dense", "conv")
HIDDEN = 32  # rows of the first of two dense layers
SHRINKAGE = 0.3  # of the spread within classes, towards the same in all directions
STRENGTH = 0.01  # of the softmax's weights: scikit-learn's C
SEED = 1


@dataclass(frozen=True)
class Fitted:
    """layers: up to the embedding. answer: label indices of embeddings, by the layer that was
    cut.
    """

    layers: list[Layer]
    answer: Callable[[np.ndarray], np.ndarray]


def fit(method: str, x: np.ndarray, y: np.ndarray, session: np.ndarray, n_out: int) -> Fitted:
    """Return what a method makes of x, (n, n_in); y, session: (n,) indices from 0; n_out:
    dimensions, at most.

    softmax: the spread within classes is made alike in all directions, then scikit-learn's softmax;
    the directions that it reads are the embedding. lda: the directions in which the means of
    classes differ most. dense: two rectified layers of scikit-learn's network. conv: two
    convolutions and a dense layer, see convolution.
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
    """Return the one layer that softmax or lda makes, see fit."""
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
    # what is left of the classes' differences within sessions
    rank = len(names) - len(np.unique(names[:, 1]))
    directions = np.linalg.svd(read, full_matrices=False)[2][: min(n_out, rank, x.shape[1])]
    weights = directions @ even
    weights *= np.where(
        weights[np.arange(len(weights)), np.abs(weights).argmax(axis=1)] < 0, -1, 1
    )[:, None]
    return Layer(weights, -weights @ mean, False)


def _evening(x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix that makes the spread within classes alike in all directions."""
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
    """Return the labels that a softmax over embeddings answers: the layer that was cut, of
    labels alone.
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
    if len(last) == 1:  # two labels: one output, its sign
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
