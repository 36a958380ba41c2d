"""Is the right chip on the bus? Wires, addresses and identities.

Enters: what device_scripts/sensor_probe.py found. Leaves: findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .findings import FAIL, OK, Verdict

# By (register, value) of an identity: the driver, and the names of such modules in shops.
_IDENTITIES = {
    (0x75, 0x68): ("mpu6050", "an MPU-6050"),
    (0x75, 0x70): ("mpu6050", "an MPU-6500, sold as MPU-6050"),
    (0x75, 0x72): ("mpu6050", "an MPU-6880, sold as MPU-6050"),
    (0x75, 0x98): ("mpu6050", "an ICM-20689, sold as MPU-6050"),
    (0x75, 0x71): ("", "an MPU-9250: it has no driver yet"),
    (0x0F, 0x33): ("lis3dh", "a LIS3DH"),
    (0x0F, 0x69): ("lsm6ds3", "an LSM6DS3"),
    (0x0F, 0x6A): ("lsm6ds3", "an LSM6DS3TR-C"),
    (0x0F, 0x6C): ("lsm6dsox", "an LSM6DSOX"),
    (0x75, 0x47): ("icm42688", "an ICM-42688-P"),
    (0x0F, 0x70): ("lsm6dsv16x", "an LSM6DSV16X"),
    (0x0F, 0x7B): ("iis3dwb", "an IIS3DWB"),
    (0x13, 0x46): ("kx134", "a KX134"),
    (0x02, 0xED): ("adxl355", "an ADXL355"),
    (0x00, 0xE5): ("adxl345", "an ADXL345"),
}
# By driver: its addresses, and the pin that selects the second one.
_ADDRESSES = {
    "mpu6050": (0x68, 0x69, "AD0"),
    "adxl345": (0x53, 0x1D, "ALT ADDRESS"),
    "lis3dh": (0x18, 0x19, "SDO"),
    "lsm6ds3": (0x6A, 0x6B, "SDO"),
    "lsm6dsox": (0x6A, 0x6B, "SDO"),
    "adxl355": (0x1D, 0x53, "ASEL"),
    "kx134": (0x1E, 0x1F, "ADDR"),
    "lsm6dsv16x": (0x6A, 0x6B, "SDO"),
    "icm42688": (0x68, 0x69, "AP_AD0"),
}


def wiring(found: dict[str, Any]) -> Iterator[Verdict]:
    if "error" not in found:
        if "chip" in found:
            yield Verdict("chip", OK, f"it answers, identity 0x{found['chip']:02x}")
        return
    given = found.get("config", {}).get("source", {})
    if "bus" not in found:
        yield Verdict(
            "sensor",
            FAIL,
            found["error"],
            found["hint"] or "boards/README.md says what each driver needs",
        )
        return
    bus, where = found["bus"], f"I2C {given.get('i2c', 0)}"
    driver = given.get("driver", "")
    usual = _ADDRESSES.get(driver, (0, 0, ""))
    address = given.get("address", usual[0])
    at: dict[int, Any] = dict(bus)
    low = [name.upper() for name, level in found.get("levels", {}).items() if not level]
    if not bus:
        if low:
            remedy = (
                f"{' and '.join(low)} is low at rest: no pull-ups, no power at the sensor, or a"
                " wire on GND" + ("; nine clocks on SCL did not free SDA" if "SDA" in low else "")
            )
        else:
            pins = f"SDA to pin {given['sda']}, SCL to pin {given['scl']}"
            remedy = (
                f"nothing answers at all: power (3.3 V, GND)? {pins}, not swapped? A loose contact?"
            )
        yield Verdict("sensor", FAIL, f"no device on {where}", remedy)
    elif len(bus) > 100:
        yield Verdict(
            "sensor",
            FAIL,
            f"every address of {where} answers",
            "SDA is connected to GND: check the wire",
        )
    elif address in at:
        what = _known(at[address])
        remedy = (
            f'it is {what[1]}: set driver = "{what[0]}"'
            if what and what[0]
            else f"it is {what[1]}"
            if what
            else ""
        )
        remedy = (
            remedy or "another chip, or a copy: its data sheet tells; it needs a driver of its own"
        )
        yield Verdict("sensor", FAIL, f"{found['error']} at 0x{address:02x} on {where}", remedy)
    else:
        others = ", ".join(f"0x{one:02x}" for one in at)
        remedy = f"set address = {others} if that is the sensor"
        for one in at:
            what = _known(at[one])
            if what and what[0] == driver:
                pin = (
                    f"{usual[2]} is {'high' if one == usual[1] else 'low'}: "
                    if one in usual[:2]
                    else ""
                )
                remedy = f"{pin}set address = 0x{one:02x}"
            elif what and what[0]:
                remedy = f'0x{one:02x} is {what[1]}: set driver = "{what[0]}"'
        yield Verdict(
            "sensor", FAIL, f"no device at 0x{address:02x} on {where}: found {others}", remedy
        )


def _known(told: list[list[int]]) -> tuple[str, str] | None:
    return next(
        (
            _IDENTITIES[register, value]
            for register, value in told
            if (register, value) in _IDENTITIES
        ),
        None,
    )
