"""Says which extra to install when a package of it is missing, instead of an import error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import HostError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Turn a missing package inside the block into a HostError that names the extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("nearhum", "nearhum_host"):
            raise
        raise HostError(
            f"{error.name} is not installed", f"pip install 'nearhum[{extra}]'"
        ) from None
