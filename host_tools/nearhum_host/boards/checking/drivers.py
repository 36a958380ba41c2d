"""Where the firmware has its drivers, and what each of them stands on.

Enters: the name of a driver, or a source. Leaves: modules of the firmware by their paths, as
"sources/accelerometers/mpu6050". A driver is a file with a class Source; nothing has to be
registered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...paths import firmware_dir

SOURCES = "sources"
# At the top of a driver: it is loaded with that. What stands inside a function is not.
_IMPORTED = re.compile(r"^from nearhum\.(sources\.[\w.]+) import", re.MULTILINE)
_ON_SPI = "sources/accelerometers/on_spi"


def drivers() -> dict[str, str]:
    """Return {name: path} of all drivers."""
    package = firmware_dir() / "nearhum"
    return {
        source.stem: source.relative_to(package).with_suffix("").as_posix()
        for source in sorted((package / SOURCES).rglob("*.py"))
        if re.search(r"^class Source\b", source.read_text("utf-8"), re.MULTILINE)
    }


def module(name: str) -> str:
    """Return the whole name of a driver's module. Raises ImportError where there is none."""
    try:
        return "nearhum." + drivers()[name].replace("/", ".")
    except KeyError:
        raise ImportError(name) from None


def loaded_by(source: Mapping[str, Any]) -> set[str]:
    """Return the paths of the modules in sources/ that a board with this source loads."""
    known = drivers()
    waiting = [known[source[key]] for key in ("driver", "wraps") if source.get(key) in known]
    out = {_ON_SPI} if "spi" in source else set[str]()
    while waiting:
        path = waiting.pop()
        out.add(path)
        waiting += [other for other in _imported(path) if other not in out]
    return out


def _imported(path: str) -> list[str]:
    text = Path(firmware_dir() / "nearhum" / f"{path}.py").read_text("utf-8")
    return [name.replace(".", "/") for name in _IMPORTED.findall(text)]
