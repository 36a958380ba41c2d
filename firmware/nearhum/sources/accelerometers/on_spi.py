"""SPI with the calls of I2C, for high rates, long wires, or two chips of one kind.

Enters: a register's address and a buffer, from registers.Fifo. Leaves: transfers on the bus.

source = {"driver": ..., "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17, "freq_hz": 5000000}
SPI mode 3: the clock idles high, and its second edge samples. Bit 7 of the first byte means a read.
All chips that have drivers work like this.
"""

from machine import SPI, Pin


class OnSpi:
    """A chip with its own chip-select pin.

    given: config["source"]. many: bits of the first byte that ask for several bytes.
    """

    def __init__(self, given, many):
        self._cs = Pin(given["cs"], Pin.OUT, value=1)
        self._spi = SPI(
            given["spi"], baudrate=given.get("freq_hz", 5000000), polarity=1, phase=1,
            sck=Pin(given["sck"]), mosi=Pin(given["mosi"]), miso=Pin(given["miso"]),
        )  # fmt: skip
        self._many = many
        self._first = bytearray(1)

    def readfrom_mem_into(self, address, register, out):
        """Fill the buffer `out` from a register on.

        address: of I2C, not used here. A missing chip reads as 0x00 or 0xff.
        """
        self._first[0] = register | 0x80 | (self._many if len(out) > 1 else 0)
        self._cs(0)
        self._spi.write(self._first)
        self._spi.readinto(out)
        self._cs(1)

    def writeto_mem(self, address, register, one):
        """Write one byte to a register. address: of I2C, not used here."""
        self._first[0] = register
        self._cs(0)
        self._spi.write(self._first)
        self._spi.write(one)
        self._cs(1)
