"""The values between two nodes of an ONNX graph, and the rules for nodes that move or scale them.

Enters: a node's constants and attributes. Leaves: the values, with the scales and shifts that wait
for the next layer. No layer is made here.

A rule carries out one node. Its arguments are the values, said (how an error names the node), given
(the inputs: None for the values, an array for a constant) and known (the attributes). It raises
HostError if a board cannot run the node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import HostError
from .layers import Layer


class Values:
    """The values between two nodes of the graph. All shapes are without the batch.

    at: the tensor's shape, int. The index of each value in the board's own order.
    scale, shift: the tensor's shape. The values are board value * scale + shift, not yet applied.
    mean: None, or the matrix that makes the values (means over positions) from the board's values.
    out: the layers so far.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.at: Any = np.arange(int(np.prod(shape))).reshape(shape)
        self.out: list[Layer] = []
        self.afresh()

    def afresh(self) -> None:
        """Reset scale, shift and mean, after a layer has taken them up."""
        self.scale: Any = np.ones(self.at.shape)
        self.shift: Any = np.zeros(self.at.shape)
        self.mean: np.ndarray | None = None

    def moved(self, move: Callable[[Any], Any]) -> None:
        """Apply a change of shape to the values and to the waiting scale and shift."""
        self.at, self.scale, self.shift = move(self.at), move(self.scale), move(self.shift)

    def by_position(self, n_channels: int) -> np.ndarray:
        """Return the indices in the order that a convolution leaves: (channels, positions)."""
        return np.arange(self.at.size).reshape(-1, n_channels).T


# ---- what scales values --------------------------------------------------------------------------


def _scaled(values: Values, said: str, given: list[Any], scale: Any, shift: Any) -> None:
    if given[0] is not None:
        raise HostError(f"{said} has a constant before its values", "the other way round")
    try:
        scale, shift = (
            np.broadcast_to(_without_batch(v, values.at.ndim), values.at.shape)
            for v in (scale, shift)
        )
    except ValueError:
        raise HostError(
            f"{said}: constants do not fit values {values.at.shape}",
            "one for each, or one for all",
        ) from None
    values.scale, values.shift = values.scale * scale, values.shift * scale + shift


def add(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Add a constant to the waiting shift."""
    if given[0] is not None and given[1] is None:
        given = given[::-1]
    _scaled(values, said, given, 1.0, given[1])


def sub(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Subtract a constant from the waiting shift."""
    _scaled(values, said, given, 1.0, -np.asarray(given[1] if given[1] is not None else 0.0, float))


def mul(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Multiply the waiting scale and shift by a constant."""
    if given[0] is not None and given[1] is None:
        given = given[::-1]
    _scaled(values, said, given, given[1], 0.0)


def div(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Divide the waiting scale and shift by a constant."""
    _scaled(
        values, said, given, 1 / np.asarray(given[1] if given[1] is not None else 1.0, float), 0.0
    )


def batch_normalization(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Fold gamma * (x - mean) / sqrt(variance + epsilon) + beta into the scale and shift."""
    gamma, beta, mean, variance = (np.asarray(v, float) for v in given[1:5])
    scale = gamma / np.sqrt(variance + known.get("epsilon", 1e-5))
    shape = (-1, *[1] * (values.at.ndim - 1))
    _scaled(values, said, given, scale.reshape(shape), (beta - mean * scale).reshape(shape))


def _without_batch(values: Any, n_dims: int) -> np.ndarray:
    values = np.asarray(values, float)
    return values[0] if values.ndim == n_dims + 1 and len(values) == 1 else values


# ---- what moves values ---------------------------------------------------------------------------


def identity(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Change nothing: Identity, and Dropout after training."""
    pass


def flatten(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Flatten the values of a window to one dimension."""
    if known.get("axis", 1) != 1:
        raise HostError(f"{said} joins windows of a batch", "axis 1")
    values.moved(np.ravel)


def reshape(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Reshape the values of a window. The batch must stay first."""
    shape = [int(n) for n in given[1]][1:] if given[1] is not None else [0]
    try:
        values.moved(lambda v: v.reshape(shape))
    except ValueError:
        raise HostError(
            f"{said}: values {values.at.shape} to {shape}", "a fixed shape behind the batch"
        ) from None


def transpose(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Permute the axes of a window. The batch must stay first."""
    order = list(known.get("perm", range(values.at.ndim, -1, -1)))
    if order[0] != 0:
        raise HostError(f"{said} moves the batch", "leave it first")
    values.moved(lambda v: v.transpose([i - 1 for i in order[1:]]))


def squeeze(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Remove the named axes of length 1."""
    axes = known.get("axes") or (
        given[1].tolist() if len(given) > 1 and given[1] is not None else None
    )
    if not axes:
        raise HostError(f"{said} says no axes", "name them, without the batch's")
    axes = [a % (values.at.ndim + 1) for a in axes]
    values.moved(lambda v: v.squeeze(tuple(a - 1 for a in axes)))


def unsqueeze(values: Values, said: str, given: list[Any], known: dict[str, Any]) -> None:
    """Insert axes of length 1."""
    axes = known.get("axes") or given[1].tolist()
    axes = [a % (values.at.ndim + 1 + len(axes)) for a in axes]
    values.moved(lambda v: np.expand_dims(v, tuple(a - 1 for a in axes)))
