"""Where firmware and board files lie: the checkout's when running from one, else those the
wheel carries.
"""

from pathlib import Path

from .errors import HostError

_PACKAGE = Path(__file__).resolve().parent


def _carried_or_checkout(folder: str, witness: str) -> Path:
    """Return the folder that holds witness, the checkout's first, so that an edit is used at
    once.
    """
    checkout = _PACKAGE.parents[1]
    # The witness alone is not enough: site-packages may have a "boards" folder of somebody else's.
    if (checkout / "pyproject.toml").is_file() and (checkout / folder / witness).exists():
        return checkout / folder
    carried = _PACKAGE / "carried" / folder
    if (carried / witness).exists():
        return carried
    raise HostError(f"this installation carries no {folder} folder", hint="install nearhum again")


def firmware_dir() -> Path:
    """Return the folder with main.py and the nearhum package that runs on the board."""
    return _carried_or_checkout("firmware", "nearhum")


def boards_dir() -> Path:
    """Return the folder with one <board>.toml for each known board."""
    return _carried_or_checkout("boards", "virtual.toml")
