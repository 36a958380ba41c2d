"""A head on its way to a board: out of its file, without the card, checked against the board's
settings.

Enters: a head file (heads/card.py), settings, a key. Leaves: the bytes that the board reads. Needs
no array library, so that a deploy does not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nearhum import wire
from nearhum.errors import FormatError
from nearhum.storage import signing

from ..errors import HostError, UsageError
from . import keys
from .checking.configuration import completed

ON_BOARD = "/nearhum/head.nhh"  # A file of the application: a deploy without a head removes it.
# Settings that change the features, and so the input of a head.
FEATURES = (
    "kind", "rate_hz", "n_channels", "n_subcarriers", "n_window", "n_hop", "bin_hz", "mean",
    "n_range", "statistics", "n_bands", "level", "spacing", "f_low_hz", "f_high_hz",
    "n_envelope_bands", "envelope_low_hz", "envelope_high_hz", "envelope_top_hz", "recognise",
)  # fmt: skip


def for_board(file: Path, config: Mapping[str, Any], key: bytes | None) -> bytes:
    """Return the network in a head file as a board with these settings, and that key or none, takes
    it.

    Raises UsageError where there is no file, or its card says that it was trained for other
    features; HostError where it is damaged, or not signed by a key that is here.
    """
    try:
        image = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {file}: {error.strerror}", hint="`nearhum train` makes a head"
        ) from None
    end = wire.ENVELOPE_BYTES + int.from_bytes(image[12:16], "little") + 4
    network, rest = image[:end], image[end:]
    card = signing.behind(rest)
    try:
        wire.unseal(wire.HEAD_MAGIC, network, str(file))
        told = json.loads(card[wire.ENVELOPE_BYTES : -4]) if card else {}
    except FormatError as wrong:
        raise HostError(wrong.message, wrong.hint) from None
    except ValueError:
        raise HostError(f"the card of {file} is not JSON", "train or copy the head again") from None
    trained, settings = told.get("settings", {}), completed(config)
    for name in FEATURES:
        if name in trained and trained[name] != settings[name]:
            raise UsageError(
                f"{file} was trained with {name} = {trained[name]!r}, the board has"
                f" {settings[name]!r}",
                hint="train it with --board, or set the board as the head needs it",
            )
    trailer = rest[: len(rest) - len(card)]
    return keys.signed_for(network + trailer, key, str(file))
