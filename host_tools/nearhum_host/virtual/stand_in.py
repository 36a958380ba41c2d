"""Adapt the application for a virtual board that stands in for a real one.

Enters: the real board's file, and what the virtual board reports about itself. Leaves: the files to
deploy. They differ from the real board's in three points:

1. Code is compiled for x64.
2. The source is the virtual board's sensor or recording, in place of the real board's sensor.
3. If the chip has a separate memory for native code, a table states how much of it each module
   takes on that chip. device/virtual_executable.py accounts for it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nearhum.config import frame_values
from nearhum.errors import FormatError
from nearhum.sources.recording import unpack_recording_header

from ..boards import board_files
from ..boards.application import CONFIG_PATH
from ..boards.board_files import Board
from ..boards.checking import configuration
from ..boards.memory_plan import native_bytes
from ..errors import DeviceError, UsageError
from . import sensors
from .chips import CHIPS, Chip, chip_named

Files = dict[str, bytes]
ARCH = "x64"
TABLE = "/nearhum/native.json"  # device/virtual_executable.py reads it.
RECORDING = "replay.nhr"  # On the SD card.
# Drivers that need no hardware.
_WITHOUT_HARDWARE = ("replay", "push")
# Settings of a virtual board's buses. The pins are a Pico's and have no meaning here.
_I2C = {"i2c": 0, "sda": 4, "scl": 5, "freq_hz": 400_000}
_SPI = {"spi": 0, "sck": 18, "mosi": 19, "miso": 16}


@dataclass(frozen=True)
class About:
    """What a virtual board reports about itself.

    has_recording: whether a recording is on its card. sensors: as source settings of a board file.
    plays: (channels, rate in Hz) of the recording, if known.
    """

    chip: Chip
    has_recording: bool
    sensors: tuple[dict[str, Any], ...]
    plays: tuple[int, float] | None = None


def about(said: Mapping[str, Any]) -> About:
    """Read a virtual board's report about itself. Raises DeviceError if it is not valid."""
    try:
        chip, card = said["chip"], said["card"]
        found = [sensors.checked(one) for one in said["sensors"]]
        known = chip in CHIPS and isinstance(card, list)
    except (KeyError, TypeError, ValueError):
        known = False
    if not known:
        raise DeviceError(
            f"a virtual board that says of itself {str(said)[:60]!r}",
            hint="is it of this version of nearhum? start it again: `nearhum virtual`",
        )
    sources = tuple(_source(one) for one in found)
    return About(chip_named(chip), RECORDING in card, sources, _plays(said.get("header")))


def _plays(header: Any) -> tuple[int, float] | None:
    """Return (channels, rate in Hz) of a recording's header, or None if it is not valid.

    The board reports the error itself when it opens the recording.
    """
    if not isinstance(header, list):
        return None
    try:
        n_channels, _, rate_mhz, _ = unpack_recording_header(bytes(header))
    except (FormatError, TypeError, ValueError):
        return None
    return n_channels, rate_mhz / 1000


def maker(
    board: Board, make: Callable[[Board], Files], tell: Callable[[str], None] = lambda text: None
) -> Callable[[Mapping[str, Any]], Files]:
    """Return the function that deployment.deploy calls if a virtual board answers.

    It takes the board's report and returns the files to deploy.

    make: returns all files of the application for a board. tell: called with each difference from
    the real board, for the user.
    """

    def files(said: Mapping[str, Any]) -> Files:
        there = about(said)
        stands_in = adapted(board, there)
        chip = there.chip
        if board.chip != chip.name:
            tell(
                f"{board.name} has the chip {board.chip}, this virtual board has {chip.name}"
                " (nearhum virtual --chip)"
            )
        if stands_in.source != board.source:
            tell(f"its sensor here: {_in_words(stands_in.source)}")
        table = b""
        if chip.executable_bytes:
            of_chip = board_files.load(chip.board)
            own = replace(
                stands_in,
                chip=of_chip.chip,
                mpy_arch=of_chip.mpy_arch,
                native_bytes=of_chip.native_bytes,
            )
            # Compile for the real chip, for the sizes. This fails if the chip has too little room.
            table = native_table(make(own))
            # The size of x64 code does not matter: allow any.
            stands_in = replace(stands_in, native_bytes=sys.maxsize)
        out = make(stands_in)
        _check_plays(board, out, there.plays)
        return {**out, TABLE: table} if table else out

    return files


def native_table(files: Files) -> bytes:
    """Return {path of a module, without its first /: sizes of its native functions in bytes}.

    files: the application as compiled for the chip. The result is JSON.
    """
    sizes = {
        path.lstrip("/"): native_bytes(contents)
        for path, contents in files.items()
        if path.startswith("/nearhum/") and path.endswith(".mpy")
    }
    return json.dumps({path: n for path, n in sizes.items() if n}, separators=(",", ":")).encode()


def adapted(board: Board, there: About) -> Board:
    """Return the board with code for this machine, and a source that the virtual board has.

    The driver is kept if the virtual board has that sensor, or if it needs no hardware. Raises
    UsageError if the virtual board has nothing to replace it.
    """
    source = _source_here(board.source, there)
    return replace(board, mpy_arch=ARCH, port="unix", source=source, native_bytes=None)


def _check_plays(board: Board, files: Files, plays: tuple[int, float] | None) -> None:
    """Raise UsageError if a recording's channels and rate differ from the settings."""
    config = json.loads(files[CONFIG_PATH].partition(b"\n#")[0])
    if plays is None or config["source"].get("path") != f"/sd/{RECORDING}":
        return
    whole = configuration.completed(config, board.file)
    own = frame_values(whole), float(whole["rate_hz"])
    if plays[0] == own[0] and round(plays[1] * 1000) == round(own[1] * 1000):
        return
    raise UsageError(
        f"{board.file or board.name} says {own[0]} x {own[1]:g} Hz, and the recording that this"
        f" virtual board plays has {plays[0]} x {plays[1]:g} Hz",
        hint="deploy the board file that `nearhum virtual --replay FILE` has written",
    )


def _source_here(own: dict[str, Any], there: About) -> dict[str, Any]:
    wrapped = "wraps" in own  # A driver that rests between measurements of another driver.
    driver = own["wraps"] if wrapped else own["driver"]
    played = f"/sd/{RECORDING}"
    same = [sensor for sensor in there.sensors if sensor["driver"] == driver]
    if driver in _WITHOUT_HARDWARE and not (own.get("path") == played and not there.has_recording):
        return own
    if same:
        found = same[0]
    elif there.has_recording:
        found = {"driver": "replay", "path": played}
    elif there.sensors:
        found = there.sensors[0]
    elif driver in _WITHOUT_HARDWARE:
        return own  # The board will report that its recording is missing.
    else:
        raise UsageError(
            f"this virtual board has neither a sensor nor a recording in place of {driver!r}",
            hint="start it with one: nearhum virtual --sensor mpu6050, or --replay FILE",
        )
    if found["driver"] in sensors.ADDRESSES and driver in sensors.ADDRESSES:
        found = {**({"range_g": own["range_g"]} if "range_g" in own else {}), **found}
    if wrapped:
        kept = {key: own[key] for key in ("driver", "duty_s", "rest_ms", "sleep") if key in own}
        found = {**found, "wraps": found["driver"], **kept}
    return {**found, **({"names": own["names"]} if "names" in own else {})}


def _source(sensor: dict[str, Any]) -> dict[str, Any]:
    """Return the source settings of a board file for a sensor. sensor: of sensors.described."""
    if "spi" in sensor:
        return {
            "driver": sensors.driver_of(sensor["chip"]),
            **_SPI,
            "spi": sensor["spi"],
            "cs": sensor["cs"],
        }
    return {
        "driver": sensors.driver_of(sensor["chip"]),
        **_I2C,
        "i2c": sensor["i2c"],
        "address": sensor["address"],
    }


def _in_words(source: dict[str, Any]) -> str:
    driver = source.get("wraps", source["driver"])
    return f"the recording {source['path']}" if driver == "replay" else str(driver)
