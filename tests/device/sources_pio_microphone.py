"""Test a microphone on the PIO of an RP2040: clocks, order, gain, stalls, gaps, and releasing.

It uses a model of the state machine and the DMA, chip_rp2040_pio.py.
"""

import sys

import fake_machine
from fake_machine import BLOCK, Clock, Machine, config, sound, stopped_at_the_ends
from harness import done, equal, raises, test

# isort: split
# the models' folder is on the path now
import chip_rp2040_pio


class Rp2:
    DMA, PIO = chip_rp2040_pio.Dma, chip_rp2040_pio.Pio
    StateMachine, asm_pio = chip_rp2040_pio.StateMachine, chip_rp2040_pio.asm_pio


fake_machine.stand_in(machine=Machine, rp2=Rp2)
from nearhum import board
from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE, pio_microphone

fake_machine.give_back()
pio_microphone.time = Clock


class Plain:
    """What a DMA channel of the port is like: nothing is made of its registers that would lie
    on the heap.
    """

    def __init__(self, dma):
        self.on, self.count = dma.active(), dma.count

    def active(self):
        return self.on


class Still:
    """Time that stands, in small integers."""

    us = 0
    ticks_diff, ticks_add = Clock.ticks_diff, Clock.ticks_add

    @classmethod
    def ticks_us(cls):
        return cls.us


def pio_chip():
    chip = chip_rp2040_pio.Dma.chip = chip_rp2040_pio.Chip(sound)
    Rp2.microphone = None
    return chip


def listening(rate=16000, chip=None, skip=256, **changed):
    """Return a microphone on the PIO that has begun, after so many samples of its start, and
    its chip.
    """
    chip = chip or pio_chip()
    given = {"driver": "pio_microphone", "sck": 16, "ws": 17, "sd": 18}
    given.update(changed)
    source = pio_microphone.Source(config(rate, **given))
    source._skip = skip or source._skip
    while True:
        hear(chip, 256)
        n = source.read_into(BLOCK)
        if n == GAP:
            chip.at = chip.n  # the sound that comes next
            return source, chip
        equal(n, NONE)


def hear(chip, n):
    """Let time go by: n samples."""
    chip.run(n)
    Clock.us += n * 1000000 * chip_rp2040_pio.CYCLES // chip.machine.freq


def take(source, chip, gain_bits=4):
    """Read once: what comes is the sound from chip.at on. Returns what the driver did."""
    n = source.read_into(BLOCK)
    for i in range(n):
        equal(BLOCK[i], stopped_at_the_ends(sound(chip.at + i), gain_bits), (chip.at, i))
    chip.at += max(0, n)
    return n


def take_all(source, chip, gain_bits=4):
    """Read until less than half a block is left; none is lost."""
    while take(source, chip, gain_bits) > 0:
        pass
    equal(0 <= chip.n - chip.at < len(BLOCK) // 2, True, (chip.n, chip.at))


@test
def the_state_machine_makes_the_clocks_and_takes_the_left_words():
    chip = pio_chip()
    source = pio_microphone.Source(config(16000, sck=4, ws=5, sd=9))
    machine = chip.machine
    equal((machine.pins, machine.freq, machine.on), ((9, 4), 16000 * 128, True))
    words, rises = [], 0
    for _ in range(6):
        for _ in range(chip_rp2040_pio.CYCLES):
            sck, ws = chip.pins
            machine.cycle()
            rises += chip.pins[0] > sck
            if chip.pins[1] != ws:  # ws changes only while sck is low, having fallen
                equal(chip.pins[0], 0)
        words += chip.fifo
        chip.fifo.clear()
    equal(rises, 6 * 64)
    # 24 bits of the microphone, then what the wire shows while nobody speaks: 1
    equal(words, [(sound(i) & 0xFFFFFF) << 8 | 255 for i in range(6)])
    source.close()


@test
def left_words_come_in_order_and_with_their_gain_over_many_laps():
    for gain_bits, steps in (
        (0, (900,)),
        (8, (900,)),
        (4, (37, 400, 511, 512, 513, 1, 1024, 1500, 600, 1700, 300)),
    ):
        source, chip = listening(skip=None if gain_bits == 4 else 256, gain_bits=gain_bits)
        equal(chip.at, 4096 if gain_bits == 4 else 256)  # 2^18 clocks
        for n in steps:
            hear(chip, n)
            take_all(source, chip, gain_bits)
        source.close()


class Late:
    """A DMA channel: while it is looked at a word comes."""

    def __init__(self, dma, chip):
        self.dma, self.chip = dma, chip

    def active(self):
        on = self.dma.active()
        hear(self.chip, 1)
        return on

    @property
    def count(self):
        hear(self.chip, 1)
        return self.dma.count


@test
def one_channel_hands_over_to_the_next_between_any_two_looks():
    source, chip = listening()
    real, late = source._dmas, [Late(dma, chip) for dma in source._dmas]
    for at in range(505, 514):
        hear(chip, 512 - chip.n % 512 + at)  # where in a quarter the first look finds it
        source._dmas = late
        equal(take(source, chip) > 0, True, at)
        source._dmas = real
        take_all(source, chip)
    source.close()


@test
def a_stall_of_a_tenth_of_a_second_loses_nothing():
    source, chip = listening()
    for _ in range(5):
        hear(chip, 1600)  # 100 ms: flash is erased twice
        take_all(source, chip)
    source.close()


@test
def an_overrun_of_the_ring_is_one_gap():
    source, chip = listening()
    for n_away in (2000, 2048, 5000):
        hear(chip, 700)
        take_all(source, chip)
        hear(chip, n_away)
        equal(take(source, chip), GAP, n_away)
        chip.at = chip.n
        hear(chip, 900)
        take_all(source, chip)
    source.close()


@test
def a_read_allocates_nothing():
    import gc

    import micropython

    source, chip = listening()
    hear(chip, 1024 + 256)
    dmas, source._dmas = source._dmas, [Plain(dma) for dma in source._dmas]
    clock, pio_microphone.time = pio_microphone.time, Still
    Still.us = Clock.us
    source.read_into(BLOCK)
    gc.collect()
    micropython.heap_lock()
    try:
        n, more = source.read_into(BLOCK), source.read_into(BLOCK)
    finally:
        micropython.heap_unlock()
    pio_microphone.time, source._dmas = clock, dmas
    equal((n, more), (512, 256))
    source.close()


@test
def a_microphone_that_is_closed_has_let_go_of_everything():
    source, chip = listening()
    machine, memory = chip.machine, pio_microphone._memory
    source.close()
    source.close()
    equal((machine.on, chip.programs, Rp2.microphone), (False, [], None))
    equal(chip.dmas, [None] * 12)
    # after a fault one is dropped, not closed: the next one closes it, and both have one ring
    first, chip = listening()
    second, _ = listening(chip=chip)
    equal(len([dma for dma in chip.dmas if dma]), 4)
    equal((len(chip.programs), pio_microphone._memory is memory), (1, True))
    second.close()


@test
def what_others_have_is_left_to_them():
    chip = pio_chip()
    chip.taken = (0, 1, 2, 3, 4)
    others = [chip_rp2040_pio.Dma() for _ in range(8)]
    source, _ = listening(chip=chip)
    equal((chip.machine.number, [dma.channel for dma in source._dmas]), (5, [8, 9, 10, 11]))
    source.close()
    others.append(chip_rp2040_pio.Dma())
    raises(SourceError, lambda: listening(chip=chip))
    equal((len([dma for dma in chip.dmas if dma]), chip.programs), (9, []))
    chip.taken = range(8)
    raises(SourceError, lambda: listening(chip=chip))


@test
def what_a_microphone_on_the_pio_cannot_do_is_refused():
    chip = pio_chip()
    good = {"sck": 16, "ws": 17, "sd": 18}
    for changed in (
        {"ws": 18, "sd": 19},
        {"ws": 15},
        {"sd": 17},
        {"sd": 30},
        {"sck": "GP16"},
        {"gain_bits": 9},
    ):
        given = dict(good)
        given.update(changed)
        raises(ConfigError, lambda: pio_microphone.Source(config(16000, **given)))
    error = raises(ConfigError, lambda: pio_microphone.Source(config(16000, sck=16, ws=18, sd=19)))
    equal("the one after sck" in error.hint, True, error.hint)
    raises(ConfigError, lambda: pio_microphone.Source(config(16000, 2, **good)))
    for rate in (7999, 48001):
        raises(ConfigError, lambda: pio_microphone.Source(config(rate, **good)))
    equal((chip.programs, chip.dmas), ([], [None] * 12))
    for rate in (8000, 11025, 48000):
        source, chip = listening(rate)
        hear(chip, 1900)
        take_all(source, chip)
        source.close()


@test
def a_board_without_a_pio_is_told_what_to_take():
    import builtins

    real = builtins.__import__

    def without(name, *rest):
        if name == "rp2":
            raise ImportError("no module named 'rp2'")
        return real(name, *rest)

    kept = sys.modules.pop("nearhum.sources.pio_microphone")
    there = sys.modules.pop("rp2", None)
    fake_machine.stand_in(machine=Machine)
    builtins.__import__ = without
    try:
        error = raises(
            ConfigError, lambda: board.open_source(config(16000, driver="pio_microphone"))
        )
    finally:
        builtins.__import__ = real
        sys.modules["nearhum.sources.pio_microphone"] = kept
        if there:
            sys.modules["rp2"] = there
        fake_machine.give_back()
    equal("i2s_microphone" in error.hint, True, error.hint)


done()
