"""Connect the model of a sensor to the I2C bus of the emulated RP2040.

Enters: bytes from the emulated I2C block, in the chip's time. Leaves: the answers of a register
model (device/chip_*.py), delayed by the time that the bits take on the wire.

rp2040py loads this file with `--board-spec`. Each sensor is an attribute: MPU6050 is on bus 0 at
its usual address. At the end, statistics of the sensor are written as JSON to the file that
NEARHUM_SENSOR_REPORT names.

rp2040py 0.3.6 models the I2C block without time, and lacks one detail, which is added here: when no
chip answers an address, the real block flushes its FIFO and sets TX_EMPTY (RP2040 data sheet, 4.3
I2C: TX_EMPTY of IC_RAW_INTR_STAT). MicroPython's driver waits for that bit.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from rp2040py.boards import BOARDS, BoardSpec
from rp2040py.peripherals.i2c import R_TX_EMPTY, I2CMode

sys.path.insert(0, str(Path(__file__).parent / "device"))

from chip_mpu6050 import Mpu6050  # type: ignore  # noqa: E402

CLOCK_HZ = 125_000_000
BITS = 9  # A byte and its acknowledge.
REPORT = "NEARHUM_SENSOR_REPORT"


class OnI2c:
    """A register model at an address of a bus. It is an ExternalDevice of rp2040py."""

    def __init__(self, model: Any, bus: int, address: int) -> None:
        self._model, self._bus, self._address = model, bus, address

    def attach(self, rp2040: Any) -> None:
        """Connect to the bus of an emulated chip."""
        self._clock = rp2040.clock
        self.chip = self._model(lambda: self._clock.nanos / 1000)
        self._i2c = i2c = rp2040.i2c[self._bus]
        self._register: int | None = None
        self._here = self._failed = False
        self._later = self._clock.create_alarm(self._run)
        self._then: Any = None
        self._begun = 0.0
        self.n_bytes = self.n_nacks = 0
        self.bursts: list[tuple[int, float]] = []  # Bytes read, time on the bus in µs.
        i2c.on_start = self._on_start
        i2c.on_connect = self._on_connect
        i2c.on_write_byte = self._on_write_byte
        i2c.on_read_byte = self._on_read_byte
        i2c.on_stop = self._on_stop
        if os.environ.get(REPORT):
            atexit.register(self._tell)

    def _after(self, n_bits: int, then: Any) -> None:
        """Call then after the time of n_bits at the bus speed that the firmware has set."""
        self._then = then
        period = self._i2c.scl_high_period + self._i2c.scl_low_period
        self._later.schedule(n_bits * period * 1e9 / CLOCK_HZ)

    def _run(self) -> None:
        self._then()

    def _on_start(self, repeated: bool) -> None:
        if not repeated:
            self._begun, self._n = self._clock.nanos, 0
        self._i2c.complete_start()

    def _on_connect(self, address: int, mode: I2CMode) -> None:
        self._here = address == self._address
        if self._here:
            try:
                self.chip.answer()
            except OSError:
                self._here = False
        if mode == I2CMode.WRITE:
            self._register = None
        self._after(BITS + 1, self._connected)

    def _connected(self) -> None:
        self._i2c.complete_connect(self._here)
        if not self._here:
            self.n_nacks += 1
            self._i2c._set_interrupts(R_TX_EMPTY)

    def _on_write_byte(self, value: int) -> None:
        if self._register is None:
            self._register = value
        else:
            self.chip.write_byte(self._register, value)
            self._register = self.chip.next(self._register)
            self.chip.go_on()
        self._after(BITS, lambda: self._i2c.complete_write(True))

    def _on_read_byte(self, ack: bool) -> None:
        register = self._register or 0
        value = self.chip.read_byte(register)
        self._register = self.chip.next(register)
        self.n_bytes += 1
        self._n += 1
        self._after(BITS, lambda: self._i2c.complete_read(value))

    def _on_stop(self) -> None:
        if self._n > 2:
            self.bursts.append((self._n, (self._clock.nanos - self._begun) / 1000))
        self._after(1, self._i2c.complete_stop)

    def _tell(self) -> None:
        chip = self.chip
        told = {
            "n_made": chip.n_made,
            "n_lost": chip.n_lost,
            "n_transfers": chip.n_transfers,
            "n_bytes_read": self.n_bytes,
            "n_nacks": self.n_nacks,
            "registers": {
                f"0x{register:02x}": value for register, value in sorted(chip.registers.items())
            },
            "bursts": sorted(self.bursts)[-50:],
            "n_bursts": len(self.bursts),
        }
        Path(os.environ[REPORT]).write_text(json.dumps(told), encoding="utf-8")


def _with(model: Any, bus: int, address: int) -> BoardSpec:
    """Return the specification of a Pico with that sensor."""
    pico = BOARDS["pico"]
    return dataclasses.replace(pico, extras=(*pico.extras, lambda: OnI2c(model, bus, address)))


MPU6050 = _with(Mpu6050, 0, Mpu6050.ADDRESSES[0])
