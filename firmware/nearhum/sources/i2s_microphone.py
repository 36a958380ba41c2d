"""A microphone on I2S: INMP441, ICS-43434, SPH0645 and the like, 24 bits at the top of 32.

source = {"driver": "i2s_microphone", "i2s": 0, "sck": 16, "ws": 17, "sd": 18, "gain_bits": 4, "ibuf_bytes": 16384}
One channel, the left one: the pin L/R of the microphone lies on GND. On the RP2040 ws is the pin after sck.
gain_bits: of the 8 bits below the upper 16 so many more come up, and what is louder is stopped at full scale: with 4 an
INMP441 (full scale 120 dB SPL) clips at 96 dB SPL and speech keeps some ten bits. 32768 counts are full scale.
The port's driver fills a buffer of ibuf_bytes while the board computes, as frames of 8 bytes; longer away is a gap.
Source: InvenSense INMP441 data sheet, DS-INMP441-00, revision 1.1: I2S Data Interface (24 bits, MSB first, a word of
32 clocks), Power Management (2^18 clocks of sck), Table 1; MicroPython, class I2S, non-blocking mode.
"""

import time

import micropython
from machine import I2S, Pin

from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE

_FRAME_BYTES = micropython.const(8)  # of the port's buffer: a left and a right word
_MARGIN = micropython.const(64)  # frames that the port carries over at once
_START_CLOCKS = micropython.const(262144)


@micropython.viper
def _to_int16(words: ptr8, n: int, block: ptr16, shift: int):
    """Take the upper 24 bits of n little-endian words of 32, shifted down, stopped at the ends of int16."""
    for i in range(n):
        v = (words[4 * i + 3] ^ 128) - 128
        v = (v << 16 | words[4 * i + 2] << 8 | words[4 * i + 1]) >> shift
        if v > 32767:
            v = 32767
        elif v < -32768:
            v = -32768
        block[i] = v


class Source:
    """Lets the port fill one buffer after the other, and never waits for it."""

    cue = ""
    unit = "full scale"
    counts = 32768

    def __init__(self, config):
        given, rate = config["source"], config["rate_hz"]
        if config["n_channels"] != 1:
            raise ConfigError("n_channels = %d for a microphone" % config["n_channels"], "1")
        gain, ibuf = given.get("gain_bits", 4), given.get("ibuf_bytes", 16384)
        if gain not in range(9):
            raise ConfigError("gain_bits = %r" % gain, "0 to 8")
        self._shift = 8 - gain
        # the port has 16-byte steps, and the RP2040 hands over a quarter of a kilobyte at once
        self._words = bytearray(1024)
        self._ready = False
        self._skip = _START_CLOCKS // 64  # samples that are no sound yet, or lie before a gap
        self._n_ibuf = ibuf // _FRAME_BYTES
        self._ibuf_us = int((self._n_ibuf - _MARGIN) * 1000000 / rate)
        self._block_us = int(len(self._words) // 4 * 1000000 / rate)
        self._waiting_us = 0  # sound in the port's buffer, at most
        self._i2s = I2S(
            given.get("i2s", 0), sck=Pin(given["sck"]), ws=Pin(given["ws"]), sd=Pin(given["sd"]),
            mode=I2S.RX, bits=32, format=I2S.MONO, rate=int(rate), ibuf=ibuf,
        )  # fmt: skip
        self._i2s.irq(self._filled)
        self._asked_us = time.ticks_us()
        self._ask()

    def _filled(self, i2s):
        self._ready = True

    def _ask(self):
        self._ready = False
        self._i2s.readinto(self._words)

    def read_into(self, block):
        """Fill block, array('h'), with what has come. Returns how many samples, NONE, or GAP after an overrun."""
        if not self._ready:
            return NONE
        n = min(len(self._words) // 4, len(block))
        _to_int16(self._words, n, block, self._shift)
        self._ask()
        # what came since the last time beyond what was taken waits in the port's buffer, as long as there is room
        now = time.ticks_us()
        waiting = max(0, self._waiting_us + time.ticks_diff(now, self._asked_us) - self._block_us)
        self._asked_us, self._waiting_us = now, waiting
        if waiting > self._ibuf_us:
            # new sound was dropped behind a full buffer: that comes first, and is let go
            self._skip, self._waiting_us = self._n_ibuf + 2 * n, self._ibuf_us
        if self._skip > 0:
            self._skip -= n
            return NONE if self._skip > 0 else GAP
        return n

    def close(self):
        """Stop the clock."""
        self._i2s.deinit()
