"""Layers of a head: in real numbers for training, and quantised to int8 for the board.

Enters: weights, and feature vectors for calibration. Leaves: the network part of a head file.
firmware/nearhum/embedding/head.py defines the format, and checks on loading that no sum can
overflow.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from nearhum import wire

from ..errors import HostError

DENSE, CONVOLUTION, POOLING = "dense", "convolution", "pooling"
KINDS = (DENSE, CONVOLUTION, POOLING)  # The index is the number in the file.
# Limits of head.py: rows of a layer, weights of a row, values between two layers.
MAX_OUT, MAX_ROW, MAX_BETWEEN = 128, 1024, 4096
_PRODUCT = (1 << 30) - 1  # Limit of head.py for sum * factor.
_RECIPE = "fewer dimensions, or stronger regularisation: its weights cancel each other"


@dataclass(frozen=True)
class Layer:
    """One layer: out = weights @ x + bias, then ReLU where relu is set.

    A convolution applies this at every stride-th position.

    weights: (n_rows, n_row). bias: (n_rows,). kind: one of KINDS.
    n_channels: values at one position of the input (convolution and pooling only).
    width: positions that a row covers. name: how error messages call the layer.
    """

    weights: np.ndarray
    bias: np.ndarray
    relu: bool
    kind: str = DENSE
    n_channels: int = 0
    stride: int = 1
    name: str = ""

    @property
    def width(self) -> int:
        return self.weights.shape[1] // self.n_channels

    def n_positions(self, n_in: int) -> int:
        """Return the number of positions at which the weights are applied to n_in values."""
        if self.kind != CONVOLUTION:
            return 1
        return (n_in // self.n_channels - self.width) // self.stride + 1

    def n_out(self, n_in: int) -> int:
        """Return the number of values out for n_in values in."""
        return (
            self.n_channels if self.kind == POOLING else len(self.weights) * self.n_positions(n_in)
        )

    def rows(self, x: np.ndarray) -> np.ndarray:
        """Cut x, (n, n_in), into what the weights are applied to: (n, positions, n_row)."""
        step, n_row = self.stride * self.n_channels, self.weights.shape[1]
        if self.kind == DENSE:
            return x[:, None]
        return np.stack(
            [x[:, i * step : i * step + n_row] for i in range(self.n_positions(x.shape[1]))], axis=1
        )


def pooling(n_channels: int, name: str = "") -> Layer:
    """Return a layer that keeps the maximum over all positions, for each of n_channels."""
    return Layer(np.empty((0, 0)), np.empty(0), False, POOLING, n_channels, name=name)


def forward(layers: Sequence[Layer], x: np.ndarray) -> np.ndarray:
    """Run layers on x, (n, n_in), in real numbers. Returns (n, n_out)."""
    for layer in layers:
        if layer.kind == POOLING:
            x = x.reshape(len(x), -1, layer.n_channels).max(axis=1)
            continue
        x = (layer.rows(x) @ layer.weights.T + layer.bias).reshape(len(x), -1)
        x = np.maximum(x, 0) if layer.relu else x
    return x


def check_fits(layers: Sequence[Layer], n_in: int) -> None:
    """Raise HostError that names the layer if a board cannot run layers on n_in features."""
    for layer in layers:
        name = layer.name or layer.kind
        if layer.kind != DENSE and n_in % layer.n_channels:
            raise HostError(
                f"{name}: {n_in} values in {layer.n_channels} channels", "whole positions"
            )
        if layer.kind == CONVOLUTION and layer.n_positions(n_in) < 1:
            raise HostError(
                f"{name}: {n_in} values are shorter than a row of {layer.weights.shape[1]}",
                "a smaller one",
            )
        if layer.kind == DENSE and layer.weights.shape[1] != n_in:
            raise HostError(
                f"{name} takes {layer.weights.shape[1]} values, there are {n_in}",
                "match the settings",
            )
        n_rows = layer.n_channels if layer.kind == POOLING else len(layer.weights)
        n_row = 0 if layer.kind == POOLING else layer.weights.shape[1]
        n_in = layer.n_out(n_in)
        if not 1 <= n_rows <= MAX_OUT or n_row > MAX_ROW or n_in > MAX_BETWEEN:
            raise HostError(
                f"{name} has {n_rows} rows of {n_row} weights and {n_in} values out, which no board"
                " runs",
                f"at most {MAX_OUT} rows of {MAX_ROW} weights, {MAX_BETWEEN} values between two"
                " layers",
            )
    if not layers or n_in > MAX_OUT:
        raise HostError(f"an embedding of {n_in if layers else 'no'} dimensions", f"1 to {MAX_OUT}")


def quantised(layers: Sequence[Layer], x: np.ndarray, steps: float | None = None) -> bytes:
    """Quantise layers to int8, and return the network part of a head file.

    The weights of a row are scaled so that the largest is ±127. All rows of a layer share one gain,
    which keeps distances in proportion: 127 stands for the 99.9th percentile of the layer's
    outputs. Each row's factor has as many bits as int32 products allow (head.py checks this).

    x: (n, n_in) features for calibration, int8 values as floats.
    steps: int8 steps a unit of the last layer's output, in place of the percentile.
    Raises HostError if no factor fits, or if a layer is larger than a board runs.
    """
    check_fits(layers, x.shape[1])
    body = struct.pack("<HBB", x.shape[1], len(layers), 0)
    scale = 1.0  # int8 steps a unit of the layer's input.
    for n, layer in enumerate(layers, 1):
        if layer.kind == POOLING:
            body += struct.pack("<HBB", layer.n_channels, 0, KINDS.index(POOLING))
            x = forward([layer], x)
            continue
        out = forward([layer], x)
        gain = 127 / max(float(np.percentile(np.abs(out), 99.9)), 1e-9)
        if steps and n == len(layers):
            gain = steps
        weights = layer.weights / scale
        step = np.maximum(np.abs(weights).max(axis=1), 1e-12) / 127
        whole = np.rint(weights / step[:, None]).astype(int)
        bias = np.rint(layer.bias / step)
        bounds = np.abs(bias) + 128 * np.abs(whole).sum(axis=1)
        rescale = [_factor(gain * s, b, layer) for s, b in zip(step, bounds, strict=True)]
        body += struct.pack("<HBB", len(whole), layer.relu, KINDS.index(layer.kind))
        if layer.kind == CONVOLUTION:
            body += struct.pack("<HHHH", layer.n_channels, layer.width, layer.stride, 0)
        body += bias.astype("<i4").tobytes() + b"".join(rescale) + whole.astype("i1").tobytes()
        x, scale = out, gain
    return wire.seal(wire.HEAD_MAGIC, zlib.crc32(body), 0, body)


def _factor(gain: float, bound: float, layer: Layer) -> bytes:
    """Return (pre, factor, post), packed, with factor / 2^post = gain for sums up to bound."""
    limit = min(65535, _PRODUCT // (int(bound) + 1))
    post = 0
    while post < 29 and 2 * gain + 0.5 < limit:
        gain *= 2
        post += 1
    factor = int(gain + 0.5)
    if bound > _PRODUCT or not 1 <= factor <= limit:
        raise HostError(
            f"{layer.name or layer.kind}: a row does not fit int8 weights and int32 sums", _RECIPE
        )
    return struct.pack("<HHH", 0, factor, post)


def read_layers(body: bytes | memoryview) -> tuple[int, list[Layer]]:
    """Read (n_in, layers) from the body of a head file, to describe it.

    body: its CRC has been checked. Weights are int8, bias is int32.
    Raises HostError if the body is cut short.
    """
    try:
        n_in, n_layers, _ = struct.unpack_from("<HBB", body, 0)
        at, layers, n = 4, [], n_in
        for _ in range(n_layers):
            n_out, relu, kind = struct.unpack_from("<HBB", body, at)
            at += 4
            if KINDS[kind] == POOLING:
                layers.append(pooling(n_out))
                n = n_out
                continue
            n_channels, width, stride = (0, 0, 1)
            if KINDS[kind] == CONVOLUTION:
                n_channels, width, stride, _ = struct.unpack_from("<HHHH", body, at)
                at += 8
            n_row = n_channels * width or n
            bias = np.frombuffer(body, "<i4", n_out, at)
            weights = np.frombuffer(body, "i1", n_out * n_row, at + 10 * n_out).reshape(
                n_out, n_row
            )
            layer = Layer(weights, bias, bool(relu), KINDS[kind], n_channels, stride)
            layers.append(layer)
            at += n_out * (10 + n_row)
            n = layer.n_out(n)
    except (struct.error, ValueError, IndexError) as error:
        raise HostError(
            f"the layers of the head file do not hold: {error}", "export it again"
        ) from None
    return n_in, layers


def shifted(layer: Layer, mean: np.ndarray, spread: np.ndarray) -> Layer:
    """Fold (x - mean) / spread into a layer, so that it takes x itself.

    mean, spread: one for each value of a row, or one for all.
    """
    weights = layer.weights / spread
    return replace(
        layer, weights=weights, bias=layer.bias - weights @ np.broadcast_to(mean, weights.shape[1])
    )
