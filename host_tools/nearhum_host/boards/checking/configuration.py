"""Whether a board can start with a configuration, asked before it has it.

Enters: the settings of a board file, with what is laid over them. Leaves: the complete settings, or
a UsageError that names setting, value, what is allowed and what may have been meant. It is the
firmware's own check that runs here (console/checks.py), then its driver, up to where it would touch
the sensor: so a rate, a range, a pin, and a key that no driver reads are told without a board.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from nearhum import config as settings
from nearhum.errors import ConfigError
from nearhum.settings import SETTINGS, SOURCE

from ...errors import UsageError
from ...paths import firmware_dir
from ..board_checks import near
from . import drivers, sensor_source
from .faults import Faults
from .firmware_code import FirmwareCode, reached
from .pins import Machine

_OF_SENSORS = ("kind", "rate_hz", "n_channels", "n_window")  # what drivers look at
_OF_SPECTRA = ("push", "replay")  # drivers that deliver what was computed elsewhere
_UNKNOWN = "no setting is called "


def completed(config: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return the settings with the firmware's defaults for what is not given.

    where: the file that they stand in. Raises UsageError.
    """
    faults = Faults(where)
    whole = _filled(config, faults, where)
    faults.tell()
    return whole


def _filled(config: Mapping[str, Any], faults: Faults, where: str) -> dict[str, Any]:
    """Return the settings with defaults for what is not given or cannot be, which is told."""
    alone = {name: value for name, value in config.items() if _is_sound(name, value, faults)}
    try:
        whole = settings.filled(alone)
    except ConfigError as wrong:  # of its source
        message, hint = _in_words(wrong)
        raise UsageError((f"{where}: " if where else "") + message, hint=hint) from None
    if not faults:
        for wrong in settings.together(whole):
            faults.add(*wrong)
    return whole


def check(
    config: Mapping[str, Any], chip: str = "", port: str = "unix", where: str = ""
) -> dict[str, Any]:
    """Return the complete settings, which a board of that chip and port can start with.

    chip: "" for one whose pins are not known, as the virtual board's. where: the file that they
    stand in. Raises UsageError.
    """
    faults = Faults(where)
    machine = Machine("" if port == "unix" else chip)
    code = FirmwareCode(machine, port, chip.upper())

    def module(name: str) -> Any:
        return code.load(drivers.module(name))

    board = SimpleNamespace(open_source=reached, driver=lambda name: module(name).Source)
    code.stand_in("nearhum.board", board)
    checks = code.load("nearhum.console.checks")
    whole = _filled(config, faults, where)
    source = whole["source"]
    if not faults:
        with _of_firmware(faults):
            checks.features(whole)
    of_alarm = Machine("" if port == "unix" else chip)
    checks.check_pin = lambda name: of_alarm.Pin(name, of_alarm.Pin.OUT)
    with _of_firmware(faults), contextlib.suppress(TypeError):  # pins that are none: told below
        checks.alarm(whole)
    asked = [source[key] for key in ("driver", "wraps") if key in source]
    unknown = [name for name in asked if not _is_driver(name, code, chip or port, faults)]
    driver = source.get("wraps", source["driver"])
    if whole["bin_hz"] and not unknown and driver not in _OF_SPECTRA:
        faults.add(
            f"bin_hz = {whole['bin_hz']:g}, as kind 'spectra' has it: {driver} delivers samples in"
            " time, no spectra",
            f"another kind; the drivers {' and '.join(_OF_SPECTRA)} bring spectra from elsewhere",
        )
    if not unknown and all(config.get(name, whole[name]) == whole[name] for name in _OF_SENSORS):
        sensor_source.check(whole, checks.sensor, module, machine, faults)
    faults.tell()
    return whole


def _is_sound(name: str, value: Any, faults: Faults) -> bool:
    """Say whether a setting may be that, seen alone; add to faults where not."""
    try:
        if name != SOURCE:
            settings.check(name, value)
    except ConfigError as wrong:
        faults.add(*_in_words(wrong))
        return False
    return True


def _is_driver(name: Any, code: FirmwareCode, chip: str, faults: Faults) -> bool:
    known = sorted(drivers.drivers())
    if name not in known:
        faults.add(f"driver = {name!r}{near(name, known)}", "one of " + ", ".join(known))
        return False
    try:
        code.load(drivers.module(name))
    except ImportError:
        faults.add(f"driver = {name!r} on {chip}", "another driver")
        return False
    except ConfigError as wrong:
        faults.add(*_in_words(wrong))
        return False
    return True


@contextlib.contextmanager
def _of_firmware(faults: Faults) -> Iterator[None]:
    try:
        yield
    except ConfigError as wrong:
        faults.add(*_in_words(wrong))


def _in_words(wrong: ConfigError) -> tuple[str, str]:
    hint = wrong.hint
    if wrong.message.startswith(_UNKNOWN):
        hint = _like(wrong.message.removeprefix(_UNKNOWN).strip("'"))
    return wrong.message + meant(wrong.message), hint


def _like(name: str) -> str:
    """Say which settings have a name like that one, and where all of them stand."""
    table = f"{firmware_dir() / 'nearhum' / 'settings.py'} has all settings, with their ranges"
    like = difflib.get_close_matches(name[:64], list(SETTINGS), n=4, cutoff=0.4)
    return f"settings with a name like it: {', '.join(like)}; {table}" if like else table


def meant(message: str) -> str:
    """Return what an unknown setting may have been meant for, "" where it is another error."""
    if not message.startswith(_UNKNOWN):
        return ""
    return near(message.removeprefix(_UNKNOWN).strip("'"), list(SETTINGS))


def setting(text: str) -> tuple[str, Any]:
    """Return name and value of `KEY=VALUE`, as a board would take it. Raises UsageError."""
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"{text!r} is no setting", hint="KEY=VALUE, for example smooth=256")
    try:
        return name, settings.parse(name, value)
    except ConfigError as wrong:
        raise UsageError(wrong.message + meant(wrong.message), hint=wrong.hint) from None
