"""Test the ADC of an RP2040 with DMA: rate, order, averages, laps of the ring, and gaps.

It uses a model of the ADC's registers and the DMA, chip_rp2040_adc.py.
"""

import fake_machine
from fake_machine import BLOCK, PICO, Clock, Machine, Memory, OnPico, config
from harness import done, equal, raises, test

# isort: split
# the models' folder is on the path now
import chip_rp2040_adc


class Rp2:
    DMA = chip_rp2040_adc.Dma


fake_machine.stand_in(machine=Machine, rp2=Rp2)
from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE, adc_dma

fake_machine.give_back()
adc_dma.time, adc_dma.sys = Clock, OnPico


def ramp(at, i):
    """What input `at` gives at conversion i: its number, and where it is in time."""
    return at << 10 | i & 1023


def converter(read=ramp, lap=None):
    adc = chip_rp2040_adc.Adc(read)
    chip_rp2040_adc.Dma.adc, chip_rp2040_adc.Dma.lap = adc, lap
    Memory.of = adc
    return adc


def run(adc, us, stalled=False):
    adc.run(us, stalled)
    Clock.us += us


@test
def the_adc_is_set_up_for_its_rate_and_inputs():
    adc = converter()
    source = adc_dma.Source(config(1000, 2, driver="adc_dma", pins=[26, 28], oversample=4))
    equal(adc.registers[chip_rp2040_adc.CS], 0b101 << 16 | 9)
    equal(adc.registers[chip_rp2040_adc.DIV] / 256, 48e6 / 8000 - 1)
    run(adc, 100000)
    equal(adc.n, 800)
    source.close()
    equal(adc.registers[chip_rp2040_adc.CS], 0)


@test
def conversions_are_averaged_into_frames_in_order():
    adc = converter()
    source = adc_dma.Source(config(1000, 2, driver="adc_dma", pins=[27, 29], oversample=4))
    n_frames = 0
    for us in (3300, 10000, 1000, 25500):
        run(adc, us)
        n = source.read_into(BLOCK)
        for f in range(n):
            for c, at in ((0, 1), (1, 3)):
                # conversions of this input in this frame: every second one, from the frame's first
                # on
                total = sum([ramp(at, 8 * (n_frames + f) + 2 * j + c) for j in range(4)])
                equal(BLOCK[2 * f + c], total * 16 // 4 - 32768, (f, c))
        n_frames += n
    equal(n_frames in (39, 40), True, n_frames)
    equal(source.read_into(BLOCK), NONE)


@test
def the_ring_goes_round_and_one_channel_starts_the_other():
    adc = converter(lambda at, i: i % 4096, lap=2048)  # a lap of two rings, instead of hours
    source = adc_dma.Source(
        config(4000, driver="adc_dma", pins=[26], oversample=1, ring_bytes=2048)
    )
    next_one = 0
    for _ in range(40):
        run(adc, 50000)
        n = source.read_into(BLOCK)
        for i in range(n):
            equal(BLOCK[i], (next_one + i) % 4096 * 16 - 32768)
        next_one += n
    equal(next_one >= 7990, True, next_one)
    equal(adc.dmas[0].channel, 0)


@test
def a_ring_that_was_not_read_in_time_is_a_gap():
    adc = converter()
    source = adc_dma.Source(
        config(4000, driver="adc_dma", pins=[26], oversample=1, ring_bytes=2048)
    )
    run(adc, 200000)
    equal(source.read_into(BLOCK) > 0, True)
    run(adc, 300000)  # 1024 conversions take 256 ms
    equal(source.read_into(BLOCK), GAP)
    run(adc, 10000)
    equal(source.read_into(BLOCK) in (39, 40), True)


@test
def an_adc_fifo_that_ran_over_is_a_gap():
    adc = converter()
    source = adc_dma.Source(config(4000, 2, driver="adc_dma", pins=[26, 27], oversample=1))
    run(adc, 10000)
    source.read_into(BLOCK)
    run(adc, 5000, stalled=True)
    equal(source.read_into(BLOCK), GAP)
    run(adc, 10000)
    n = source.read_into(BLOCK)
    equal(n > 30, True, n)
    equal([BLOCK[2 * i] >> 14 for i in range(n)], [-2] * n)  # input 0 first, again
    equal([BLOCK[2 * i + 1] >> 14 for i in range(n)], [-1] * n)


@test
def what_the_adc_cannot_do_is_refused():
    converter()
    for changed in (
        {"pins": [25]}, {"pins": [26, 27]}, {"pins": [26], "oversample": 65},
        {"pins": [26], "ring_bytes": 1000},
    ):  # fmt: skip
        raises(ConfigError, lambda: adc_dma.Source(config(1000, driver="adc_dma", **changed)))
    raises(
        ConfigError, lambda: adc_dma.Source(config(100, driver="adc_dma", pins=[26], oversample=1))
    )
    # board.open_source tells which
    raises(KeyError, lambda: adc_dma.Source(config(100, driver="adc_dma")))
    OnPico.implementation._machine = "Generic ESP32 module with ESP32"
    raises(ConfigError, lambda: adc_dma.Source(config(1000, driver="adc_dma", pins=[26])))
    OnPico.implementation._machine = PICO


done()
