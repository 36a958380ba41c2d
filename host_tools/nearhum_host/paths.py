"""The folders of the firmware and the board files: the checkout's, or those inside the wheel."""

from pathlib import Path

from .errors import HostError

_PACKAGE = Path(__file__).resolve().parent


def _carried_or_checkout(folder: str, witness: str) -> Path:
    """Return the folder that holds witness.

    A checkout comes first, so that an edit takes effect at once. Raises HostError if there is none.
    """
    checkout = _PACKAGE.parents[1]
    # The witness alone is not enough: site-packages may hold a "boards" folder of another package.
    if (checkout / "pyproject.toml").is_file() and (checkout / folder / witness).exists():
        return checkout / folder
    carried = _PACKAGE / "carried" / folder
    if (carried / witness).exists():
        return carried
    raise HostError(f"this installation carries no {folder} folder", hint="install nearhum again")


def firmware_dir() -> Path:
    """Return the folder of main.py and the package nearhum, which run on the board."""
    return _carried_or_checkout("firmware", "nearhum")


def boards_dir() -> Path:
    """Return the folder of the board files, one <board>.toml for each known board."""
    return _carried_or_checkout("boards", "virtual.toml")
