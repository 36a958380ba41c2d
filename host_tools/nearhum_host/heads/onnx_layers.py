"""Rules for the ONNX nodes that become layers of a head: dense, convolution, pooling, Relu, mean.

Enters: the values so far, and a node's constants and attributes. Leaves: one more layer. Scales
and shifts that were waiting are folded into its weights. A mean over positions waits for the next
layer. onnx_values describes what a rule is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import HostError
from .layers import CONVOLUTION, DENSE, POOLING, Layer, pooling
from .onnx_values import Values

CAN = (
    "a board runs Gemm, MatMul, Conv of one dimension, Relu, maxima and means over positions; and"
    " what only moves or scales values"
)


def gemm(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Append a dense layer: alpha * x @ B + beta * C."""
    weights, bias = given[1], given[2] if len(given) > 2 else None
    if weights is None or given[0] is not None or known.get("transA"):
        raise HostError(
            f"{said} has no constant weights, or turns its input", "export the trained network"
        )
    weights = known.get("alpha", 1.0) * (weights if known.get("transB") else weights.T)
    _dense(
        values, said, weights.astype(float), 0.0 if bias is None else known.get("beta", 1.0) * bias
    )


def matmul(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Append a dense layer without a bias."""
    if given[0] is not None or given[1] is None or given[1].ndim != 2:
        raise HostError(
            f"{said} has no constant weights of two dimensions", "export the trained network"
        )
    _dense(values, said, given[1].T.astype(float), 0.0)


def _dense(values: Values, said: str, weights: np.ndarray, bias: Any) -> None:
    if values.at.ndim != 1 or weights.shape[1] != values.at.size:
        raise HostError(
            f"{said} takes {weights.shape[1]} values of {values.at.shape} that are there",
            "put a Flatten before it",
        )
    bias = (
        np.broadcast_to(np.asarray(bias, float).reshape(-1), len(weights)) + weights @ values.shift
    )
    weights = weights * values.scale
    if values.mean is not None:
        weights = weights @ values.mean
    else:
        placed = np.zeros((len(weights), int(values.at.max()) + 1))
        placed[:, values.at] = weights
        weights = placed
    values.out.append(Layer(weights, bias, False, DENSE, name=said))
    values.at = np.arange(len(weights))
    values.afresh()


def conv(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Append a 1-D convolution without padding, groups or dilations."""
    weights: Any = given[1]
    bias = given[2] if len(given) > 2 else None
    if weights is None or np.ndim(weights) != 3:
        raise HostError(f"{said} is no convolution of one dimension with constant weights", CAN)
    n_filters, n_channels = weights.shape[:2]
    if any(known.get("pads", ())) or known.get("auto_pad", b"NOTSET") not in (
        b"NOTSET",
        b"VALID",
    ):
        raise HostError(f"{said} pads its input", "train it without padding: padding=valid")
    if known.get("group", 1) != 1 or any(d != 1 for d in known.get("dilations", ())):
        raise HostError(f"{said} has groups or dilations", "train it without")
    if (
        values.at.ndim != 2
        or len(values.at) != n_channels
        or not (values.at == values.by_position(n_channels)).all()
    ):
        raise HostError(
            f"{said} takes {n_channels} channels, the board has the values {values.at.shape} in"
            " another order",
            "let the input be (batch, positions, channels), or one channel, and turn it inside"
            " the network",
        )
    same = (values.scale == values.scale[:, :1]).all() and (
        values.shift == values.shift[:, :1]
    ).all()
    if not same or values.mean is not None:
        raise HostError(
            f"{said} has a scale of its own a position before it", "one for each channel"
        )
    bias = np.zeros(n_filters) if bias is None else np.asarray(bias, float)
    bias = bias + weights.sum(axis=2) @ values.shift[:, 0]
    flat = (weights * values.scale[:, :1]).transpose(0, 2, 1).reshape(n_filters, -1).astype(float)
    stride = known.get("strides", [1])[0]
    layer = Layer(flat, bias, False, CONVOLUTION, n_channels, stride, said)
    n_positions = layer.n_positions(values.at.size)
    if n_positions < 1:
        raise HostError(
            f"{said}: {values.at.shape[1]} positions are fewer than its width {layer.width}",
            "a smaller one",
        )
    values.out.append(layer)
    values.at = np.arange(n_positions * n_filters).reshape(n_positions, n_filters).T
    values.afresh()


def relu(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Set ReLU in the last layer. Fold what waits into that layer, because ReLU comes after it."""
    if (
        not values.out
        or values.out[-1].relu
        or values.out[-1].kind == POOLING
        or values.mean is not None
    ):
        raise HostError(
            f"{said} does not follow a layer of weights", "put it behind a Gemm or a Conv"
        )
    layer = values.out[-1]
    if (values.scale != 1).any() or values.shift.any():
        scale, shift = (
            _a_row(values, said, waiting, layer) for waiting in (values.scale, values.shift)
        )
        layer = replace(
            layer, weights=layer.weights * scale[:, None], bias=layer.bias * scale + shift
        )
        values.afresh()
    values.out[-1] = replace(layer, relu=True)


def _a_row(values: Values, said: str, waiting: np.ndarray, layer: Layer) -> np.ndarray:
    """Return the waiting scale or shift, one value for each row of the layer before a Relu.

    The caller folds it into that layer's weights.
    """
    if layer.kind == DENSE and values.at.ndim == 1:
        out = np.empty(len(layer.weights))
        out[values.at] = waiting
        return out
    filters = len(layer.weights)
    in_order = (
        values.at.ndim == 2
        and len(values.at) == filters
        and (values.at == values.by_position(filters)).all()
    )
    if not in_order or not (waiting == waiting[:, :1]).all():
        raise HostError(
            f"{said} follows a scale that is not one for each row of the layer before it", CAN
        )
    return waiting[:, 0]


def global_max_pool(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Append a pooling: the maximum of each channel over all positions."""
    _largest(values, said)
    values.moved(lambda v: v[:, None])


def reduce_max(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Append a pooling, if the only axis is that of positions."""
    keep = _over_positions(values, said, given, known)
    _largest(values, said)
    values.moved(keep)


def _largest(values: Values, said: str) -> None:
    n_channels = _channels(values, said)
    if (
        not (values.scale > 0).all()
        or not (values.scale == values.scale[:, :1]).all()
        or values.shift.any()
    ):
        raise HostError(
            f"{said} follows a scale of its own a position, or a shift", "scale behind it"
        )
    scale = values.scale[:, 0]
    values.out.append(pooling(n_channels, said))
    values.at = np.arange(n_channels)
    values.afresh()
    values.scale = scale


def global_average_pool(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Take the mean of each channel over all positions. It waits for the next layer."""
    _average(values, said)
    values.moved(lambda v: v[:, None])


def reduce_mean(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Take the mean over positions, if they are the only axis. It waits for the next layer."""
    keep = _over_positions(values, said, given, known)
    _average(values, said)
    values.moved(keep)


def _average(values: Values, said: str) -> None:
    n_channels = _channels(values, said)
    values.mean = np.zeros((n_channels, values.at.size))
    for c in range(n_channels):
        values.mean[c, values.at[c]] = values.scale[c] / values.at.shape[1]
    values.at, values.shift = np.arange(n_channels), values.shift.mean(axis=1)
    values.scale = np.ones(n_channels)


def _channels(values: Values, said: str) -> int:
    """Return the number of channels of values that a convolution left as (channels, positions)."""
    if (
        values.at.ndim != 2
        or values.mean is not None
        or not (values.at == values.by_position(len(values.at))).all()
    ):
        raise HostError(f"{said} does not follow a convolution", CAN)
    return len(values.at)


def _over_positions(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> Any:
    """Turn the values to (channels, positions) for a Reduce over one axis.

    Returns a function that puts the reduced axis back where keepdims asks for it.
    """
    axes = known.get("axes") or (
        given[1].tolist() if len(given) > 1 and given[1] is not None else []
    )
    if len(axes) != 1 or values.at.ndim != 2 or axes[0] % 3 == 0:
        raise HostError(f"{said} is not over positions alone", "one axis, that of positions")
    axis = axes[0] % 3 - 1
    if axis == 0:
        values.moved(np.transpose)
    kept = known.get("keepdims", 1)
    return (lambda v: np.expand_dims(v, axis)) if kept else (lambda v: v)
