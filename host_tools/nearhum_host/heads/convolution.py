"""Train a small 1-D convolutional network with a softmax on top, in NumPy.

Enters: int8 feature vectors and labels. Leaves: the layers before the softmax.

The network has two convolutions along the vector and a dense layer. Neighbouring values of the
vector are neighbouring bands of the spectrum. A tone that moves by a few bands, because a machine
runs at another speed, therefore meets the same weights. The loss is the cross entropy with weight
decay, minimised by Adam (Kingma, Ba, 2015).

After every step, the weights are rounded to multiples of GRID. Linear algebra differs in its last
bits between machines. Rounding stops these differences from adding up, so that the same recordings
give the same bytes everywhere.
"""

from __future__ import annotations

import numpy as np

from .layers import CONVOLUTION, DENSE, Layer, forward, shifted

FILTERS, WIDTH = 12, 5  # First convolution: filters, and features a filter covers. Its stride is 1.
FILTERS_2, WIDTH_2, STRIDE_2 = 12, 3, 2  # Second convolution: width and stride in positions.
# Passes over the windows, windows a step, first step size of Adam (falls linearly), weight decay.
EPOCHS, BATCH, RATE, DECAY = 60, 64, 3e-3, 1e-3
GRID = 2.0**-20  # Far below a step of int8, far above the last bits of a float64.
SHORTEST = WIDTH + WIDTH_2 - 1  # Features that give the second convolution one position.


def fit(
    x: np.ndarray, y: np.ndarray, n_out: int, seed: int
) -> tuple[list[Layer], np.ndarray, np.ndarray]:
    """Train the network on labelled feature vectors.

    x: (n, n_in) features, int8 values as floats, n_in >= SHORTEST.
    y: (n,) label indices, int, from 0.
    n_out: dimensions of the embedding. seed: of the first weights and of the order of the windows.
    Returns (layers up to the embedding, weights (n_labels, n_out) and bias (n_labels,) of the
    softmax layer that follows them).
    """
    random = np.random.default_rng(seed)
    mean, spread = float(x.mean()), float(x.std()) or 1.0
    x = (x - mean) / spread
    net = [
        drawn_layer(random, FILTERS, WIDTH, True, CONVOLUTION, 1),
        drawn_layer(random, FILTERS_2, WIDTH_2 * FILTERS, True, CONVOLUTION, FILTERS, STRIDE_2),
    ]
    n = net[1].n_out(net[0].n_out(x.shape[1]))
    net += [
        drawn_layer(random, n_out, n, False, DENSE),
        drawn_layer(random, int(y.max()) + 1, n_out, False, DENSE),
    ]
    moments = [
        [np.zeros_like(p) for p in (layer.weights, layer.bias) for _ in (1, 2)] for layer in net
    ]
    step = 0
    for epoch in range(EPOCHS):
        rate = RATE * (1 - epoch / EPOCHS)
        order = random.permutation(len(x))
        for first in range(0, len(x), BATCH):
            some = order[first : first + BATCH]
            step += 1
            for layer, (by_weight, by_bias), kept in zip(
                net, gradients(net, x[some], y[some]), moments, strict=True
            ):
                _adam(
                    layer.weights, by_weight + DECAY * layer.weights, kept[0], kept[1], step, rate
                )
                _adam(layer.bias, by_bias, kept[2], kept[3], step, rate)
    return (
        [shifted(net[0], np.full(1, mean), np.full(1, spread)), *net[1:3]],
        net[3].weights,
        net[3].bias,
    )


def drawn_layer(
    random: np.random.Generator, n_out: int, n_row: int, relu: bool, kind: str, channels=0, stride=1
) -> Layer:
    """Return a layer of random weights to start training from (He et al., 2015), on GRID."""
    weights = random.normal(0, np.sqrt(2 / n_row), (n_out, n_row))
    return Layer(_on_grid(weights), np.zeros(n_out), relu, kind, channels, stride)


def gradients(
    net: list[Layer], x: np.ndarray, y: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the gradient of the mean cross entropy for (weights, bias) of each layer.

    x: (n, n_in) standardised features. y: (n,) label indices.
    """
    inputs = [x]
    for layer in net:
        inputs.append(forward([layer], inputs[-1]))
    raised = np.exp(inputs[-1] - inputs[-1].max(axis=1, keepdims=True))
    back = raised / raised.sum(axis=1, keepdims=True)
    back[np.arange(len(y)), y] -= 1
    back /= len(y)
    out = []
    for layer, x_in, x_out in zip(net[::-1], inputs[-2::-1], inputs[:0:-1], strict=True):
        if layer.relu:
            back = back * (x_out > 0)
        rows = layer.rows(x_in)  # (n, positions, n_row)
        of_rows = back.reshape(len(back), rows.shape[1], -1)
        flat = of_rows.reshape(-1, of_rows.shape[2])
        out.append((flat.T @ rows.reshape(-1, rows.shape[2]), flat.sum(axis=0)))
        into = of_rows @ layer.weights
        back, width, by = np.zeros_like(x_in), into.shape[2], layer.stride * layer.n_channels
        for i in range(into.shape[1]):
            back[:, i * by : i * by + width] += into[:, i]
    return out[::-1]


def _adam(
    p: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    step: int,
    rate: float,
) -> None:
    first += 0.1 * (gradient - first)
    second += 0.001 * (gradient**2 - second)
    by = rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    p[...] = _on_grid(p - by)


def _on_grid(x: np.ndarray) -> np.ndarray:
    return np.rint(x / GRID) * GRID
