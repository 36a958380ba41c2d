"""Names of the sensors on a virtual board's buses: `mpu6050`, `lis3dh@0x19`, `adxl345@spi`.

Enters: such a name. Leaves: the description that device/buses.py connects. The models, in
device/chip_*.py, imitate registers and FIFOs by the data sheets.
"""

from typing import Any

from ..errors import UsageError

# Usual I2C address of each chip.
ADDRESSES = {
    "mpu6050": 0x68,
    "adxl345": 0x53,
    "lis3dh": 0x18,
    "lsm6ds3": 0x6A,
    "lsm6dsox": 0x6A,
    "icm42688": 0x68,
    "lsm6dsv16x": 0x6A,
    "iis3dwb": 0,
    "kx134": 0x1E,
    "adxl355": 0x1D,
}
SPI_CS = 17  # Chip-select pin, on SPI 0.
# Chips that are sold under the name of another, whose driver takes them.
CLONES = {"mpu6500": "mpu6050", "mpu6880": "mpu6050", "icm20689": "mpu6050"}


def described(sensor: str) -> dict[str, Any]:
    """Return {"chip", "i2c", "address"} or {"chip", "spi", "cs"} for a name.

    Raises UsageError for an unknown chip or a wrong address.
    """
    chip, _, where = sensor.partition("@")
    if driver_of(chip) not in ADDRESSES:
        known = ", ".join([*ADDRESSES, *CLONES])
        raise UsageError(f"there is no model of a sensor {chip!r}", f"there are: {known}")
    if where == "spi":
        return {"chip": chip, "spi": 0, "cs": SPI_CS}
    try:
        address = int(where, 0) if where else ADDRESSES[driver_of(chip)]
    except ValueError:
        address = -1
    if not 0x08 <= address < 0x78:
        raise UsageError(
            f"{sensor!r}: {where!r} is not a place on a bus", "an I2C address, 0x08 to 0x77, or spi"
        )
    return {"chip": chip, "i2c": 0, "address": address}


def driver_of(chip: str) -> str:
    """Return the driver that a chip needs, by the name of its model."""
    return CLONES.get(chip, chip) if isinstance(chip, str) else ""


def checked(described: Any) -> dict[str, Any]:
    """Check the description of a sensor that a virtual board reports, and return it.

    Raises ValueError if `described` could not have made it.
    """
    places = ("i2c", "address"), ("spi", "cs")
    for where in places:
        if isinstance(described, dict) and described.keys() == {"chip", *where}:
            numbers = all(type(described[key]) is int for key in where)
            if numbers and driver_of(described["chip"]) in ADDRESSES:
                return described
    raise ValueError(f"no sensor: {described!r}")
