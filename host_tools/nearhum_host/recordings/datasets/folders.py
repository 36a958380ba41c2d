"""Find the evaluation recordings.

Enters: the recordings' folder (--data or NEARHUM_DATA). README.md lists its contents, sources and
licences. Leaves: the folder of one set, and its files in natural order.
"""

import os
from pathlib import Path

from ...errors import HostError

ENVIRONMENT = "NEARHUM_DATA"


def folder(given: Path | None, name: str) -> Path:
    """Return the folder of the set called name, below given or NEARHUM_DATA.

    Raises HostError if absent.
    """
    text = str(given) if given is not None else os.environ.get(ENVIRONMENT, "")
    if not text:
        raise HostError(
            "no folder of evaluation recordings was named",
            f"give it with --data DIR, or set {ENVIRONMENT}; the README says what it holds",
        )
    found = Path(text) / name
    if not found.is_dir():
        raise HostError(
            f"there is no folder {found}",
            f"--data or {ENVIRONMENT} names the folder that contains {name}/",
        )
    return found


def files_of(root: Path, pattern: str) -> list[Path]:
    """Return the files of root that match, by name, numbers by value."""

    def natural(path: Path) -> list[tuple[int, str]]:
        return [
            (int(part), "") if part.isdecimal() else (-1, part)
            for part in path.relative_to(root).as_posix().replace(".", "/").split("/")
        ]

    found = sorted(root.glob(pattern), key=natural)
    if not found:
        raise HostError(f"{root} holds no {pattern}", "is it the folder that the README describes?")
    return found
