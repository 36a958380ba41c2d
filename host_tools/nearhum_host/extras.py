"""Turn the ImportError of an optional package into a message that names the extra to install."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import HostError


def install_line(what: str) -> str:
    """Return the command that installs a package beside this nearhum.

    The `pip` on the PATH is another environment's if nearhum was installed by pipx or `make demo`.
    uv makes environments without pip.
    """
    if importlib.util.find_spec("pip") is None:
        return f"uv pip install --python {sys.executable} '{what}'"
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent == Path(sys.executable).parent:
        return f"pip install '{what}'"
    return f"{sys.executable} -m pip install '{what}'"


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
            f"{error.name} is not installed", install_line(f"nearhum[{extra}]")
        ) from None
