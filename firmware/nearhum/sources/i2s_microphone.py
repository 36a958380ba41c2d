"""A digital microphone on I2S: INMP441, ICS-43434, SPH0645 and similar, 24 bits in words of 32.

Enters: the port's machine.I2S, which DMA fills. Leaves: int16 samples of one channel, 32768 counts
at full scale. Not for an RP2040 or RP2350, which use pio_microphone.

source = {"driver": "i2s_microphone", "i2s": 0, "sck": 16, "ws": 17, "sd": 18, "gain_bits": 4,
"ibuf_bytes": 16384}
The microphone's pin L/R lies on GND, so it is the left channel.
gain_bits   How many of the 8 bits below the upper 16 are kept, by a shift. A louder signal is
            limited at full scale. With 4 an INMP441 (full scale 120 dB SPL) clips at 96 dB SPL, and
            speech has about ten bits.
ibuf_bytes  The port's buffer, 8 bytes a frame, outside MicroPython's heap. By default it holds
            HOLD_MS of sound, the time in which two blocks of flash are erased. A board that is away
            for longer gets a gap.

Source: InvenSense INMP441 data sheet, DS-INMP441-00, revision 1.1: I2S Data Interface (24 bits, MSB
first, a word of 32 clocks), Power Management (2^18 clocks of sck), Table 1; MicroPython, class I2S,
non-blocking mode.
"""

import sys
import time

import micropython
from machine import I2S, Pin

from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE

HOLD_MS = micropython.const(128)  # two erases of a block of flash, see the module
_FRAME_BYTES = micropython.const(8)  # in the port's buffer: a left and a right word of 32 bits
_MARGIN = micropython.const(64)  # frames that the port copies in one step
_START_CLOCKS = micropython.const(262144)  # of sck, until an INMP441 delivers sound


@micropython.viper
def _to_int16(block: ptr16, n: int, shift: int):
    """Convert n little-endian words of 32 bits to int16, in place.

    The upper 24 bits are shifted down by `shift` and limited to int16.
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
    """Lets the port fill the pipeline's block again and again, and never waits for it."""

    cue = ""
    unit = "full scale"
    counts = 32768

    def plan(self, config, given):
        # There the DMA of machine.I2S overwrites the heap while flash is written: see
        # pio_microphone.
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
        self._asks = True  # True if the next call of read_into asks the port for samples
        # Samples to drop: the microphone's start, or those before a gap. A sample is 64 clocks.
        self._skip = _START_CLOCKS // 64
        self._n_ibuf = ibuf // _FRAME_BYTES
        self._ibuf_us = int((self._n_ibuf - _MARGIN) * 1000000 / rate)
        self._rate = rate
        self._block_us = 0  # duration of a block, known with the first one
        self._waiting_us = 0  # most sound that may be in the port's buffer
        self._i2s = I2S(
            given.get("i2s", 0), sck=Pin(given["sck"]), ws=Pin(given["ws"]), sd=Pin(given["sd"]),
            mode=I2S.RX, bits=32, format=I2S.MONO, rate=int(rate), ibuf=ibuf,
        )  # fmt: skip
        self._i2s.irq(self._filled)
        self._asked_us = time.ticks_us()

    def _filled(self, i2s):
        self._ready = True

    def _ask(self, block, n):
        # The port's buffer keeps what came since the last call, less what was taken, while there is
        # room.
        now = time.ticks_us()
        waiting = max(0, self._waiting_us + time.ticks_diff(now, self._asked_us) - self._block_us)
        if waiting > self._ibuf_us:
            # The buffer was full and new sound was lost. Drop the old sound before the gap.
            self._skip, waiting = self._n_ibuf + n, self._ibuf_us
        self._asked_us, self._waiting_us = now, waiting
        if not self._block_us:
            # A thousandth longer, so that two clocks that differ by less never make a gap.
            self._block_us = int(n * 1001000 / self._rate)
        self._asks = False
        self._i2s.readinto(block)

    def read_into(self, block):
        """Fill block, array('h'), with samples. It must be the same block at every call.

        Returns their number, NONE, or GAP after an overrun. One call asks the port to write words
        of 32 bits into the block, and a later one converts them to samples in place.
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
