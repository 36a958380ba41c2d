"""Does a board compute what it should? Every stage on made inputs, against the hashes of
device_scripts/stage_hashes.json.

The hashes were made by the same code under the unix port (tests/vectors/make.py), and the tests
hold that against an independent reference: so a stage that differs is the board's, its firmware's
or its copy's.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ..errors import HostError
from ..virtual.targets import DEVICE_SCRIPTS, Target, open_target
from .board_files import Board

MODULE, VECTORS = DEVICE_SCRIPTS / "stage_hashes.py", DEVICE_SCRIPTS / "stage_hashes.json"
MAGIC, VERSION = "nearhum selftest", 1
TIMEOUT_S = 1800


def selftest(
    target: str | None, uf2: Path | None = None, board: Board | None = None
) -> dict[str, Any]:
    """Return {"ok", "first":

    name of the first stage that differs or None, "stages": [{"name", "found", "wanted"}]}.

    target, board: as targets.open_target. Stages are in the order of the data. Raises HostError,
    UsageError.
    """
    wanted = load(VECTORS)
    with open_target(target, (MODULE,), uf2, TIMEOUT_S, board) as there:
        found = crcs(run(there))
    stages = [
        {"name": name, "found": found.get(name), "wanted": crc} for name, crc in wanted.items()
    ]
    first = next((stage["name"] for stage in stages if stage["found"] != stage["wanted"]), None)
    return {"ok": first is None, "first": first, "stages": stages}


def run(there: Target) -> str:
    """Return what the stages print there."""
    return there.run(f"import stage_hashes\nstage_hashes.main({there.root!r})\n")


def crcs(said: str) -> dict[str, str]:
    """Return {stage: CRC-32 in hex} of what was printed."""
    lines = [line.split() for line in said.splitlines() if line.startswith("selftest ")]
    return {words[1]: words[2] for words in lines if len(words) > 2}


def sealed(stages: dict[str, str]) -> str:
    """Return the text of a vectors file."""
    return (
        json.dumps(
            {"magic": MAGIC, "version": VERSION, "sha256": _hash(stages), "stages": stages},
            indent=1,
        )
        + "\n"
    )


def load(path: Path) -> dict[str, str]:
    """Return {stage: CRC-32 in hex} of a vectors file.

    Raises HostError where it is none, or damaged.
    """
    hint = "install nearhum again; in a checkout, `python tests/vectors/make.py` makes it"
    try:
        vectors = json.loads(path.read_text(encoding="utf-8"))
        kind = vectors["magic"], vectors["version"]
        stages, sha256 = vectors["stages"], vectors["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise HostError(f"{path} cannot be read", hint) from None
    if kind != (MAGIC, VERSION):
        raise HostError(
            f"{path} is {kind[0]!r} of version {kind[1]!r}, not {MAGIC!r} of version {VERSION}",
            hint,
        )
    if sha256 != _hash(stages):
        raise HostError(f"{path} is damaged: its hash is another", hint)
    return stages


def _hash(stages: dict[str, str]) -> str:
    return hashlib.sha256(
        "".join(f"{name} {crc}\n" for name, crc in stages.items()).encode()
    ).hexdigest()
