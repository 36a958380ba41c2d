"""Head files: the network that a board loads, followed by a model card that only the host reads.

    network   sealed by nearhum.wire (magic NHH1). The board stops reading after it.
    trailer   only in a signed head: the signature over the network (nearhum.storage.signing)
    card      sealed by nearhum.wire (magic NHC1, the network's fingerprint): JSON in UTF-8, keys
              sorted

The card states the training data, the settings, the versions, the layers, the accuracy, and the
sha256 of the network. The same recordings and versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import signing

from ..errors import HostError
from .layers import KINDS, POOLING, Layer, read_layers

CARD_MAGIC = b"NHC1"
SUFFIX = ".nhh"


@dataclass(frozen=True)
class HeadFile:
    """A head file, taken apart.

    network: the sealed part that a board reads. layers: its layers, weights int8 and bias int32.
    card: the model card, {} where the file has none.
    """

    network: bytes
    n_in: int
    layers: list[Layer]
    card: dict[str, Any]

    @property
    def n_out(self) -> int:
        n = self.n_in
        for layer in self.layers:
            n = layer.n_out(n)
        return n


def pack(network: bytes, card: Mapping[str, Any]) -> bytes:
    """Return the bytes of a head file: a sealed network with a card behind it."""
    fingerprint = struct.unpack_from("<I", network, 4)[0]
    told = {**card, "sha256": hashlib.sha256(network).hexdigest()}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return network + wire.seal(CARD_MAGIC, fingerprint, 0, text)


def unpack(image: bytes, name: str = "the head file") -> HeadFile:
    """Take the bytes of a head file apart.

    name: how error messages call the file.
    Raises HostError if the file is damaged, or if its card belongs to another network.
    """
    n_body = struct.unpack_from("<I", image, 12)[0] if len(image) >= wire.ENVELOPE_BYTES else 0
    network, rest = (
        image[: n_body + wire.ENVELOPE_BYTES + 4],
        image[n_body + wire.ENVELOPE_BYTES + 4 :],
    )
    rest = signing.behind(rest)
    try:
        fingerprint, _, body = wire.unseal(wire.HEAD_MAGIC, network, name)
        n_in, layers = read_layers(body)
        card: dict[str, Any] = {}
        if rest:
            of, _, text = wire.unseal(CARD_MAGIC, rest, f"the card of {name}")
            card = json.loads(bytes(text))
            if of != fingerprint or card.get("sha256") != hashlib.sha256(network).hexdigest():
                raise HostError(
                    f"the card of {name} is that of another network", "train or copy the head again"
                )
    except FormatError as wrong:
        raise HostError(wrong.message, wrong.hint) from None
    except ValueError as wrong:
        raise HostError(
            f"the card of {name} is not JSON: {wrong}", "train or copy the head again"
        ) from None
    return HeadFile(network, n_in, layers, card)


def read(path: Path) -> HeadFile:
    """Read the head file at path. Raises HostError if it is unreadable or damaged."""
    try:
        return unpack(path.read_bytes(), str(path))
    except OSError as error:
        raise HostError(
            f"cannot read {path}: {error.strerror}", "name a head file, such as head.nhh"
        ) from None


def write(path: Path, head: bytes) -> None:
    """Write a head file. Raises HostError if path cannot be written."""
    try:
        path.write_bytes(head)
    except OSError as error:
        raise HostError(
            f"cannot write {path}: {error.strerror}", "name another place with --out"
        ) from None


def shapes(n_in: int, layers: list[Layer]) -> list[dict[str, Any]]:
    """Return the card's entry for each layer: kind, values in and out, rows, weights, ReLU or not.

    n_in: number of values that enter the first layer.
    """
    out = []
    for layer in layers:
        of: dict[str, Any] = {"kind": layer.kind, "n_in": n_in, "n_out": layer.n_out(n_in)}
        if layer.kind != POOLING:
            of |= {
                "rows": len(layer.weights),
                "weights": int(layer.weights.size),
                "relu": layer.relu,
            }
        if layer.kind == KINDS[1]:
            of |= {"channels": layer.n_channels, "width": layer.width, "stride": layer.stride}
        out.append(of)
        n_in = layer.n_out(n_in)
    return out
