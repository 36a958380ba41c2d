"""The MicroPython unix port that runs the firmware on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ..errors import HostError

ENVIRONMENT = "NEARHUM_MICROPYTHON"


def interpreter() -> str:
    """Return the MicroPython unix port: NEARHUM_MICROPYTHON, or else the one installed with
    nearhum.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        found = shutil.which(named)
        if found is None:
            raise HostError(
                f"{ENVIRONMENT} is {named!r}, which cannot be run", "give the path of a micropython"
            )
        return found
    beside = str(Path(sys.executable).parent)
    found = shutil.which("micropython", path=beside) or shutil.which("micropython")
    if found is None:
        raise HostError(
            "there is no micropython to run the firmware with",
            f"its wheel exists for Linux x86-64, or set {ENVIRONMENT} to a unix port",
        )
    return found
