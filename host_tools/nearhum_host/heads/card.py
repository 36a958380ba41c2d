"""The file of a head: the network as a board loads it, and behind it a model card that no board
reads.

    network   sealed as nearhum.wire has it (magic NHH1): what the board reads, and where it stops
    trailer   of a signed head, see nearhum.storage.signing: over the network
    card      sealed likewise (magic NHC1, the network's fingerprint): UTF-8 JSON, keys sorted

The card says what the head was trained on, with which settings and versions, its layers, its
figures, and the sha256 of the network. The same recordings and versions give the same bytes.
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
    """network: bytes of the part that a board reads. layers: its weights as whole numbers.
    card: {} for none.
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
    """Return what is in a head file.

    Raises HostError where it is damaged, or its card is another network's.
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
    """Return what is in the head file at path. Raises HostError."""
    try:
        return unpack(path.read_bytes(), str(path))
    except OSError as error:
        raise HostError(
            f"cannot read {path}: {error.strerror}", "name a head file, such as head.nhh"
        ) from None


def write(path: Path, head: bytes) -> None:
    """Write a head file. Raises HostError."""
    try:
        path.write_bytes(head)
    except OSError as error:
        raise HostError(
            f"cannot write {path}: {error.strerror}", "name another place with --out"
        ) from None


def shapes(n_in: int, layers: list[Layer]) -> list[dict[str, Any]]:
    """Return for each layer what the card says of it: kind, values in and out, rows, weights,
    rectified or not.
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
