"""What a board file says of its sensor, as far as the driver can be asked without one.

Enters: complete settings, and the modules of the firmware. Leaves: faults. A driver stops at the
first thing that it cannot do. To learn what else is wrong, that is put right here and the driver
asked again, until it has come as far as its hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nearhum.errors import ConfigError, SourceError

from ..board_checks import near
from . import sensor_units
from .faults import Faults
from .firmware_code import Reached
from .pins import Absent, Machine

# The driver that wraps another one, and its own keys.
_PACED, _OF_PACED = "paced", ("duty_s", "rest_ms", "sleep", "wraps")
# Replacements for a value that a driver refuses. Every driver accepts one of them.
_INSTEAD = {
    "rate_hz": (100, 200, 1000, 16000, 1, 104, 480, 26667),
    "n_channels": (1, 3, 2),
    "range_g": (4,),
    "duty_s": (86400,),
}
_ROUNDS = 16  # No driver has more keys.
_ANYTHING = (TypeError, AttributeError, LookupError, ArithmeticError)


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


def check(
    config: Mapping[str, Any],
    planned: Callable[[Mapping[str, Any]], None],
    driver: Callable[[str], Any],
    machine: Machine,
    faults: Faults,
) -> None:
    """Add to faults what is wrong with the source of complete settings.

    planned: the firmware's own check of what a driver can do. driver: returns the module of that
    name. machine: what drivers make their pins of.
    """
    source = config["source"]
    named = _Named(source, faults)
    _address(source, named)
    if "names" in source:
        wrong = sensor_units.wrong_names(source["names"], config["n_channels"])
        if wrong:
            faults.add(f"source.names = {source['names']!r:.200}", wrong)
    if source["driver"] == _PACED:
        _reaches(
            lambda some, given: planned({**some, "source": given}), config, dict(source), named
        )
        source = {**source, "driver": source["wraps"]}
        given = _Given(source, _OF_PACED)
    else:
        given = _Given(source, ())
    made = driver(source["driver"]).Source

    def ask(some: dict[str, Any], given: Any) -> None:
        machine.begin()
        made({**some, "source": given})

    with machine.collected(named.pin):
        whole = _reaches(ask, config, given, named)
    for key in given:
        if whole and key not in given.read:
            known = sorted(given.read)
            faults.add(
                f"source.{key}: {source['driver']} has no such key{near(key, known)}",
                "it reads " + ", ".join(known),
            )


class _Named:
    """Names the driver in front of what it says, and what to do in place of what is missing."""

    def __init__(self, source: Mapping[str, Any], faults: Faults) -> None:
        self._source, self._faults = source, faults
        self._name = source.get("wraps", source["driver"])
        self.example = f"boards/README.md has an example for {self._name}"

    def missing(self, key: str) -> None:
        hint = f"add {key} = … to [source]; {self.example}"
        self._faults.add(f"{self._name}: source has no {key!r}", hint)

    def refused(self, wrong: ConfigError) -> None:
        hint = wrong.hint or f"add it to [source]; {self.example}"
        self._faults.add(f"{self._name}: {wrong.message}", hint)

    def pin(self, wrong: ValueError) -> None:
        self._faults.add(
            f"{self._name}: source: {wrong}", getattr(wrong, "hint", "") or self.example
        )

    def anything(self, wrong: Exception) -> None:
        # A text where the driver expects a number.
        hint = f"numbers stand without quotes: sda = 4; {self.example}"
        self._faults.add(f"source = {dict(self._source)!r:.200}: {wrong}", hint)


def _reaches(
    ask: Callable[[dict[str, Any], Any], Any], config: Mapping[str, Any], given: Any, named: _Named
) -> bool:
    """Ask a driver until it is content, or has come as far as its hardware; returns whether it has.

    What it refuses is noted, and replaced in config and given.
    """
    config, tried = dict(config), dict[str, int]()
    for i in range(_ROUNDS):
        absent = any(isinstance(value, Absent) for value in given.values())
        try:
            ask(config, given)
        except (Reached, SourceError):  # SourceError: the simulated sensor does not answer.
            return True
        except KeyError as missing:
            key = str(missing.args[0])
            named.missing(key)
            given[key] = Absent(-1 - i)
        except ConfigError as wrong:
            key = wrong.message.partition(" = ")[0]
            without = wrong.message.removeprefix("source has no ")
            if without != wrong.message:
                named.missing(without.strip("'"))
                given[without.strip("'")] = Absent(-1 - i)
                continue
            others = _INSTEAD.get(key, ())
            if key not in tried and (others or not absent):
                named.refused(wrong)
            at = tried[key] = tried.get(key, -1) + 1
            if at == len(others):
                return False
            (given if key in given else config)[key] = others[at]
        except ValueError as wrong:
            if not absent:
                named.pin(wrong)
            return False
        except _ANYTHING as wrong:
            if not absent:
                named.anything(wrong)
            return False
        else:
            return True
    return False


def _address(source: Mapping[str, Any], named: _Named) -> None:
    """Check an address of I2C: seven bits, without those that the bus keeps for itself."""
    address = source.get("address", 0x08)
    if "spi" in source or isinstance(address, int) and 0x08 <= address <= 0x77:
        return
    shown = f"0x{address:02x}" if isinstance(address, int) else repr(address)
    hint = "from 0x08 to 0x77"
    if isinstance(address, int) and 0x08 <= address >> 1 <= 0x77 and address <= 0xFF:
        hint += f"; an 8-bit address of a data sheet is twice it: 0x{address >> 1:02x}"
    named.refused(ConfigError(f"address = {shown}", hint))
