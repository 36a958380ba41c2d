"""What `deploy` gives a virtual board that stands in for a real one.

Enters: the board file of the real one, and what the virtual board says of itself. Leaves: the
application as this machine can run it: code for x64, the sensor or the recording that the virtual
board has in place of the board's own, and, where its chip keeps native code in a memory of its own,
a table of what that chip's code would take there (device/virtual_executable.py charges it).
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
TABLE = "/nearhum/native.json"  # device/virtual_executable.py reads it
RECORDING = "replay.nhr"  # on its card
# Drivers that need nothing of the machine they run on.
_WITHOUT_HARDWARE = ("replay", "push")
# What a virtual board's buses take; the pins are a Pico's, and mean nothing here.
_I2C = {"i2c": 0, "sda": 4, "scl": 5, "freq_hz": 400_000}
_SPI = {"spi": 0, "sck": 18, "mosi": 19, "miso": 16}


@dataclass(frozen=True)
class About:
    """What a virtual board says of itself: its chip, whether a recording is on its card, and the
    sources that its sensors are. plays: (channels, samples a second) of the recording, where known.
    """

    chip: Chip
    has_recording: bool
    sensors: tuple[dict[str, Any], ...]
    plays: tuple[int, float] | None = None


def about(said: Mapping[str, Any]) -> About:
    """Return what a virtual board's answer means. Raises DeviceError where it means nothing."""
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
    """Return what the header of a recording says, None where it says nothing: the board tells."""
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
    """Return what deployment.deploy asks where a virtual board answers.

    make: returns the application of a board, complete. tell: gets what is different from the board.
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
            table = native_table(make(own))  # and refused here where it has no room for all of it
            # compiled as for the chip, with nothing native but viper; how much x64 makes of that is
            # nobody's concern
            stands_in = replace(stands_in, native_bytes=sys.maxsize)
        out = make(stands_in)
        _check_plays(board, out, there.plays)
        return {**out, TABLE: table} if table else out

    return files


def native_table(files: Files) -> bytes:
    """Return {path of a module, without its first /: the sizes of its native functions}, as JSON.

    files: the application as the chip itself would get it.
    """
    sizes = {
        path.lstrip("/"): native_bytes(contents)
        for path, contents in files.items()
        if path.startswith("/nearhum/") and path.endswith(".mpy")
    }
    return json.dumps({path: n for path, n in sizes.items() if n}, separators=(",", ":")).encode()


def adapted(board: Board, there: About) -> Board:
    """Return the board as it can be here: code for this machine, and a source that it has.

    Its own driver stays where the virtual board has that sensor, or where it needs none. Raises
    UsageError where nothing can take its place.
    """
    source = _source_here(board.source, there)
    return replace(board, mpy_arch=ARCH, port="unix", source=source, native_bytes=None)


def _check_plays(board: Board, files: Files, plays: tuple[int, float] | None) -> None:
    """Raise UsageError where a recording is not what the settings, complete, say of its sensor."""
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
    wrapped = "wraps" in own  # a driver that rests between two looks at another
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
        return own  # the board tells that its recording is missing
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
    """Return the source key of a board file for a sensor as sensors.described gives it."""
    if "spi" in sensor:
        return {"driver": sensor["chip"], **_SPI, "spi": sensor["spi"], "cs": sensor["cs"]}
    return {
        "driver": sensor["chip"],
        **_I2C,
        "i2c": sensor["i2c"],
        "address": sensor["address"],
    }


def _in_words(source: dict[str, Any]) -> str:
    driver = source.get("wraps", source["driver"])
    return f"the recording {source['path']}" if driver == "replay" else str(driver)
