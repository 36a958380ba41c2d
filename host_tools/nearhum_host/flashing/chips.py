"""The chips that nearhum can flash, and what the host must know of each. Board files name one.

RP2040 and RP2350 have a boot ROM that appears as a USB drive and accepts UF2 files of one family
(RP2040 data sheet 2.8.4, RP2350 data sheet 5.5; families: github.com/microsoft/uf2,
utils/uf2families.json). The ESP32 family has a ROM loader on a serial line, which esptool uses. An
image states its chip (esp-idf, esp_chip_id_t).
"""

from __future__ import annotations

from dataclasses import dataclass

UF2, ESPTOOL, VIRTUAL = "uf2", "esptool", "virtual"
XIP_ADDRESS = 0x10000000  # Where RP2 chips map their flash. UF2 files use these addresses.


@dataclass(frozen=True)
class Chip:
    """A chip.

    method: UF2 or ESPTOOL. family: of UF2 files. volume_id, usb_id: of the boot ROM's drive, its
    Board-ID and (vendor, product). image_id: the chip's number in an ESP image.
    """

    name: str
    method: str
    family: int = 0
    volume_id: str = ""
    usb_id: tuple[int, int] = (0, 0)
    image_id: int = -1


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("rp2040", UF2, family=0xE48BFF56, volume_id="RPI-RP2", usb_id=(0x2E8A, 0x0003)),
        Chip("rp2350", UF2, family=0xE48BFF59, volume_id="RP2350", usb_id=(0x2E8A, 0x000F)),
        Chip("esp32", ESPTOOL, image_id=0),
        Chip("esp32s2", ESPTOOL, image_id=2),
        Chip("esp32s3", ESPTOOL, image_id=9),
        Chip("esp32c3", ESPTOOL, image_id=5),
        Chip("esp32c6", ESPTOOL, image_id=13),
    )
}


def by_family(family: int) -> str:
    """Return the name of the chip whose boot ROM accepts that family, or the number as text."""
    return next(
        (chip.name for chip in CHIPS.values() if chip.family == family != 0),
        f"family 0x{family:08X}",
    )


def by_image_id(image_id: int) -> str:
    """Return the name of the chip with that id in an ESP image, or the number as text."""
    return next(
        (chip.name for chip in CHIPS.values() if chip.image_id == image_id), f"chip id {image_id}"
    )
