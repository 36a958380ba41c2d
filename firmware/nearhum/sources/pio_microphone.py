"""A microphone on I2S at an RP2040 or RP2350: INMP441, ICS-43434, SPH0645 and the like, 24 bits
at the top of 32.

source = {"driver": "pio_microphone", "sck": 16, "ws": 17, "sd": 18, "gain_bits": 4} One channel,
the left one: the pin L/R of the microphone lies on GND. ws is the pin after sck. rate_hz: 8000 to
48000. gain_bits: of the 8 bits below the upper 16 so many more come up, and what is louder is
stopped at full scale: with 4 an INMP441 (full scale 120 dB SPL) clips at 96 dB SPL and speech keeps
some ten bits. 32768 counts are full scale. A state machine of the PIO makes the clocks and shifts
the left words in; four DMA channels in a circle carry them into a ring of 2048 words, each into a
quarter that it begins anew by itself, being a ring as well. No interrupt has a part in it, so that
it goes on while flash is written, with all of them off. A board that is away for less than the ring
loses nothing: 240 ms at 8 kHz, 120 at 16, two erased blocks of flash among them; 40 at 48, where
one block is a gap. MicroPython's own machine.I2S is not for these chips: there an interrupt must
put the DMA back every 128 bytes, and while none is served it writes over what lies behind its
buffer. Source: InvenSense INMP441 data sheet, DS-INMP441-00, revision 1.1: I2S Data Interface (24
bits, MSB first, a clock after ws, a word of 32 clocks), Power Management (2^18 clocks of sck),
Table 1; RP2040 Datasheet, 2.5 DMA (Transfer Count, Chaining, System DREQ Table; RING_SIZE in its
List of Registers), 3.5 PIO (Side-set, FIFO Joining, Autopush, Clock Dividers); RP2350 Datasheet,
12.6 DMA, 11 PIO: the same, DREQ numbers too; MicroPython, class rp2.DMA, class rp2.StateMachine (as
a buffer to be read it is its RX FIFO), and its port rp2: machine_i2s.c, rp2_pio.c, rp2_flash.c.
"""

import time

import micropython
import uctypes
from machine import Pin
from micropython import const

from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE

try:
    import rp2
except ImportError:
    raise ConfigError(
        'driver = "pio_microphone" without a PIO', "an RP2040 or RP2350; elsewhere i2s_microphone"
    )

_N_DMAS = const(4)
_QUARTER = const(512)  # words
_LOG2 = const(11)  # of its bytes
_WORDS = const(2048)
_MARGIN = const(64)  # words that may come while a block is taken
_CYCLES = const(128)  # of the state machine, a sample: two words of 32 clocks of two
_START_CLOCKS = const(262144)
_memory = None  # of the ring, once there was a source: another finds no 10 KB in one piece later on


@rp2.asm_pio(
    sideset_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_LOW),
    in_shiftdir=rp2.PIO.SHIFT_LEFT,
    autopush=True,
    push_thresh=32,
    fifo_join=rp2.PIO.JOIN_RX,
)
def _left_word():
    """Side: ws, sck. Both fall together; the bit is taken as sck rises, the first one clock
    after ws fell.
    """
    set(x, 29).side(0b00)  # clock 0, in which a microphone still has the last bit of the right word
    nop().side(0b01)
    nop().side(0b00)
    label("left")
    in_(pins, 1).side(0b01)  # clocks 1 to 30
    jmp(x_dec, "left").side(0b00)
    in_(pins, 1).side(0b01)  # 31
    set(x, 30).side(0b10)
    in_(pins, 1).side(0b11)  # 32: the last bit, and the word goes
    label("right")
    nop().side(0b10)  # 33 to 63
    jmp(x_dec, "right").side(0b11)


@micropython.viper
def _to_int16(ring: ptr16, at: int, n: int, block: ptr16, shift: int):
    """Take the upper 24 bits of n little-endian words, from ring[at] on, shifted down, stopped
    at the ends of int16.
    """
    for i in range(n):
        w = ((at + i) & (_WORDS - 1)) << 1
        v = (((ring[w + 1] ^ 0x8000) - 0x8000) << 8 | ring[w] >> 8) >> shift
        if v > 32767:
            v = 32767
        elif v < -32768:
            v = -32768
        block[i] = v


class Source:
    """Reads what the DMA has put into the ring."""

    cue = ""
    unit = "full scale"
    counts = 32768

    def plan(self, config, given):
        rate, gain = config["rate_hz"], given.get("gain_bits", 4)
        sck, ws, sd = given["sck"], given["ws"], given["sd"]
        if config["n_channels"] != 1:
            raise ConfigError("n_channels = %d for a microphone" % config["n_channels"], "1")
        if not 8000 <= rate <= 48000:
            raise ConfigError("rate_hz = %s for a microphone" % rate, "8000 to 48000")
        if sck not in range(29) or ws != sck + 1 or sd not in range(30) or sd in (sck, ws):
            raise ConfigError(
                "sck = %r, ws = %r, sd = %r" % (sck, ws, sd),
                "pins 0 to 29; ws is the one after sck",
            )
        if gain not in range(9):
            raise ConfigError("gain_bits = %r" % gain, "0 to 8")
        self._shift = 8 - gain
        return sck, sd

    def __init__(self, config):
        global _memory
        rate = config["rate_hz"]
        sck, sd = self.plan(config, config["source"])
        self._skip = _START_CLOCKS // 64  # samples that are no sound yet
        self._hold_us = int((_WORDS - _MARGIN) * 1000000 / rate)
        self._sample_us_q8 = int(256000000 / rate)  # times 2048: below 2^26
        # One that nobody has closed, after a fault, is closed here. Until then it stays in memory,
        # whoever has let go of it and of this module: the DMA goes on writing into its ring.
        if getattr(rp2, "microphone", None):
            rp2.microphone.close()
        if not _memory:
            # each quarter lies at a multiple of its size
            _memory = bytearray((_WORDS + _QUARTER) * 4)
        self._ring = (uctypes.addressof(_memory) + _QUARTER * 4 - 1) & ~(_QUARTER * 4 - 1)
        # words: the next to be read; the DMA channel that was at work last
        self._at = self._now = 0
        self._machine, self._dmas = None, []
        rp2.microphone = self
        try:
            number = self._clock(int(rate) * _CYCLES, Pin(sck), Pin(sd, Pin.IN))
            self._carry(8 * (number // 4) + 4 + number % 4)
        except OSError:
            self.close()
            raise SourceError(
                "no PIO state machine, or no 4 channels of DMA", "are they used by other code?"
            )
        # when the first word that is still to be read came, at the latest
        self._tail_us = time.ticks_us()
        self._machine.active(1)

    def _clock(self, cycles_hz, sck, sd):
        # get a state machine ready; returns its number
        for number in range(8):
            try:
                machine = rp2.StateMachine(number)
                if not machine.active():
                    machine.init(_left_word, freq=cycles_hz, in_base=sd, sideset_base=sck)
                    self._machine, self._pio = machine, rp2.PIO(number // 4)
                    return number
            except (ValueError, OSError):  # a radio has it; its block is full of programs
                pass
        raise OSError

    def _carry(self, dreq):
        # start the DMA of words that come with that request
        for _ in range(_N_DMAS):
            self._dmas.append(rp2.DMA())
        self._stop()  # what a soft reset has left waiting
        for i, dma in enumerate(self._dmas):
            control = dma.pack_ctrl(
                size=2, inc_read=False, inc_write=True, ring_sel=True, ring_size=_LOG2,
                treq_sel=dreq, chain_to=self._dmas[(i + 1) % _N_DMAS].channel, irq_quiet=True,
            )  # fmt: skip
            dma.config(
                read=self._machine,
                write=self._ring + i * _QUARTER * 4,
                count=_QUARTER,
                ctrl=control,
                trigger=False,
            )
        self._dmas[0].active(1)

    def _stop(self):
        # one that is aborted while another can be chained would start that (RP2350 Datasheet,
        # RP2350-E5)
        for dma in self._dmas:
            dma.ctrl = 0
        for dma in self._dmas:
            dma.active(0)

    def _written(self):
        # Return where the next word goes. A channel that ends while it is looked at has 0 left, the
        # place where the next begins; and the one at work is never before the one that was.
        now = self._now
        for _ in range(2 * _N_DMAS):
            dma = self._dmas[now]
            if dma.active():
                self._now = now
                return ((now + 1) * _QUARTER - dma.count) & (_WORDS - 1)
            now = (now + 1) % _N_DMAS
        return self._at  # it stands still: nothing comes

    def read_into(self, block):
        """Fill block, array('h'), by half or more.

        Returns how many samples, NONE, or GAP after an overrun.

        Allocates nothing.
        """
        now = time.ticks_us()
        written = self._written()
        n_waiting = (written - self._at) & (_WORDS - 1)
        if self._skip or time.ticks_diff(now, self._tail_us) > self._hold_us:
            self._skip = max(0, self._skip - n_waiting)
            self._at, self._tail_us = written, now
            return NONE if self._skip else GAP
        n = min(n_waiting, len(block))
        if n < len(block) >> 1:
            n = 0  # a turn of the loop is worth more
        _to_int16(self._ring, self._at, n, block, self._shift)
        self._at = (self._at + n) & (_WORDS - 1)
        self._tail_us = time.ticks_add(now, -((n_waiting - n) * self._sample_us_q8 >> 8))
        return n or NONE

    def close(self):
        """Stop the clocks, and let go of the state machine, its program and the DMA."""
        if self._machine:
            self._machine.active(0)
            self._pio.remove_program(_left_word)
            self._machine = None
        self._stop()
        for dma in self._dmas:
            dma.close()
        self._dmas = []
        rp2.microphone = None
