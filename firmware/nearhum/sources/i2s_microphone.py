"""A microphone on I2S: INMP441, ICS-43434, SPH0645 and the like, 24 bits at the top of 32.

source = {"driver": "i2s_microphone", "i2s": 0, "sck": 16, "ws": 17, "sd": 18, "gain_bits": 4,
"ibuf_bytes": 16384} One channel, the left one: the pin L/R of the microphone lies on GND. On an
RP2040 or RP2350 it is pio_microphone's. gain_bits: of the 8 bits below the upper 16 so many more
come up, and what is louder is stopped at full scale: with 4 an INMP441 (full scale 120 dB SPL)
clips at 96 dB SPL and speech keeps some ten bits. 32768 counts are full scale. The port's driver
fills a buffer of ibuf_bytes while the board computes, as frames of 8 bytes; longer away is a gap.
Where none is given it holds HOLD_MS of sound, two blocks of flash erased among them. DMA fills it,
and it is not of MicroPython's heap. Source: InvenSense INMP441 data sheet, DS-INMP441-00, revision
1.1: I2S Data Interface (24 bits, MSB first, a word of 32 clocks), Power Management (2^18 clocks of
sck), Table 1; MicroPython, class I2S, non-blocking mode.
"""

import sys
import time

import micropython
from machine import I2S, Pin

from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE

HOLD_MS = micropython.const(128)
_FRAME_BYTES = micropython.const(8)  # of the port's buffer: a left and a right word
_MARGIN = micropython.const(64)  # frames that the port carries over at once
_START_CLOCKS = micropython.const(262144)


@micropython.viper
def _to_int16(block: ptr16, n: int, shift: int):
    """Take the upper 24 bits of n little-endian words of 32, shifted down, stopped at the ends
    of int16, in place.
    """
    words = ptr16(int(block))
    end = int(block) + (n << 1)
    while int(block) < end:
        v = (((words[1] ^ 0x8000) - 0x8000) << 8 | words[0] >> 8) >> shift
        if v > 32767:
            v = 32767
        elif v < -32768:
            v = -32768
        block[0] = v
        block = ptr16(int(block) + 2)
        words = ptr16(int(words) + 4)


class Source:
    """Lets the port fill the block it is given, over and over, and never waits for it."""

    cue = ""
    unit = "full scale"
    counts = 32768

    def plan(self, config, given):
        # its DMA runs over the heap while flash is written, see pio_microphone
        if sys.platform == "rp2":
            raise ConfigError('driver = "i2s_microphone" on this chip', "pio_microphone")
        if config["n_channels"] != 1:
            raise ConfigError("n_channels = %d for a microphone" % config["n_channels"], "1")
        gain = given.get("gain_bits", 4)
        if gain not in range(9):
            raise ConfigError("gain_bits = %r" % gain, "0 to 8")
        self._shift = 8 - gain

    def __init__(self, config):
        given, rate = config["source"], config["rate_hz"]
        self.plan(config, given)
        ibuf = given.get("ibuf_bytes", int(rate * _FRAME_BYTES * HOLD_MS) // 1000)
        self._ready = False
        self._asks = True  # at the next call: what the port filled last has been taken
        self._skip = _START_CLOCKS // 64  # samples that are no sound yet, or lie before a gap
        self._n_ibuf = ibuf // _FRAME_BYTES
        self._ibuf_us = int((self._n_ibuf - _MARGIN) * 1000000 / rate)
        self._rate = rate
        self._block_us = 0  # until one was asked for
        self._waiting_us = 0  # sound in the port's buffer, at most
        self._i2s = I2S(
            given.get("i2s", 0), sck=Pin(given["sck"]), ws=Pin(given["ws"]), sd=Pin(given["sd"]),
            mode=I2S.RX, bits=32, format=I2S.MONO, rate=int(rate), ibuf=ibuf,
        )  # fmt: skip
        self._i2s.irq(self._filled)
        self._asked_us = time.ticks_us()

    def _filled(self, i2s):
        self._ready = True

    def _ask(self, block, n):
        # what came since the last time beyond what was taken waits in the port's buffer, as long as
        # there is room
        now = time.ticks_us()
        waiting = max(0, self._waiting_us + time.ticks_diff(now, self._asked_us) - self._block_us)
        if waiting > self._ibuf_us:
            # new sound was dropped behind a full buffer: that comes first, and is let go
            self._skip, waiting = self._n_ibuf + n, self._ibuf_us
        self._asked_us, self._waiting_us = now, waiting
        if not self._block_us:
            # a thousandth more: two clocks that differ by less make no gap in the long run
            self._block_us = int(n * 1001000 / self._rate)
        self._asks = False
        self._i2s.readinto(block)

    def read_into(self, block):
        """Fill block, array('h'), the same at every call.

        Returns how many samples, NONE, or GAP after an overrun.

        The port puts words of 32 bits into it from one call on, and a later one makes samples of
        them in their place.
        """
        n = len(block) // 2
        if self._asks:
            self._ask(block, n)
        if not self._ready:
            return NONE
        self._ready, self._asks = False, True
        _to_int16(block, n, self._shift)
        if self._skip > 0:
            self._skip -= n
            return NONE if self._skip > 0 else GAP
        return n

    def close(self):
        """Stop the clock."""
        self._i2s.deinit()
