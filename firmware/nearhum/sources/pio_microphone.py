"""A digital microphone on I2S at an RP2040 or RP2350: INMP441, ICS-43434, SPH0645 and similar.

Enters: words of 32 bits, 24 of them used, that PIO and DMA write into a ring. Leaves: int16 samples
of one channel, 32768 counts at full scale.

source = {"driver": "pio_microphone", "sck": 16, "ws": 17, "sd": 18, "gain_bits": 4}
The microphone's pin L/R lies on GND, so it is the left channel. ws is the pin after sck. rate_hz:
8000 to 48000. gain_bits: how many of the 8 bits below the upper 16 are kept, by a shift. A louder
signal is limited at full scale. With 4 an INMP441 (full scale 120 dB SPL) clips at 96 dB SPL, and
speech has about ten bits.

A state machine of the PIO makes the clocks and shifts in the left words. Four DMA channels, which
start each other in a circle, copy them into a ring of 2048 words. Each channel fills a quarter,
which is a ring of its own, so the channel needs no new address. No interrupt takes part. So it
goes on while flash is written, when all interrupts are off. A board that is away for less than the
ring loses nothing: 240 ms at 8 kHz, 120 ms at 16 kHz, which is enough for two erases of a block of
flash. At 48 kHz it is 40 ms, and one erase is a gap.

MicroPython's own machine.I2S does not work on these chips: its interrupt must restart the DMA every
128 bytes, and while flash is written the DMA overwrites what lies behind its buffer.

Source: InvenSense INMP441 data sheet, DS-INMP441-00, revision 1.1: I2S Data Interface (24 bits, MSB
first, a clock after ws, a word of 32 clocks), Power Management (2^18 clocks of sck), Table 1;
RP2040 Datasheet, 2.5 DMA (Transfer Count, Chaining, System DREQ Table; RING_SIZE in its List of
Registers), 3.5 PIO (Side-set, FIFO Joining, Autopush, Clock Dividers); RP2350 Datasheet, 12.6 DMA,
11 PIO: the same, DREQ numbers too; MicroPython, class rp2.DMA, class rp2.StateMachine (read as a
buffer it is its RX FIFO), and its port rp2: machine_i2s.c, rp2_pio.c, rp2_flash.c.
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
_LOG2 = const(11)  # log2 of a quarter's bytes, for RING_SIZE
_WORDS = const(2048)  # in the whole ring
_MARGIN = const(64)  # words that may arrive while a block is read
_CYCLES = const(128)  # of the state machine for a sample: 2 words * 32 clocks * 2 cycles
_START_CLOCKS = const(262144)  # of sck, until an INMP441 delivers sound
# The ring's memory, kept for later sources: a used heap may not have 10 KB in one piece any more.
_memory = None


@rp2.asm_pio(
    sideset_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_LOW),
    in_shiftdir=rp2.PIO.SHIFT_LEFT,
    autopush=True,
    push_thresh=32,
    fifo_join=rp2.PIO.JOIN_RX,
)
def _left_word():
    """Shift in the left word of each frame. Side-set pins: ws, sck.

    Both pins fall together. A bit is read when sck rises, the first one a clock after ws fell.
    """
    set(x, 29).side(0b00)  # clock 0 still has the last bit of the right word
    nop().side(0b01)
    nop().side(0b00)
    label("left")
    in_(pins, 1).side(0b01)  # clocks 1 to 30
    jmp(x_dec, "left").side(0b00)
    in_(pins, 1).side(0b01)  # 31
    set(x, 30).side(0b10)
    in_(pins, 1).side(0b11)  # 32: the last bit, then autopush sends the word
    label("right")
    nop().side(0b10)  # 33 to 63
    jmp(x_dec, "right").side(0b11)


@micropython.viper
def _to_int16(ring: ptr16, at: int, n: int, block: ptr16, shift: int):
    """Convert n little-endian words of 32 bits, from ring[at] on, to int16 in block.

    The upper 24 bits are shifted down by `shift` and limited to int16.
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
    """Reads what DMA has written into the ring. Only one can be open, see rp2.microphone."""

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
        self._skip = _START_CLOCKS // 64  # samples to drop until the sound begins
        self._hold_us = int((_WORDS - _MARGIN) * 1000000 / rate)
        self._sample_us_q8 = int(256000000 / rate)  # <= 32000, times 2048: < 2^26
        # A fault may have left an earlier source open. It is closed here. `rp2` keeps it in memory
        # until then, even if this module is released, because DMA still writes into its ring.
        if getattr(rp2, "microphone", None):
            rp2.microphone.close()
        if not _memory:
            # One quarter more, because each quarter must lie at a multiple of its size.
            _memory = bytearray((_WORDS + _QUARTER) * 4)
        self._ring = (uctypes.addressof(_memory) + _QUARTER * 4 - 1) & ~(_QUARTER * 4 - 1)
        # The next word to read, and the DMA channel that was active last.
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
        # The latest time at which the first unread word may have come.
        self._tail_us = time.ticks_us()
        self._machine.active(1)

    def _clock(self, cycles_hz, sck, sd):
        # Prepares a free state machine. Returns its number, raises OSError if there is none.
        for number in range(8):
            try:
                machine = rp2.StateMachine(number)
                if not machine.active():
                    machine.init(_left_word, freq=cycles_hz, in_base=sd, sideset_base=sck)
                    self._machine, self._pio = machine, rp2.PIO(number // 4)
                    return number
            except (ValueError, OSError):  # Used by a radio, or no room for the program.
                pass
        raise OSError

    def _carry(self, dreq):
        # Starts DMA of the words that this request announces. Raises OSError.
        for _ in range(_N_DMAS):
            self._dmas.append(rp2.DMA())
        self._stop()  # A soft reset may have left channels active.
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
        # Clear all controls first: aborting a channel would start one that is chained to it (RP2350
        # Datasheet, RP2350-E5).
        for dma in self._dmas:
            dma.ctrl = 0
        for dma in self._dmas:
            dma.active(0)

    def _written(self):
        # Returns where DMA writes the next word. A channel that ends during this has a count of 0,
        # which is the place where the next one begins. The search starts at the channel that was
        # active last, because only the ones after it can be active now.
        now = self._now
        for _ in range(2 * _N_DMAS):
            dma = self._dmas[now]
            if dma.active():
                self._now = now
                return ((now + 1) * _QUARTER - dma.count) & (_WORDS - 1)
            now = (now + 1) % _N_DMAS
        return self._at  # No channel is active, so no words come.

    def read_into(self, block):
        """Fill at least half of block, array('h'), with samples.

        Returns their number, NONE, or GAP after an overrun. Allocates nothing.
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
            n = 0  # Wait for more, because each turn of the loop has a fixed cost.
        _to_int16(self._ring, self._at, n, block, self._shift)
        self._at = (self._at + n) & (_WORDS - 1)
        self._tail_us = time.ticks_add(now, -((n_waiting - n) * self._sample_us_q8 >> 8))
        return n or NONE

    def close(self):
        """Stop the clocks, and release the state machine, its program and the DMA channels."""
        if self._machine:
            self._machine.active(0)
            self._pio.remove_program(_left_word)
            self._machine = None
        self._stop()
        for dma in self._dmas:
            dma.close()
        self._dmas = []
        rp2.microphone = None
