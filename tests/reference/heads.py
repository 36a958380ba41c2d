"""Head files for tests, written from the docstring of firmware/nearhum/embedding/head.py."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np


def random_layers(shapes: list[dict[str, int]]) -> list[dict[str, Any]]:
    """Return random int8 layers of these shapes, within the limits that head.py checks.

    All but the last have ReLU.
    """
    random = np.random.default_rng(12)
    layers: list[dict[str, Any]] = []
    for i, shape in enumerate(shapes):
        layer: dict[str, Any] = dict(shape)
        if "pool" not in shape:
            n_in, n_out = (
                layer.pop("n_in", shape.get("channels", 0) * shape.get("width", 0)),
                layer.pop("n_out"),
            )
            layer |= {
                "weights": random.integers(-128, 128, (n_out, n_in)),
                "bias": random.integers(-9000, 9000, n_out), "pre": random.integers(5, 9, n_out),
                "factor": random.integers(100, 32768, n_out),
                "post": random.integers(15, 20, n_out), "relu": i < len(shapes) - 1,
            }  # fmt: skip
        layers.append(layer)
    return layers


def head_file(n_in: int, layers: list[dict[str, Any]]) -> bytes:
    """Return the layers as a head file, as head.py's docstring describes it."""
    body = struct.pack("<HBB", n_in, len(layers), 0)
    for layer in layers:
        if "pool" in layer:
            body += struct.pack("<HBB", layer["pool"], 0, 2)
            continue
        body += struct.pack("<HBB", len(layer["bias"]), layer["relu"], "stride" in layer)
        if "stride" in layer:
            body += struct.pack("<HHHH", layer["channels"], layer["width"], layer["stride"], 0)
        body += layer["bias"].astype("<i4").tobytes()
        body += (
            np.stack([layer["pre"], layer["factor"], layer["post"]], axis=1).astype("<u2").tobytes()
        )
        body += layer["weights"].astype("i1").tobytes()
    image = b"NHH1" + struct.pack("<III", 99, 0, len(body)) + body
    return image + struct.pack("<I", zlib.crc32(image))
