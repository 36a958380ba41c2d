"""Which pins a chip has, and for what: a stand-in for the `machine` of its port.

Enters: a chip of flashing.chips. Leaves: classes that a driver makes as on a board; what the port
would refuse raises ValueError with the pins that can be. Sources: RP2040 Datasheet 1.4.3 and RP2350
Datasheet 1.2.3 (GPIO functions); the data sheets of ESP32, S2, S3, C3 and C6 (pin definitions), and
MicroPython's ports/esp32/machine_pin.c and machine_adc.c.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .firmware_code import Hardware, Reached, reached


@dataclass(frozen=True)
class Chip:
    """pins: its GPIO; inputs: those that cannot be outputs; flash: those that its flash has.
    adc: those that can be analogue inputs. i2c, spi: numbers of the blocks.
    """

    pins: frozenset[int]
    inputs: frozenset[int]
    flash: frozenset[int]
    adc: frozenset[int]
    i2c: tuple[int, ...]
    spi: tuple[int, ...]


def _chip(
    pins: Any,
    adc: Any,
    i2c: tuple[int, ...],
    spi: tuple[int, ...],
    inputs: Any = (),
    flash: Any = (),
) -> Chip:
    return Chip(frozenset(pins), frozenset(inputs), frozenset(flash), frozenset(adc), i2c, spi)


CHIPS = {
    "rp2040": _chip(range(30), range(26, 30), (0, 1), (0, 1)),
    # The larger package, RP2350B, has 48 and its ADC at 40 to 47.
    "rp2350": _chip(range(48), [*range(26, 30), *range(40, 48)], (0, 1), (0, 1)),
    # 9 and 10 belong to the flash only in quad mode. Few modules have 20.
    "esp32": _chip(
        [*range(24), 25, 26, 27, *range(32, 40)],
        [0, 2, 4, *range(12, 16), 25, 26, 27, *range(32, 40)],
        (0, 1),
        (1, 2),
        inputs=range(34, 40),
        flash=(6, 7, 8, 11),
    ),
    "esp32s2": _chip(
        [*range(22), *range(26, 47)], range(1, 21), (0, 1), (1, 2), inputs=[46],
        flash=range(27, 33),
    ),
    "esp32s3": _chip(
        [*range(22), *range(26, 49)], range(1, 21), (0, 1), (1, 2), flash=range(27, 33)
    ),
    "esp32c3": _chip(range(22), range(6), (0,), (1,), flash=range(12, 18)),
    "esp32c6": _chip(range(31), range(7), (0,), (1,), flash=range(24, 31)),
}  # fmt: skip
# Of the RP2 chips each pin has one place: pin % 4, and the block that alternates (F2, F1 of the
# table of functions).
_RP2_I2C = {"sda": 0, "scl": 1}
_RP2_SPI = {"miso": 0, "sck": 2, "mosi": 3}


class PinError(ValueError):
    """An error that the port would raise, with what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Absent(int):
    """Stands for a pin that a board file does not name, or that is none: nothing is wrong with it,
    for that was told already.
    """


class _Pin:
    def __init__(self, id: Any) -> None:
        self.id = id

    def __call__(self, *_: Any) -> None:
        """Accept a level."""

    def value(self, *_: Any) -> int:
        """Return the level of an idle bus."""
        return 1


class _Class:
    """What a module of a port calls a class: it is called, and has constants."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._make(*given, **named)


class _Pins(_Class):
    IN, OUT, OPEN_DRAIN, PULL_UP = 0, 1, 2, 1


class _I2S(_Class):
    RX, MONO, STEREO = 0, 1, 2


class Machine:
    """`machine` of a board with that chip; chip: "" for one that has no pins of its own.

    Its attributes are named as in MicroPython. What they make takes calls until hardware is needed.
    """

    def __init__(self, chip: str) -> None:
        self._name, self._chip = chip, CHIPS.get(chip)
        self._taken: list[int] = []
        self._tell: Callable[[PinError], None] | None = None
        self.Pin = _Pins(self.pin)
        self.ADC, self.I2C, self.SPI, self.I2S = self.adc, self.i2c, self.spi, _I2S(self.i2s)
        self.Timer, self.mem32, self.lightsleep = self.timer, Hardware(), reached

    @contextlib.contextmanager
    def collected(self, tell: Callable[[PinError], None]) -> Iterator[None]:
        """Hand what the port would refuse to tell, and go on, while the block runs."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def begin(self) -> None:
        """Free all pins, before a driver is asked again."""
        self._taken = []

    def pin(self, id: Any, mode: int | None = None, pull: int | None = None, **_: Any) -> _Pin:
        """Return a pin that knows its number. A name is accepted unchecked."""
        made = _Pin(id)
        if self._chip is None or isinstance(id, str | Absent):
            return made
        if id not in self._chip.pins:
            self._refuse(
                f"{self._name} has no pin {id!r}, but {_listed(self._chip.pins)}",
                "write one of these",
            )
            return _Pin(Absent(id))
        if id in self._chip.flash:
            free = self._chip.pins - self._chip.flash
            self._refuse(
                f"pin {id} of {self._name} belongs to its flash", f"another pin: {_listed(free)}"
            )
            return _Pin(Absent(id))
        if mode == _Pins.OUT:
            self._output(made, "output")
        return made

    def adc(self, pin: _Pin) -> Hardware:
        """Return an analogue input."""
        if self._chip and pin.id not in self._chip.adc and not isinstance(pin.id, Absent):
            self._refuse(
                f"pin {pin.id} of {self._name} has no ADC, but {_listed(self._chip.adc)}",
                "write one of these",
            )
        self._take(pin)
        return Hardware()

    def i2c(self, id: int, *, sda: _Pin, scl: _Pin, freq: int = 0) -> Hardware:
        """Return a bus on which nothing answers."""
        self._bus("I2C", id, self._chip.i2c if self._chip else (), {"sda": sda, "scl": scl})
        return Hardware()

    def spi(self, id: int, *, sck: _Pin, mosi: _Pin, miso: _Pin, **_: Any) -> Hardware:
        """Return a bus on which nothing answers."""
        pins = {"sck": sck, "mosi": mosi, "miso": miso}
        self._bus("SPI", id, self._chip.spi if self._chip else (), pins)
        return Hardware()

    def i2s(self, id: int, *, sck: _Pin, ws: _Pin, sd: _Pin, **_: Any) -> None:
        """Raise Reached: a microphone begins here."""
        for name, pin in (("sck", sck), ("ws", ws), ("sd", sd)):
            self._take(pin)
            if name != "sd":
                self._output(pin, name)
        raise Reached

    def timer(self, id: int) -> None:
        """Raise Reached, unless the chip has no timer of that number."""
        if self._name.startswith("rp2") and id != -1:
            self._refuse(f"timer = {id}: {self._name} has only -1", "timer = -1, or leave it out")
        raise Reached

    # --- what a port refuses ----------------------------------------------------------------------

    def _refuse(self, message: str, hint: str) -> None:
        wrong = PinError(message, hint)
        if self._tell is None:
            raise wrong
        self._tell(wrong)

    def _take(self, pin: _Pin) -> None:
        if pin.id in self._taken and not isinstance(pin.id, Absent):
            self._refuse(f"pin {pin.id} is named twice", "each wire has a pin of its own")
        self._taken.append(pin.id)

    def _output(self, pin: _Pin, what: str) -> None:
        if self._chip and pin.id in self._chip.inputs:
            can = self._chip.pins - self._chip.inputs - self._chip.flash
            self._refuse(
                f"pin {pin.id} of {self._name} is an input only, no {what}",
                f"a pin that can be an output: {_listed(can)}",
            )

    def _bus(self, kind: str, id: int, there: tuple[int, ...], pins: dict[str, _Pin]) -> None:
        known = not self._chip or id in there
        if not known:
            self._refuse(
                f"{self._name} has no {kind} {id!r}, but {_listed(there)}",
                f"{kind.lower()} = {there[0]}",
            )
        for name, pin in pins.items():
            if name != "miso":
                self._output(pin, f"{kind} {name}")
            if known and self._name.startswith("rp2") and not isinstance(pin.id, Absent):
                can = [one for one in sorted(CHIPS[self._name].pins) if _is(kind, id, name, one)]
                if pin.id not in can:
                    self._refuse(
                        f"pin {pin.id} of {self._name} is no {name} of {kind} {id}, but"
                        f" {_listed(can)}",
                        f"{name} = {min(can, key=lambda one: abs(one - pin.id))}, for instance, and"
                        " the wire with it",
                    )
                    continue
            self._take(pin)


def _is(kind: str, id: int, name: str, pin: int) -> bool:
    if kind == "I2C":
        return pin % 2 == _RP2_I2C[name] and pin // 2 % 2 == id
    return pin % 4 == _RP2_SPI[name] and pin // 8 % 2 == id


def _listed(pins: Iterable[int]) -> str:
    """Return numbers as text: "0 to 5, 12, 13"."""
    runs: list[list[int]] = []
    for pin in sorted(pins):
        if runs and pin == runs[-1][1] + 1:
            runs[-1][1] = pin
        else:
            runs.append([pin, pin])
    return ", ".join(
        f"{a} to {b}" if b > a + 1 else f"{a}, {b}" if b > a else str(a) for a, b in runs
    )
