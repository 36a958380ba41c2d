"""Turn the ImportError of an optional package into a message that names the extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import HostError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Raise HostError that names the extra to install if an import in the block fails.

    Missing modules of nearhum itself are defects and keep their traceback.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("nearhum", "nearhum_host"):
            raise
        raise HostError(
            f"{error.name} is not installed", f"pip install 'nearhum[{extra}]'"
        ) from None
