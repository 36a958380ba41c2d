"""What hangs on a virtual board's buses, in words: `mpu6050`, `lis3dh@0x19`, `adxl345@spi`.

Enters: such a word. Leaves: what device/buses.py wires. The models are of registers and FIFOs, from
the data sheets.
"""

from typing import Any

from ..errors import UsageError

# chip: the address it usually has
ADDRESSES = {"mpu6050": 0x68, "adxl345": 0x53, "lis3dh": 0x18, "lsm6ds3": 0x6A, "lsm6dsox": 0x6A}
SPI_CS = 17  # the pin of chip select, on SPI 0


def described(sensor: str) -> dict[str, Any]:
    """Return {"chip", "i2c", "address"} or {"chip", "spi", "cs"} of a word. Raises UsageError."""
    chip, _, where = sensor.partition("@")
    if chip not in ADDRESSES:
        raise UsageError(
            f"there is no model of a sensor {chip!r}", "there are: " + ", ".join(ADDRESSES)
        )
    if where == "spi":
        return {"chip": chip, "spi": 0, "cs": SPI_CS}
    try:
        address = int(where, 0) if where else ADDRESSES[chip]
    except ValueError:
        address = -1
    if not 0x08 <= address < 0x78:
        raise UsageError(
            f"{sensor!r}: {where!r} is no place on a bus", "an I2C address, 0x08 to 0x77, or spi"
        )
    return {"chip": chip, "i2c": 0, "address": address}


def checked(described: Any) -> dict[str, Any]:
    """Return a sensor as `described` made it, said by a virtual board. Raises ValueError."""
    places = ("i2c", "address"), ("spi", "cs")
    for where in places:
        if isinstance(described, dict) and described.keys() == {"chip", *where}:
            numbers = all(type(described[key]) is int for key in where)
            if numbers and described["chip"] in ADDRESSES:
                return described
    raise ValueError(f"no sensor: {described!r}")
