"""SPI that takes I2C's calls: for high rates, long wires, two chips of one kind.

source = {"driver": ..., "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17, "freq_hz": 5000000}
Mode 3 (clock idles high, sampled on its second edge); bit 7 of the first byte reads: so do nearly
all chips that have drivers. One of Analog Devices wants it low: mode 0, and bit 0 reads.
"""

from machine import SPI, Pin


class OnSpi:
    """A chip with a chip-select pin of its own.

    many: what its first byte has where several bytes are read. low: the other way, see above.
    """

    def __init__(self, given, many, low):
        self._cs = Pin(given["cs"], Pin.OUT, value=1)
        self._spi = SPI(
            given["spi"], baudrate=given.get("freq_hz", 5000000),
            polarity=0 if low else 1, phase=0 if low else 1,
            sck=Pin(given["sck"]), mosi=Pin(given["mosi"]), miso=Pin(given["miso"]),
        )  # fmt: skip
        self._many, self._low = many, low
        self._first = bytearray(1)

    def readfrom_mem_into(self, address, register, out):
        """Fill out from a register on; address: I2C's, not used.

        A chip that is not there reads as 0x00 or 0xff.
        """
        first = register | 0x80 | (self._many if len(out) > 1 else 0)
        self._first[0] = register << 1 | 1 if self._low else first
        self._cs(0)
        self._spi.write(self._first)
        self._spi.readinto(out)
        self._cs(1)

    def writeto_mem(self, address, register, one):
        """Write a register."""
        self._first[0] = register << 1 if self._low else register
        self._cs(0)
        self._spi.write(self._first)
        self._spi.write(one)
        self._cs(1)
