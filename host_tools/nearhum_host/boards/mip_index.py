"""An index for `mpremote mip install`: a folder of static files, one package a board.

    mpremote mip install --index http://HOST/ --target / nearhum-rpi_pico

Layout as of micropython.org/pi/v2 (mpremote/mip.py): package/6/NAME/VERSION.json lists (path, short
hash), the contents lie in file/AB/ABCD...; 6 is the version of the .mpy format, which says nothing
of a chip. Native code is bound to one, and settings to a board: hence a package a board, all of
which share the files that are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from nearhum import __version__

from ..errors import HostError
from .board_files import Board
from .upgrade.places import NAMED_PATH, ROOT, in_order, named, with_manifest

MPY_VERSION = 6
HASH_DIGITS = 16


def name_of(board: Board) -> str:
    """Return the name of a board's package."""
    return f"nearhum-{board.name}"


def add(folder: Path, board: Board, files: Mapping[str, bytes]) -> Path:
    """Write the package of a board into an index, beside others; return its latest.json.

    Raises HostError.

    files: {path: contents}. They go to /, main.py and what names that folder last: an install that
    broke off on an empty board starts nothing. One over another is no deploy: the old application
    is not kept meanwhile.
    """
    hashes = []
    contents_by_path = {**with_manifest(files), NAMED_PATH: named(ROOT, None)}
    try:
        for path in in_order(contents_by_path):
            contents = contents_by_path[path]
            short = hashlib.sha256(contents).hexdigest()[:HASH_DIGITS]
            hashes.append([path.lstrip("/"), short])
            _write(folder / "file" / short[:2] / short, contents)
        package = {"v": 1, "version": __version__, "hashes": hashes, "deps": []}
        text = json.dumps(package, indent=1).encode() + b"\n"
        where = folder / "package" / str(MPY_VERSION) / name_of(board)
        for version in (__version__, "latest"):
            _write(where / f"{version}.json", text)
    except OSError as error:
        raise HostError(
            f"cannot write {error.filename}: {error.strerror}", "give --output another folder"
        ) from None
    return where / "latest.json"


def _write(path: Path, contents: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)
