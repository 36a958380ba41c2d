"""What the drivers of register chips with a FIFO have in common, on I2C or SPI.

Enters: the registers of a chip. Leaves: its frames, straight in the pipeline's block. Every port is
little endian, and so are the frames of most chips.

source = {"driver": ..., "i2c": 0, "sda": 4, "scl": 5, "freq_hz": 400000, "address": ...,
          "range_g": 4}
     or {"driver": ..., "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17, "freq_hz": 5000000,
         "range_g": 4}

The chip collects frames while the board computes. None is lost if the board reads before the FIFO
is full.

A chip keeps its power while the board is reset or flashed. It then keeps what another program has
written into it, and perhaps half a transfer. So opening relies on nothing, at a start and whenever
the sensor was lost: it frees the bus (`_free`), resets the chip through its register if there is
one (`reset`), writes every register that matters, and reads it back.

A driver is a subclass with these class attributes:
address   on I2C, if the board file names none
who       the register of the chip's identity
chips     the identities that the driver accepts
n_burst   most frames of one read
sleep     register values that put the chip to sleep
reset     register values that reset it
reset_ms  how long the reset takes
spi_many  on SPI: bits of the first byte that ask for several bytes
and these methods:
plan      returns two lists of (register, value): what is written once, and what is written
          whenever the FIFO starts anew. It also sets `counts`, the counts of one g.
level     returns the number of waiting frames, below 0 if frames were lost
take      reads frames into the block
"""

import time

from machine import I2C, Pin
from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP


def code_of(name, value, allowed):
    """Return the index of value in allowed, which is the chip's code for it.

    name: of the setting, for the error. allowed: numbers by code, 0 where the chip has none. A
    value within 1 % of an allowed one counts as that. Raises ConfigError if there is none.
    """
    for i, one in enumerate(allowed):
        if abs(one - value) < 0.01 * one:
            return i
    raise ConfigError(
        "%s = %s" % (name, value), "one of " + ", ".join(["%g" % one for one in allowed if one])
    )


def _free(sda, scl):
    """Free an I2C bus on which a chip holds SDA low.

    A reset interrupted the chip while it sent a byte, and it still waits for the clock. Nine pulses
    on SCL end that byte, and a STOP follows. Source: NXP UM10204, 3.1.16 Bus clear.
    """
    data = Pin(sda, Pin.IN, Pin.PULL_UP)
    if data.value():
        return
    clock = Pin(scl, Pin.OPEN_DRAIN, value=1)
    for _ in range(9):
        clock.value(0)
        time.sleep_us(10)
        clock.value(1)
        time.sleep_us(10)
    clock.value(0)
    data = Pin(sda, Pin.OPEN_DRAIN, value=0)
    time.sleep_us(10)
    clock.value(1)
    time.sleep_us(10)
    data.value(1)


class Fifo:
    """A chip with a FIFO of frames, opened. Raises ConfigError, SourceError."""

    cue = ""
    spi_many = 0
    reset = ()
    reset_ms = 1

    def __init__(self, config):
        given = config["source"]
        self._setup, self._begin = self.plan(config, given)
        self.n_values = config["n_channels"]
        self._block = None
        self._whole = True
        self.two = bytearray(2)
        self.one = bytearray(1)
        self.address = given.get("address", self.address)
        if "spi" in given:
            from nearhum.sources.accelerometers.on_spi import OnSpi

            self._bus = OnSpi(given, self.spi_many)
        else:
            _free(given["sda"], given["scl"])
            self._bus = I2C(
                given.get("i2c", 0),
                sda=Pin(given["sda"]),
                scl=Pin(given["scl"]),
                freq=given.get("freq_hz", 400000),
            )
        self._start()

    def _start(self):
        try:
            found = self.read(self.who, self.one)[0]
            if found not in self.chips:
                raise SourceError("chip 0x%02x, not 0x%02x" % (found, self.chips[0]))
            self._write(self.reset)
            time.sleep_ms(self.reset_ms)
            for register, value in self._setup + self.also(found):
                self._write(((register, value),))
                now = self.read(register, self.one)[0]
                if now != value:
                    told = "register 0x%02x keeps 0x%02x, not 0x%02x" % (register, now, value)
                    raise SourceError(told)
            self._write(self._begin)
        except OSError:
            raise SourceError("no answer from 0x%02x" % self.address)

    def also(self, found):
        """Return more (register, value) that are written once, only to a chip of this identity."""
        return ()

    def read(self, register, out):
        """Fill the buffer `out` from a register on, and return it. Raises OSError."""
        self._bus.readfrom_mem_into(self.address, register, out)
        return out

    def _write(self, pairs):
        for register, self.one[0] in pairs:
            self._bus.writeto_mem(self.address, register, self.one)

    def read_into(self, block):
        """Fill block, array('h'), with whole frames.

        Returns their number, NONE, or GAP after an overflow. Raises OSError.
        """
        if block is not self._block:
            # One slice for each number of frames, made once, because each slice allocates.
            self._block = block
            n = min(self.n_burst, len(block) // self.n_values)
            self.bursts = self.cut(memoryview(block), n)
        # After an interrupted transfer the FIFO does not begin with a whole frame: start it anew.
        n, self._whole = self.level() if self._whole else -1, False
        if n > 0:
            n = self.take(min(n, len(self.bursts) - 1), block)
        elif n:
            self._write(self._begin)
            n = GAP
        self._whole = True
        return n

    def cut(self, block, n):
        """Return the parts of block into which 0 to n frames are read. block: memoryview."""
        return [block[: i * self.n_values] for i in range(n + 1)]

    def close(self):
        """Put the chip to sleep. Raises OSError."""
        self._write(self.sleep)
