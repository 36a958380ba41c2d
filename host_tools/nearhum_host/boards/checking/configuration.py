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
from nearhum.errors import ConfigError, SourceError
from nearhum.settings import SETTINGS

from ...errors import UsageError
from ...paths import firmware_dir
from ..board_checks import near
from . import sensor_units
from .firmware_code import FirmwareCode, Reached, reached
from .pins import Machine

# the driver that wraps another, and its own keys
_PACED, _OF_PACED = "paced", ("duty_s", "rest_ms", "sleep", "wraps")
_ANYTHING = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
_UNKNOWN = "no setting is called "


def completed(config: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return the settings with the firmware's defaults for what is not given.

    where: the file that they stand in. Raises UsageError.
    """
    try:
        return settings.complete(config)
    except ConfigError as wrong:
        raise _refused(wrong, where) from None


def check(
    config: Mapping[str, Any], chip: str = "", port: str = "unix", where: str = ""
) -> dict[str, Any]:
    """Return the complete settings, which a board of that chip and port can start with.

    chip: "" for one whose pins are not known, as the virtual board's. where: the file that they
    stand in. Raises UsageError.
    """
    whole = completed(config, where)
    machine = Machine("" if port == "unix" else chip)
    code = FirmwareCode(machine, port, chip.upper())

    def driver(name: str) -> Any:
        known = _drivers()
        if name not in known:
            raise ConfigError(f"driver = {name!r}{near(name, known)}", "one of " + ", ".join(known))
        try:
            return code.load(f"nearhum.sources.{name}")
        except ImportError:
            raise ConfigError(f"driver = {name!r} on {chip or port}", "another driver") from None

    code.stand_in("nearhum.board", SimpleNamespace(open_source=reached))
    checks = code.load("nearhum.console.checks")
    checks.check_pin = lambda name: machine.Pin(name, machine.Pin.OUT)
    planned, checks.sensor = checks.sensor, lambda config: None
    source = whole["source"]
    try:
        for key in ("driver", "wraps"):
            if key in source:
                driver(source[key])
        checks.whole(whole, lambda path: None)
        with _of_driver(source):
            checks.sensor = planned
            planned(whole)
            _address(source)
        _sensor(whole, driver)
        _names(whole)
    except ConfigError as wrong:
        raise _refused(wrong, where) from None
    except _ANYTHING as wrong:  # a text where the driver wants a number
        hint = f"numbers stand without quotes: sda = 4; {_example(source)}"
        raise _refused(ConfigError(f"source = {source!r:.200}: {wrong}", hint), where) from None
    return whole


def _refused(wrong: ConfigError, where: str) -> UsageError:
    hint = wrong.hint
    if wrong.message.startswith(_UNKNOWN):
        hint = _like(wrong.message.removeprefix(_UNKNOWN).strip("'"))
    return UsageError(
        (f"{where}: " if where else "") + wrong.message + meant(wrong.message), hint=hint
    )


def _like(name: str) -> str:
    """Say which settings have a name like that one, and where all of them stand."""
    table = f"{firmware_dir() / 'nearhum' / 'settings.py'} has all settings, with their ranges"
    like = difflib.get_close_matches(name[:64], list(SETTINGS), n=4, cutoff=0.4)
    return f"settings with a name like it: {', '.join(like)}; {table}" if like else table


def _example(source: Mapping[str, Any]) -> str:
    return f"boards/README.md has an example for {source.get('wraps', source['driver'])}"


@contextlib.contextmanager
def _of_driver(source: Mapping[str, Any]) -> Iterator[None]:
    """Name the driver in front of what it says, and what to do in place of what is missing."""
    name = source.get("wraps", source["driver"])
    try:
        yield
    except KeyError as missing:
        key = missing.args[0]
        raise ConfigError(
            f"{name}: source has no {key!r}", f"add {key} = … to [source]; {_example(source)}"
        ) from None
    except ConfigError as wrong:
        hint = wrong.hint or f"add it to [source]; {_example(source)}"
        raise ConfigError(f"{name}: {wrong.message}", hint) from None
    except ValueError as wrong:
        hint = getattr(wrong, "hint", _example(source))
        raise ConfigError(f"{name}: source: {wrong}", hint) from None


def _address(source: Mapping[str, Any]) -> None:
    """Check an address of I2C: seven bits, without those that the bus keeps for itself."""
    address = source.get("address", 0x08)
    if "spi" in source or isinstance(address, int) and 0x08 <= address <= 0x77:
        return
    shown = f"0x{address:02x}" if isinstance(address, int) else repr(address)
    hint = "from 0x08 to 0x77"
    if isinstance(address, int) and 0x08 <= address >> 1 <= 0x77 and address <= 0xFF:
        hint += f"; an 8-bit address of a data sheet is twice it: 0x{address >> 1:02x}"
    raise ConfigError(f"address = {shown}", hint)


def _names(config: Mapping[str, Any]) -> None:
    """Check what the channels are called, where the source says it."""
    if "names" in config["source"]:
        given = config["source"]["names"]
        wrong = sensor_units.wrong_names(given, config["n_channels"])
        if wrong:
            raise ConfigError(f"source.names = {given!r:.200}", wrong)


def _drivers() -> list[str]:
    helpers = ("__init__", "registers", "recording", "on_spi")
    folder = firmware_dir() / "nearhum" / "sources"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in helpers)


class _Given(dict[str, Any]):
    """What a board file says of its source, and which keys of it were read."""

    def __init__(self, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
        super().__init__(given)
        self.read = {"driver", "names", *known}  # names: for people, the host reads them

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


def _sensor(config: dict[str, Any], driver: Any) -> None:
    """Let the driver go as far as it does without a sensor. Raises ConfigError."""
    source, known = config["source"], ()
    if source["driver"] == _PACED:
        source, known = {**source, "driver": source["wraps"]}, _OF_PACED
    given = _Given(source, known)
    # Reached, or a sensor that does not answer: nothing is wrong with the settings.
    with _of_driver(source), contextlib.suppress(Reached, SourceError):
        driver(source["driver"]).Source({**config, "source": given})
    for key in given:
        if key not in given.read:
            known = sorted(given.read)
            raise ConfigError(
                f"source.{key}: {source['driver']} has no such key{near(key, known)}",
                "it reads " + ", ".join(known),
            )


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
