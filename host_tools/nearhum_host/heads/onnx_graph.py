"""Convert an ONNX file, a small dense or convolutional network, to the layers of a head.

Enters: an .onnx file. Its input is (batch, features): the firmware's int8 features as numbers, or
the same features in another shape. Leaves: layers. A node that a board cannot run is refused by
name.

The graph must be a chain, and is followed from input to output:

1. Nodes that only move values (Reshape, Flatten, Transpose, Squeeze, Unsqueeze, Identity, Dropout)
   permute the indices of the values.
2. Add, Sub, Mul, Div and BatchNormalization with constants, and means over positions, are folded
   into the weights of the next layer. If a Relu follows, they are folded into the layer before it.
3. If the last node is a Softmax, LogSoftmax or ArgMax, it and the layer before it are cut off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import HostError
from . import onnx_layers, onnx_values
from .layers import Layer
from .onnx_values import Values

# Size of a file. 128 KB of int8 layers are 512 KB of floats, and exporters add to that.
MOST_BYTES = 1 << 24
MOST_VALUES = 4096  # Between two layers: MAX_BETWEEN of firmware/nearhum/embedding/head.py.
# What NumPy and onnx raise for constants and attributes that make no sense.
_SENSELESS = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError,
    NotImplementedError,
)  # fmt: skip
_PLAIN = ("value_float", "value_floats", "value_int", "value_ints")  # Attributes of a Constant.
_ENDS = ("Softmax", "LogSoftmax", "ArgMax")


# Operators that a board runs, or that need no layer. The key is the node's op_type.
RULES: dict[str, Callable[[Values, str, list[Any], dict[str, Any]], None]] = {
    "Gemm": onnx_layers.gemm,
    "MatMul": onnx_layers.matmul,
    "Conv": onnx_layers.conv,
    "Relu": onnx_layers.relu,
    "GlobalMaxPool": onnx_layers.global_max_pool,
    "ReduceMax": onnx_layers.reduce_max,
    "GlobalAveragePool": onnx_layers.global_average_pool,
    "ReduceMean": onnx_layers.reduce_mean,
    "Add": onnx_values.add,
    "Sub": onnx_values.sub,
    "Mul": onnx_values.mul,
    "Div": onnx_values.div,
    "BatchNormalization": onnx_values.batch_normalization,
    "Identity": onnx_values.identity,
    "Dropout": onnx_values.identity,
    "Flatten": onnx_values.flatten,
    "Reshape": onnx_values.reshape,
    "Transpose": onnx_values.transpose,
    "Squeeze": onnx_values.squeeze,
    "Unsqueeze": onnx_values.unsqueeze,
}


def layers_of(path: Path) -> list[Layer]:
    """Read the layers of an ONNX file, without the last one if a Softmax follows it.

    Raises HostError if the file is not sound ONNX, or if a board cannot run one of its nodes.
    """
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MOST_BYTES:
            raise HostError(
                f"{path} holds {n_bytes} bytes", f"a head's network has {MOST_BYTES} at most"
            )
        model = onnx.load(str(path), load_external_data=False)  # Read no other file.
        onnx.checker.check_model(model)
    except HostError:
        raise
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "name an .onnx file") from None
    except Exception as error:  # protobuf and the checker share no base class of errors.
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HostError(f"{path} is not a sound ONNX file: {why}", "export it again") from None
    return _Reader(model.graph, path).layers()


class _Reader:
    """Follows one graph. name: the tensor that it has reached."""

    def __init__(self, graph: Any, path: Path) -> None:
        self.graph, self.path = graph, path
        self.constants = {t.name: self._array(t, t.name) for t in graph.initializer}
        inputs = [i for i in graph.input if i.name not in self.constants]
        if len(inputs) != 1:
            raise HostError(
                f"{path} has {len(inputs)} inputs",
                "export a network with one: the features of a window",
            )
        self.name = inputs[0].name
        shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim][1:]
        if not shape or not all(shape):
            raise HostError(
                f"{path}: input {self.name!r} has no fixed shape", "export it as (batch, features)"
            )
        n = math.prod(shape)
        if n > MOST_VALUES or min(shape) < 0:
            raise HostError(
                f"{path}: input {self.name!r} has {n} values",
                f"{MOST_VALUES} at most: the features of a window",
            )
        self.values = Values(shape)

    def _array(self, tensor: Any, said: str) -> np.ndarray:
        """Return the numbers of a constant.

        The stated shape is checked first, so that a false one cannot take any amount of memory.
        """
        try:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise ValueError("its numbers are in another file")
            if math.prod(tensor.dims) > MOST_BYTES:
                raise ValueError(f"{list(tensor.dims)} are more than the file holds")
            return numpy_helper.to_array(tensor)
        except _SENSELESS as error:
            raise HostError(
                f"{self.path}: constant {said!r} cannot be read: {str(error)[:200]}",
                "export it again, with its weights in one file",
            ) from None

    def _constant(self, node: Any, said: str) -> np.ndarray:
        known = {a.name: a for a in node.attribute}
        if "value" in known:
            return self._array(known["value"].t, node.output[0])
        if len(known) == 1 and next(iter(known)) in _PLAIN:
            return np.asarray(onnx.helper.get_attribute_value(node.attribute[0]))
        raise HostError(f"{said} is no plain constant", "export it with constants of numbers")

    def _check_bounds(self, said: str) -> None:
        if self.values.at.size > MOST_VALUES:
            raise HostError(f"{said} makes {self.values.at.size} values", f"{MOST_VALUES} at most")

    def layers(self) -> list[Layer]:
        """Follow the graph to its end and return its layers. Raises HostError."""
        ended = False
        for number, node in enumerate(self.graph.node):
            said = f"{self.path}: node {node.name or number} ({node.op_type})"
            if node.op_type == "Constant":
                self.constants[node.output[0]] = self._constant(node, said)
                continue
            if ended:
                raise HostError(f"{said} follows the softmax", "cut it off before exporting")
            moving = [name for name in node.input if name and name not in self.constants]
            if moving != [self.name]:
                raise HostError(
                    f"{said} joins or leaves the line of the graph",
                    "a board runs one layer after another",
                )
            known = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type in _ENDS:
                ended = True
            else:
                rule = RULES.get(node.op_type)
                if rule is None:
                    raise HostError(f"{said} is not among what a board runs", onnx_layers.CAN)
                given = [self.constants.get(name) for name in node.input]
                try:
                    rule(self.values, said, given, known)
                except _SENSELESS as error:
                    raise HostError(
                        f"{said}: its constants or attributes make no sense: {str(error)[:200]}",
                        "export it again",
                    ) from None
                self._check_bounds(said)
            self.name = node.output[0]
        values = self.values
        if ended and values.out:
            values.out.pop()
        elif (values.scale != 1).any() or values.shift.any() or values.mean is not None:
            raise HostError(
                f"{self.path} ends with means or scales behind its last layer",
                "end it with a layer",
            )
        if not values.out:
            raise HostError(
                f"{self.path} has no layer before its softmax",
                "two at least: the last one is cut off",
            )
        return values.out
