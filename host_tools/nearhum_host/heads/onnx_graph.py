"""An ONNX file to the layers of a head: small dense or convolutional networks that were trained elsewhere.

Enters: an .onnx file of a network whose input is (batch, features), the firmware's int8 features as numbers, or a
reshaping of them. Leaves: layers; what a board cannot run is refused with the name of its node.

The graph is followed from its input to its output in one line. What only moves values (Reshape, Flatten, Transpose,
Squeeze, Unsqueeze, Identity, Dropout) is carried out on the numbers of the values; Add, Sub, Mul, Div and
BatchNormalization with constants, and means over positions, go into the layer behind them, or before it where a Relu
follows. Where the last node is a Softmax (or LogSoftmax, ArgMax), it and the layer before it are cut off.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import HostError
from .layers import CONVOLUTION, DENSE, POOLING, Layer, pooling

_ENDS = ("Softmax", "LogSoftmax", "ArgMax")
_CAN = (
    "a board runs Gemm, MatMul, Conv of one dimension, Relu, maxima and means over positions; and what only moves or "
    "scales values"
)


def layers_of(path: Path) -> list[Layer]:
    """Return the layers of an ONNX file, the last one cut off where a Softmax follows it. Raises HostError."""
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "name an .onnx file") from None
    except Exception as error:  # protobuf and the checker have errors of many families
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HostError(f"{path} is not a sound ONNX file: {why}", "export it again") from None
    return _Reader(model.graph, path).layers()


class _Reader:
    """Follows one graph. at: the numbers, in the order of what the board has there, of the tensor's values.

    scale, shift: what is still to be done to the values, of the tensor's shape; mean: a matrix that makes them of the
    board's, where they are means. All without the batch.
    """

    def __init__(self, graph: Any, path: Path) -> None:
        self.graph, self.path = graph, path
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.out: list[Layer] = []
        inputs = [i for i in graph.input if i.name not in self.constants]
        if len(inputs) != 1:
            raise HostError(f"{path} has {len(inputs)} inputs", "export a network with one: the features of a window")
        self.name = inputs[0].name
        shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim][1:]
        if not shape or not all(shape):
            raise HostError(f"{path}: input {self.name!r} has no fixed shape", "export it as (batch, features)")
        self.at: Any = np.arange(int(np.prod(shape))).reshape(shape)
        self._afresh()

    def _afresh(self) -> None:
        self.scale: Any = np.ones(self.at.shape)
        self.shift: Any = np.zeros(self.at.shape)
        self.mean: np.ndarray | None = None

    def layers(self) -> list[Layer]:
        ended = False
        for number, node in enumerate(self.graph.node):
            said = f"{self.path}: node {node.name or number} ({node.op_type})"
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
                continue
            if ended:
                raise HostError(f"{said} follows the softmax", "cut it off before exporting")
            moving = [name for name in node.input if name and name not in self.constants]
            if moving != [self.name]:
                raise HostError(f"{said} joins or leaves the line of the graph", "a board runs one layer after another")
            known = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type in _ENDS:
                ended = True
            else:
                rule = getattr(self, f"_{node.op_type.lower()}", None)
                if rule is None:
                    raise HostError(f"{said} is not among what a board runs", _CAN)
                given = [self.constants.get(name) for name in node.input]
                rule(said, given, known)
            self.name = node.output[0]
        if ended and self.out:
            self.out.pop()
        elif (self.scale != 1).any() or self.shift.any() or self.mean is not None:
            raise HostError(f"{self.path} ends with means or scales behind its last layer", "end it with a layer")
        if not self.out:
            raise HostError(f"{self.path} has no layer before its softmax", "two at least: the last one is cut off")
        return self.out

    # ---- layers --------------------------------------------------------------------------------------------

    def _gemm(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        weights, bias = given[1], given[2] if len(given) > 2 else None
        if weights is None or given[0] is not None or known.get("transA"):
            raise HostError(f"{said} has no constant weights, or turns its input", "export the trained network")
        weights = known.get("alpha", 1.0) * (weights if known.get("transB") else weights.T)
        self._dense(said, weights.astype(float), 0.0 if bias is None else known.get("beta", 1.0) * bias)

    def _matmul(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        if given[0] is not None or given[1] is None or given[1].ndim != 2:
            raise HostError(f"{said} has no constant weights of two dimensions", "export the trained network")
        self._dense(said, given[1].T.astype(float), 0.0)

    def _dense(self, said: str, weights: np.ndarray, bias: Any) -> None:
        if self.at.ndim != 1 or weights.shape[1] != self.at.size:
            raise HostError(
                f"{said} takes {weights.shape[1]} values of {self.at.shape} that are there", "put a Flatten before it"
            )
        bias = np.broadcast_to(np.asarray(bias, float).reshape(-1), len(weights)) + weights @ self.shift
        weights = weights * self.scale
        if self.mean is not None:
            weights = weights @ self.mean
        else:
            placed = np.zeros((len(weights), int(self.at.max()) + 1))
            placed[:, self.at] = weights
            weights = placed
        self.out.append(Layer(weights, bias, False, DENSE, name=said))
        self.at = np.arange(len(weights))
        self._afresh()

    def _conv(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        weights: Any = given[1]
        bias = given[2] if len(given) > 2 else None
        if weights is None or np.ndim(weights) != 3:
            raise HostError(f"{said} is no convolution of one dimension with constant weights", _CAN)
        n_filters, n_channels = weights.shape[:2]
        if any(known.get("pads", ())) or known.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise HostError(f"{said} pads its input", "train it without padding: padding=valid")
        if known.get("group", 1) != 1 or any(d != 1 for d in known.get("dilations", ())):
            raise HostError(f"{said} has groups or dilations", "train it without")
        if self.at.ndim != 2 or len(self.at) != n_channels or not (self.at == self._by_position(n_channels)).all():
            raise HostError(
                f"{said} takes {n_channels} channels, the board has the values {self.at.shape} in another order",
                "let the input be (batch, positions, channels), or one channel, and turn it inside the network",
            )
        same = (self.scale == self.scale[:, :1]).all() and (self.shift == self.shift[:, :1]).all()
        if not same or self.mean is not None:
            raise HostError(f"{said} has a scale of its own a position before it", "one for each channel")
        bias = np.zeros(n_filters) if bias is None else np.asarray(bias, float)
        bias = bias + weights.sum(axis=2) @ self.shift[:, 0]
        flat = (weights * self.scale[:, :1]).transpose(0, 2, 1).reshape(n_filters, -1).astype(float)
        stride = known.get("strides", [1])[0]
        layer = Layer(flat, bias, False, CONVOLUTION, n_channels, stride, said)
        n_positions = layer.n_positions(self.at.size)
        if n_positions < 1:
            raise HostError(
                f"{said}: {self.at.shape[1]} positions are fewer than its width {layer.width}", "a smaller one"
            )
        self.out.append(layer)
        self.at = np.arange(n_positions * n_filters).reshape(n_positions, n_filters).T
        self._afresh()

    def _by_position(self, n_channels: int) -> np.ndarray:
        return np.arange(self.at.size).reshape(-1, n_channels).T

    def _relu(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        if not self.out or self.out[-1].relu or self.out[-1].kind == POOLING or self.mean is not None:
            raise HostError(f"{said} does not follow a layer of weights", "put it behind a Gemm or a Conv")
        layer = self.out[-1]
        if (self.scale != 1).any() or self.shift.any():
            scale, shift = (self._a_row(said, values, layer) for values in (self.scale, self.shift))
            layer = replace(layer, weights=layer.weights * scale[:, None], bias=layer.bias * scale + shift)
            self._afresh()
        self.out[-1] = replace(layer, relu=True)

    def _a_row(self, said: str, values: np.ndarray, layer: Layer) -> np.ndarray:
        """Return the values, one a row of a layer: what came between it and its Relu goes into its weights."""
        if layer.kind == DENSE and self.at.ndim == 1:
            out = np.empty(len(layer.weights))
            out[self.at] = values
            return out
        filters = len(layer.weights)
        in_order = self.at.ndim == 2 and len(self.at) == filters and (self.at == self._by_position(filters)).all()
        if not in_order or not (values == values[:, :1]).all():
            raise HostError(f"{said} follows a scale that is not one for each row of the layer before it", _CAN)
        return values[:, 0]

    def _globalmaxpool(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        self._largest(said)
        self._moved(lambda values: values[:, None])

    def _reducemax(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        keep = self._over_positions(said, given, known)
        self._largest(said)
        self._moved(keep)

    def _largest(self, said: str) -> None:
        n_channels = self._channels(said)
        if not (self.scale > 0).all() or not (self.scale == self.scale[:, :1]).all() or self.shift.any():
            raise HostError(f"{said} follows a scale of its own a position, or a shift", "scale behind it")
        scale = self.scale[:, 0]
        self.out.append(pooling(n_channels, said))
        self.at = np.arange(n_channels)
        self._afresh()
        self.scale = scale

    def _globalaveragepool(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        self._average(said)
        self._moved(lambda values: values[:, None])

    def _reducemean(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        keep = self._over_positions(said, given, known)
        self._average(said)
        self._moved(keep)

    def _average(self, said: str) -> None:
        n_channels = self._channels(said)
        self.mean = np.zeros((n_channels, self.at.size))
        for c in range(n_channels):
            self.mean[c, self.at[c]] = self.scale[c] / self.at.shape[1]
        self.at, self.shift = np.arange(n_channels), self.shift.mean(axis=1)
        self.scale = np.ones(n_channels)

    def _channels(self, said: str) -> int:
        """Return the channels of values (channels, positions) as a convolution leaves them."""
        if self.at.ndim != 2 or self.mean is not None or not (self.at == self._by_position(len(self.at))).all():
            raise HostError(f"{said} does not follow a convolution", _CAN)
        return len(self.at)

    def _over_positions(self, said: str, given: list[Any], known: dict[str, Any]) -> Any:
        """Turn the values to (channels, positions), for a Reduce over one axis; return how to put the axis back."""
        axes = known.get("axes") or (given[1].tolist() if len(given) > 1 and given[1] is not None else [])
        if len(axes) != 1 or self.at.ndim != 2 or axes[0] % 3 == 0:
            raise HostError(f"{said} is not over positions alone", "one axis, that of positions")
        axis = axes[0] % 3 - 1
        if axis == 0:
            self._moved(np.transpose)
        kept = known.get("keepdims", 1)
        return (lambda values: np.expand_dims(values, axis)) if kept else (lambda values: values)

    # ---- what scales values --------------------------------------------------------------------------------

    def _scaled(self, said: str, given: list[Any], scale: Any, shift: Any) -> None:
        if given[0] is not None:
            raise HostError(f"{said} has a constant before its values", "the other way round")
        try:
            scale, shift = (np.broadcast_to(_without_batch(v, self.at.ndim), self.at.shape) for v in (scale, shift))
        except ValueError:
            raise HostError(
                f"{said}: constants do not fit values {self.at.shape}", "one for each, or one for all"
            ) from None
        self.scale, self.shift = self.scale * scale, self.shift * scale + shift

    def _add(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        if given[0] is not None and given[1] is None:
            given = given[::-1]
        self._scaled(said, given, 1.0, given[1])

    def _sub(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        self._scaled(said, given, 1.0, -np.asarray(given[1] if given[1] is not None else 0.0, float))

    def _mul(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        if given[0] is not None and given[1] is None:
            given = given[::-1]
        self._scaled(said, given, given[1], 0.0)

    def _div(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        self._scaled(said, given, 1 / np.asarray(given[1] if given[1] is not None else 1.0, float), 0.0)

    def _batchnormalization(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        gamma, beta, mean, variance = (np.asarray(v, float) for v in given[1:5])
        scale = gamma / np.sqrt(variance + known.get("epsilon", 1e-5))
        shape = (-1, *[1] * (self.at.ndim - 1))
        self._scaled(said, given, scale.reshape(shape), (beta - mean * scale).reshape(shape))

    # ---- what moves values ---------------------------------------------------------------------------------

    def _moved(self, move: Any) -> None:
        self.at, self.scale, self.shift = move(self.at), move(self.scale), move(self.shift)

    def _identity(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        pass

    _dropout = _identity

    def _flatten(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        if known.get("axis", 1) != 1:
            raise HostError(f"{said} joins windows of a batch", "axis 1")
        self._moved(np.ravel)

    def _reshape(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        shape = [int(n) for n in given[1]][1:] if given[1] is not None else [0]
        try:
            self._moved(lambda values: values.reshape(shape))
        except ValueError:
            raise HostError(f"{said}: values {self.at.shape} to {shape}", "a fixed shape behind the batch") from None

    def _transpose(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        order = list(known.get("perm", range(self.at.ndim, -1, -1)))
        if order[0] != 0:
            raise HostError(f"{said} moves the batch", "leave it first")
        self._moved(lambda values: values.transpose([i - 1 for i in order[1:]]))

    def _squeeze(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        axes = known.get("axes") or (given[1].tolist() if len(given) > 1 and given[1] is not None else None)
        if not axes:
            raise HostError(f"{said} says no axes", "name them, without the batch's")
        axes = [a % (self.at.ndim + 1) for a in axes]
        self._moved(lambda values: values.squeeze(tuple(a - 1 for a in axes)))

    def _unsqueeze(self, said: str, given: list[Any], known: dict[str, Any]) -> None:
        axes = known.get("axes") or given[1].tolist()
        axes = [a % (self.at.ndim + 1 + len(axes)) for a in axes]
        self._moved(lambda values: np.expand_dims(values, tuple(a - 1 for a in axes)))


def _without_batch(values: Any, n_dims: int) -> np.ndarray:
    values = np.asarray(values, float)
    return values[0] if values.ndim == n_dims + 1 and len(values) == 1 else values
