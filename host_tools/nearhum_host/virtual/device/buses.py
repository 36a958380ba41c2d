# type: ignore
# ruff: noqa: F821
# machine.I2C and machine.SPI with models of sensors on them. Enters: transfers of a driver. Leaves:
# the bytes that the model of the addressed chip answers. `wired` lists the chips:
#   wired[:] = [Wire(chip, i2c=0, address=0x68), Wire(chip, spi=0, cs=17), ...]
import time

import uctypes
import virtual_machine


class Wire:
    # A chip on an I2C bus at an address, or on SPI with a chip-select pin.
    def __init__(self, chip, i2c=None, address=None, spi=None, cs=None):
        self.chip, self.i2c, self.address, self.spi, self.cs = chip, i2c, address, spi, cs


wired = []
# [sda, scl, clocks]: a chip holds SDA low until SCL has risen so often; it was cut off in a read
held = []


class I2C:
    # Raises OSError(5), EIO, if no chip answers, as the ports' I2C does.
    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        self.id, self.scl, self.sda, self.freq = id, scl, sda, freq

    def _chip(self, address):
        if held and held[2] > 0:
            raise OSError(5)
        for wire in wired:
            if wire.i2c == self.id and wire.address == address:
                return wire.chip
        raise OSError(5)

    def scan(self):
        return sorted(
            [wire.address for wire in wired if wire.i2c == self.id and not wire.chip.nacks]
        )

    def readfrom_mem_into(self, address, register, out):
        chip = self._chip(address)
        many = getattr(chip, "I2C_MANY", 0)
        size = len(bytes(out))
        register = _counting(register, many, size)
        raw = chip.read(register, size)
        _fill(out, raw)

    def writeto_mem(self, address, register, raw):
        self._chip(address).write(register, bytes(raw))


def _counting(register, many, size):
    # Some chips count the register up only if this bit of the address is set. Without it, they
    # return the same byte again and again, so a driver that forgets it is in error.
    if many:
        if size > 1 and not register & many:
            raise AssertionError(
                "several bytes of register 0x%02x without the bit that counts up" % register
            )
        register &= ~many
    return register


def _fill(out, raw):
    # Copy raw into out, which may be any buffer.
    uctypes.bytearray_at(uctypes.addressof(out), len(raw))[:] = raw


class SPI:
    # The first byte after chip select is the register. Its bit 7 means read; where a chip has
    # SPI_LOW, its bit 0 does.
    MSB = 0

    def __init__(
        self,
        id,
        baudrate=1000000,
        *,
        polarity=0,
        phase=0,
        bits=8,
        firstbit=0,
        sck=None,
        mosi=None,
        miso=None,
    ):
        self.id, self.baudrate, self.mode = id, baudrate, (polarity, phase)
        self._command = None

    def _chip(self):
        for wire in wired:
            if wire.spi == self.id and Pin.levels.get(wire.cs) == 0:
                return wire.chip
        return None

    def _told(self, chip):
        # Return the register and whether it is read.
        if getattr(chip, "SPI_LOW", False):
            return self._command >> 1, self._command & 1
        return self._command & 0x7F, self._command >> 7

    def write(self, raw):
        chip = self._chip()
        raw = bytes(raw)
        if self._command is None:
            self._command = raw[0]
            raw = raw[1:]
            selected.append(self)
        register, is_read = self._told(chip)
        if raw and chip and not is_read:
            chip.write(register, raw)

    def readinto(self, out, write=0):
        chip = self._chip()
        size = len(bytes(out))
        if chip is None or self.mode != ((0, 0) if getattr(chip, "SPI_LOW", False) else (1, 1)):
            _fill(out, b"\xff" * size)  # No chip drives the line, or the SPI mode is wrong.
            return
        many = getattr(chip, "SPI_MANY", 0)
        register = _counting(self._told(chip)[0], many, size)
        try:
            raw = chip.read(register, size)
        except OSError:
            raw = b"\xff" * size
        _fill(out, raw)


selected = []  # SPI buses that are in a transfer.


class Pin(virtual_machine.Pin):
    # A pin that also ends an SPI transfer when it rises as chip select.
    def value(self, level=None):
        if held and self.id == held[1] and level and not self.levels[self.id]:
            held[2] -= 1
        if held and self.id == held[0] and level is None and held[2] > 0:
            return 0
        found = super().value(level)
        while level and selected:
            selected.pop()._command = None
        return found

    __call__ = value


def wire(described):
    # Connect sensors: {"chip": "mpu6050", "i2c": 0, "address": 104} or {"chip": ..., "spi": 0,
    # "cs": 17}.
    wired[:] = []
    for one in described:
        chip = models()[one["chip"]](time.ticks_us)
        wired.append(Wire(chip, one.get("i2c"), one.get("address"), one.get("spi"), one.get("cs")))


def models():
    # Return the models by the name of their driver, or by their own where they are sold as another.
    import chip_adxl345
    import chip_adxl355
    import chip_icm42688
    import chip_kx134
    import chip_lis3dh
    import chip_lsm6ds
    import chip_mpu6050

    return {
        "mpu6500": chip_mpu6050.Mpu6500,
        "mpu6880": chip_mpu6050.Mpu6880,
        "icm20689": chip_mpu6050.Icm20689,
        "mpu6050": chip_mpu6050.Mpu6050,
        "kx134": chip_kx134.Kx134,
        "adxl355": chip_adxl355.Adxl355,
        "icm42688": chip_icm42688.Icm42688,
        "adxl345": chip_adxl345.Adxl345,
        "lis3dh": chip_lis3dh.Lis3dh,
        "lsm6ds3": chip_lsm6ds.Lsm6ds3,
        "lsm6dsox": chip_lsm6ds.Lsm6dsox,
        "lsm6dsv16x": chip_lsm6ds.Lsm6dsv16x,
        "iis3dwb": chip_lsm6ds.Iis3dwb,
    }
