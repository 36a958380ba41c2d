"""Chips of registers that collect frames in a FIFO, on I2C or SPI: what their drivers have in
common.

source = {"driver": ..., "i2c": 0, "sda": 4, "scl": 5, "freq_hz": 400000, "address": ..., "range_g":
4}
     or {"driver": ..., "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17, "freq_hz": 5000000,
     "range_g": 4}
A driver states its chip (class attributes) and says how its FIFO is read (`plan`, `level`, `take`).
No sample is lost while the board computes, as long as it comes back before the FIFO is full.

The chip keeps its power while a board is reset or flashed, and with it what another program has
written, and a transfer that was cut in its middle. So nothing is taken for granted when it is
opened, at a start and again whenever it was lost: the bus is freed (`_free`), the chip is reset by
its own register where it has one (`reset`), all that matters is written, and read back.

Class attributes of a driver: address (I2C, where the board file names none), page (what brings the
registers in sight, written before the identity is read: another program may have left other ones
there), who and chips (the register of the chip's identity and what may stand in it), n_burst
(frames read at once), sleep (what puts it to sleep), reset and reset_ms (what resets it, and for
how long that takes), spi_many (SPI: what asks for several bytes), spi_low (SPI the other way, see
on_spi). `plan` returns what is written once and what is written whenever the FIFO starts anew,
pairs of register and value, and sets `counts`, the counts of a g. `level` returns the frames that
wait, below 0: some were lost. Frames are read straight into the block, low byte first, as all ports
are.
"""

import time

from machine import I2C, Pin
from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP


def code_of(name, value, allowed):
    """Return the index of value in allowed, within 1 %: the code that the chip has for it.

    Raises ConfigError.
    """
    for i, one in enumerate(allowed):
        if abs(one - value) < 0.01 * one:
            return i
    raise ConfigError(
        "%s = %s" % (name, value), "one of " + ", ".join(["%g" % one for one in allowed if one])
    )


def _free(sda, scl):
    """Free an I2C bus on which a chip holds SDA low.

    It was cut off in the middle of a byte that it sends, and waits for the clock: nine pulses on
    SCL, which end that byte, and a STOP. Source: NXP UM10204, 3.1.16 Bus clear.
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
    """A chip with a FIFO of frames."""

    cue = ""
    spi_many = 0
    spi_low = False
    page = ()
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

            self._bus = OnSpi(given, self.spi_many, self.spi_low)
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
            self._write(self.page)
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
        """Return what is written once to a chip of the identity found, and to no other."""
        return ()

    def read(self, register, out):
        """Fill out from a register on. Returns out. Raises OSError."""
        self._bus.readfrom_mem_into(self.address, register, out)
        return out

    def _write(self, pairs):
        for register, self.one[0] in pairs:
            self._bus.writeto_mem(self.address, register, self.one)

    def read_into(self, block):
        """Fill block, array('h'), with whole frames.

        Returns their number, NONE, or GAP after an overflow.
        """
        if block is not self._block:
            # slices made once, one a number of frames: making one in each turn would allocate
            self._block = block
            n = min(self.n_burst, len(block) // self.n_values)
            self.bursts = self.cut(memoryview(block), n)
        # a transfer that ended in its middle, too, leaves a FIFO that does not begin with a frame
        n, self._whole = self.level() if self._whole else -1, False
        if n > 0:
            n = self.take(min(n, len(self.bursts) - 1), block)
        elif n:
            self._write(self._begin)
            n = GAP
        self._whole = True
        return n

    def cut(self, block, n):
        """Return the parts of block that 0 to n frames are read into; block: memoryview."""
        return [block[: i * self.n_values] for i in range(n + 1)]

    def close(self):
        """Put the chip to sleep. Raises OSError."""
        self._write(self.sleep)
