"""Is a board's sensor wired, mounted and timed right? Findings and verdicts, in words that go into
a bug report.

Enters: a port. device_scripts/sensor_probe.py looks, at the raw REPL, also where the detector does
not start for want of its sensor. Leaves: facts, and a verdict with a remedy for each thing that can
be wrong.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from typing import Any

from nearhum import __version__

from ..errors import DeviceError, HostError
from ..serial_line.link import connect
from ..serial_line.repl import stopped
from ..virtual.targets import DEVICE_SCRIPTS
from .findings import FAIL, OK, WARN, Verdict
from .sensor_signal import flow, signal
from .sensor_wiring import wiring
from .upgrade.places import folder_named

MODULE = DEVICE_SCRIPTS / "sensor_probe.py"
SECONDS = 3.0
NATIVE_LEAST = 4096  # as in firmware/nearhum/board.py


def examine(port: str | None, seconds: float = SECONDS) -> dict[str, Any]:
    """Return what the board found, as device_scripts/sensor_probe.py names it, and "port".

    The detector goes on afterwards.

    Raises DeviceError, and HostError where nothing was deployed.
    """
    with connect(port, resume=True) as link:
        try:  # while it watches: a stopped board has let go of its native code
            native_free = link.ask("status").get("native_free")
        except DeviceError:
            native_free = None
        with stopped(link, fresh=True) as repl:
            folder = folder_named(repl)
            if not repl.hashes([f"{folder}/nearhum/board.{kind}" for kind in ("mpy", "py")]):
                raise HostError("nearhum is not on this board", "nearhum deploy --board NAME")
            found_first = f"import nearhum\nnearhum.folder={folder!r}\n"
            if folder:
                found_first = f"import sys\nsys.path.insert(0,{folder!r})\n" + found_first
            said = repl.run(
                found_first + MODULE.read_text(encoding="utf-8") + f"\nmain('/', {seconds})\n"
            )
        found = _parsed(said)
        found["port"], found["native_free"] = link.port, native_free
        try:
            found["start_fault"] = link.resume().get("fault") or ""
            found["resumed"] = True
        except DeviceError as error:
            found["resumed"], found["why_not"] = False, error.message
    return found


def _parsed(said: str) -> dict[str, Any]:
    line = next((line for line in said.splitlines() if line.startswith("doctor {")), None)
    if line is None:
        raise DeviceError(f"the board answered {said[-60:]!r}", "repeat the command")
    return json.loads(line.removeprefix("doctor "))


def verdicts(found: dict[str, Any]) -> list[Verdict]:
    """Return what to think of it, in the order of the data."""
    out = list(wiring(found))
    if "measured" in found:
        out += [*flow(found), *signal(found)]
    return [*out, *_room(found)]


def facts(found: dict[str, Any]) -> dict[str, Any]:
    """Return what stands above the verdicts: versions, board, settings of the sensor."""
    board, config = found["board"], found.get("config", {})
    given = dict(config.get("source", {}))
    return {
        "host": f"nearhum {__version__}, Python {platform.python_version()} on {platform.system()}",
        "board": (
            f"{config.get('board', '?')} on {found.get('port', '?')}, nearhum {board['nearhum']}"
        ),
        "micropython": f"{board['micropython']}, {board['machine']}",
        "clock": f"{board['clock_hz'] / 1e6:.0f} MHz" if board["clock_hz"] else "not known",
        "last reset": board["reset_cause"],
        "signal": "{}, {} channels at {} Hz".format(
            *(config.get(k, "?") for k in ("kind", "n_channels", "rate_hz"))
        ),
        "source": ", ".join(f"{key} {_hex(key, value)}" for key, value in given.items()),
        "chip": f"0x{found['chip']:02x}" if "chip" in found else "not known",
    }


def _hex(key: str, value: Any) -> str:
    return f"0x{value:02x}" if key == "address" and isinstance(value, int) else str(value)


def _room(found: dict[str, Any]) -> Iterator[Verdict]:
    board = found["board"]
    heap = f"{board['mem_free']:,} bytes of heap free with the detector stopped"
    yield Verdict(
        "memory",
        OK if board["mem_free"] > 60_000 else WARN,
        heap,
        "" if board["mem_free"] > 60_000 else "other code takes it?",
    )
    native = found.get("native_free")
    if native is not None:
        yield Verdict(
            "native",
            OK if native >= NATIVE_LEAST else WARN,
            f"{native:,} bytes of executable memory free while it watches",
            "" if native >= NATIVE_LEAST else "restart the board; then do without some settings",
        )
    free = f"{board['flash_free']:,} of {board['flash_size']:,} bytes of flash free"
    enough = board["flash_free"] > 64 * 1024
    yield Verdict(
        "flash",
        OK if enough else WARN,
        free,
        "" if enough else "nearhum pull, then `reset log` at the console",
    )
    if not found.get("resumed", True):
        yield Verdict(
            "detector", FAIL, f"does not start: {found['why_not']}", "put right what is WRONG above"
        )
