"""Analogue sensors on the RP2040's ADC, by DMA: computing neither delays nor loses a sample.

Enters: conversions that DMA has written into a ring. Leaves: int16 frames. 65536 counts are the
3.3 V of the ADC's reference, and 0 is its middle: 19859 counts a volt.

source = {"driver": "adc_dma", "pins": [26], "oversample": 8, "ring_bytes": 4096}
pins        Of 26 to 29, rising, one for each channel.
oversample  Conversions that are averaged to one sample, 1 to 64. By default as many as bring the
            ADC to about 16 kHz. The average also attenuates signals above the sampling rate.
            rate_hz * n_channels * oversample must be 733 to 500000 conversions a second.
ring_bytes  Size of the ring, which bounds how long the board may be away.

The ADC converts its inputs in turn into its FIFO. Two DMA channels, which start each other, copy
the FIFO into one ring without end. A ring that was not read in time is a gap, and so is an overrun
of the ADC's FIFO. Source: RP2040 Datasheet, 4.9 ADC and Temperature Sensor (List of Registers), 2.5
DMA (System DREQ Table).
"""

import sys
import time

import micropython
import rp2
import uctypes
from machine import ADC, Pin, mem32

from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE

# Bit 0: on. Bit 3: convert without end. Bits 14:12: first input. Bits 20:16: inputs in turn.
_CS = micropython.const(0x4004C000)
# Bit 0: FIFO on. Bit 3: request DMA. Bit 11: overrun, cleared by writing 1. Bits 27:24: number of
# conversions that request DMA.
_FCS = micropython.const(0x4004C008)
_FIFO = micropython.const(0x4004C00C)
# Cycles of 48 MHz from one conversion to the next, less one, Q8. At least 96 cycles.
_DIV = micropython.const(0x4004C010)
_FCS_ON = micropython.const(0x01000009)
_OVER = micropython.const(0x800)
_DREQ_ADC = micropython.const(36)
# Transfers of a DMA channel before the other takes over: a whole number of rings.
_LAP = micropython.const(1 << 29)
_CLOCK_HZ = micropython.const(48000000)


@micropython.viper
def _gather(ring: ptr16, at: int, mask: int, n_frames: int, block: ptr16, n: int, k: int):
    """Average k conversions of each of n inputs to n_frames frames of block.

    ring: the conversions, 12 bits each. at: the first of them, modulo mask + 1. Samples have 16
    bits, with 0 in the middle of the range.
    """
    out = 0
    for f in range(n_frames):
        for c in range(n):
            total = 0
            i = at + c
            for j in range(k):
                total += ring[i & mask] & 0xFFF  # 64 * 4095 * 16 < 2^23, so int32 holds it.
                i += n
            block[out] = total * 16 // k - 32768
            out += 1
        at += n * k


class Source:
    """Reads what DMA has written into the ring."""

    cue = ""
    unit = "V"
    counts = 19859
    clip = 32752  # the largest sample: the ADC's 12 bits are the upper ones of 16

    def plan(self, config, given):
        n, rate, pins = config["n_channels"], config["rate_hz"], given["pins"]
        if "RP2040" not in sys.implementation._machine:
            raise ConfigError(
                'driver = "adc_dma" on %s' % sys.implementation._machine,
                "an RP2040; elsewhere adc_timer",
            )
        if (
            len(pins) != n
            or sorted(pins) != pins
            or not 26 <= pins[0] <= pins[-1] <= 29
            or len(set(pins)) != n
        ):
            raise ConfigError(
                "pins = %r" % (pins,), "of 26 to 29, rising, one for each of n_channels = %d" % n
            )
        k = self._k = given.get("oversample") or max(1, min(64, int(16000 / (rate * n))))
        total = rate * n * k
        if not 1 <= k <= 64 or not 733 <= total <= 500000:
            raise ConfigError(
                "rate_hz * n_channels * oversample = %s" % total,
                "733 to 500000 conversions a second, oversample 1 to 64",
            )
        ring_bytes = given.get("ring_bytes", 4096)
        if ring_bytes not in (1024, 2048, 4096, 8192, 16384, 32768):
            raise ConfigError("ring_bytes = %r" % ring_bytes, "1024, 2048, 4096 ... 32768")
        return total, ring_bytes

    def __init__(self, config):
        given, n, rate = config["source"], config["n_channels"], config["rate_hz"]
        total, ring_bytes = self.plan(config, given)
        k, pins = self._k, given["pins"]
        self._inputs = 0
        for pin in pins:
            ADC(Pin(pin))  # sets the pad to input without pulls, and turns the ADC on
            self._inputs |= 1 << (pin - 26)
        self._first = pins[0] - 26
        self._div = int((_CLOCK_HZ / total - 1) * 256 + 0.5)
        self._n, self._group, self._mask = n, n * k, ring_bytes // 2 - 1
        self._frame_us = int(1000000 / rate)
        self._ring_us = int(ring_bytes / 2 * 1000000 / total)
        # The hardware needs a ring at a multiple of its size (RING_SIZE in CHx_CTRL_TRIG).
        self._memory = bytearray(2 * ring_bytes)
        self._ring = (uctypes.addressof(self._memory) + ring_bytes - 1) & ~(ring_bytes - 1)
        self._dmas = (rp2.DMA(), rp2.DMA())
        log2 = 0
        while 1 << log2 < ring_bytes:
            log2 += 1
        one, other = self._dmas
        self._controls = [
            dma.pack_ctrl(
                size=1, inc_read=False, inc_write=True, ring_sel=True, ring_size=log2,
                treq_sel=_DREQ_ADC, chain_to=then.channel, irq_quiet=True,
            )
            for dma, then in ((one, other), (other, one))
        ]  # fmt: skip
        self._begin()

    def _begin(self):
        # Stops the ADC and the DMA, empties them and starts them together, so that the first
        # conversion in the ring is of the first input.
        mem32[_CS] = 1
        for dma in self._dmas:
            dma.active(0)
        mem32[_FCS] = _FCS_ON | _OVER
        for _ in range(8):
            mem32[_FIFO]
        for dma, control in zip(self._dmas, self._controls):
            dma.config(read=_FIFO, write=self._ring, count=_LAP, ctrl=control, trigger=False)
        self._dmas[0].active(1)
        mem32[_DIV] = self._div
        mem32[_CS] = self._inputs << 16 | self._first << 12 | 9
        if not self._dmas[0].active():
            self.close()
            raise SourceError("the DMA does not start", "is it used by other code?")
        self._at = 0
        # The latest time at which the first unread conversion may have been made.
        self._tail_us = time.ticks_us()

    def read_into(self, block):
        """Fill block, array('h'), with interleaved frames.

        Returns their number, NONE, or GAP after an overrun.
        """
        now = time.ticks_us()
        if time.ticks_diff(now, self._tail_us) > self._ring_us or mem32[_FCS] & _OVER:
            self._begin()
            return GAP
        one, other = self._dmas
        left = one.count if one.active() else other.count
        waiting = (-left - self._at) & self._mask
        n = min(waiting // self._group, len(block) // self._n)
        if not n:
            return NONE
        _gather(self._ring, self._at, self._mask, n, block, self._n, self._k)
        self._at = (self._at + n * self._group) & self._mask
        if waiting < (n + 1) * self._group:
            self._tail_us = now
        else:
            self._tail_us = time.ticks_add(self._tail_us, n * self._frame_us)
        return n

    def close(self):
        """Stop the ADC and release the DMA channels."""
        mem32[_CS] = 0
        for dma in self._dmas:
            dma.active(0)
            dma.close()
