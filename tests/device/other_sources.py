"""Sources that are no chips of registers: ADC by DMA and by timer, microphone, Wi-Fi, numbers pushed; and a paced one.

Each stands on a model of what the port gives it: the ADC's registers and the DMA, I2S with its buffer, a timer, a
radio.
"""

import sys
from array import array

from harness import done, equal, raises, test, test_of
from uctypes import addressof, bytearray_at

# isort: split
# the models' folder is on the path now
import chip_rp2040_adc
import chip_rp2040_pio


class Clock:
    """Time that goes on when a test says so; stands in for `time` in the sources."""

    us = 0
    slept_ms = 0

    @classmethod
    def ticks_us(cls):
        return cls.us

    @classmethod
    def ticks_ms(cls):
        return cls.us // 1000

    @staticmethod
    def ticks_diff(a, b):
        return a - b

    @staticmethod
    def ticks_add(a, b):
        return a + b

    @classmethod
    def sleep_ms(cls, ms):
        cls.slept_ms += ms
        cls.us += 1000 * ms


class Memory:
    """machine.mem32: what a test has put in its place."""

    of = None

    def __getitem__(self, address):
        return self.of[address]

    def __setitem__(self, address, value):
        self.of[address] = value


class Pin:
    IN, OUT = 0, 1
    levels = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if id == "nonsense":
            raise ValueError("unknown named Pin")
        self.id = id

    def value(self, level=None):
        if level is not None:
            self.levels[self.id] = int(bool(level))
        return self.levels.get(self.id)

    __call__ = value


class Signal:
    def __init__(self, pin, invert=False):
        self.pin, self.invert = pin, invert

    def __call__(self, on):
        self.pin.value(not on if self.invert else on)


class ADC:
    values = {}

    def __init__(self, pin):
        self.pin = pin.id

    def read_u16(self):
        return self.values.get(self.pin, 32768)


class Plain:
    """What a DMA channel of the port is like: nothing is made of its registers that would lie on the heap."""

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


class Timer:
    PERIODIC = 1
    made = []

    def __init__(self, id):
        self.on = False
        self.made.append(self)

    def init(self, *, mode, freq, callback):
        self.freq, self.callback, self.on = freq, callback, True

    def deinit(self):
        self.on = False


class I2S:
    """A port's receiver: `sound` comes at `rate`; a buffer holds what nobody asked for, and loses the rest."""

    RX, MONO = 0, 0
    made = None

    def __init__(self, id, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        assert bits == 32
        self.rate, self.n_most = rate, ibuf // 8
        self.waiting, self.n_come, self.n_lost = [], 0, 0
        self.wanted = None
        I2S.made = self

    def irq(self, callback):
        self.callback = callback

    def readinto(self, out):
        assert self.wanted is None, "asked while the last buffer is being filled"
        self.wanted, self._at = bytearray_at(addressof(out), 2 * len(out)), 0
        self._fill()

    def run(self, n):
        for _ in range(n):
            if len(self.waiting) == self.n_most:
                self.n_lost += 1
            else:
                self.waiting.append(sound(self.n_come))
            self.n_come += 1
            self._fill()
        Clock.us += n * 1000000 // self.rate

    def _fill(self):
        while self.wanted is not None and self.waiting:
            v = self.waiting.pop(0)
            self.wanted[self._at : self._at + 4] = bytes((0, v & 255, v >> 8 & 255, v >> 16 & 255))
            self._at += 4
            if self._at == len(self.wanted):
                self.wanted = None
                self.callback(self)

    def deinit(self):
        self.gone = True


def sound(i):
    """24 bits, different ones for thousands of samples."""
    return (i * 797) % 60000 - 30000


class Wlan:
    connected, dbm = True, -70

    def __init__(self, which):
        pass

    def isconnected(self):
        return self.connected

    def status(self, what):
        assert what == "rssi"
        return self.dbm


class Modules:
    """A stand-in for machine, rp2 and network."""

    lightslept_ms = 0

    @classmethod
    def lightsleep(cls, ms):
        cls.lightslept_ms += ms
        Clock.us += 1000 * ms


machine = Modules()
machine.ADC, machine.Pin, machine.Timer, machine.I2S, machine.mem32, machine.Signal = (
    ADC,
    Pin,
    Timer,
    I2S,
    Memory(),
    Signal,
)
rp2, rp2_pio, network = Modules(), Modules(), Modules()
rp2.DMA = chip_rp2040_adc.Dma
for _name, _model in (("DMA", "Dma"), ("PIO", "Pio"), ("StateMachine", "StateMachine"), ("asm_pio", "asm_pio")):
    setattr(rp2_pio, _name, getattr(chip_rp2040_pio, _model))
network.WLAN, network.STA_IF = Wlan, 0
_real = {name: sys.modules.get(name) for name in ("machine", "rp2", "network")}
sys.modules.update({"machine": machine, "rp2": rp2, "network": network})

from nearhum import alarm_pin, board
from nearhum.errors import CommandError, ConfigError, SourceError
from nearhum.sources import GAP, NONE, REST, adc_dma, adc_timer, i2s_microphone, paced, push, wifi

sys.modules["rp2"] = rp2_pio
from nearhum.sources import pio_microphone

for _name in _real:
    if _real[_name]:
        sys.modules[_name] = _real[_name]
for _module in (adc_dma, adc_timer, i2s_microphone, pio_microphone, wifi, paced):
    _module.time = Clock


_PICO = "Raspberry Pi Pico with RP2040"


class Implementation:
    """sys, on an RP2040."""

    platform = "rp2"

    class implementation:
        _machine = _PICO


class Elsewhere:
    """sys, on a port whose I2S is filled by DMA alone."""

    platform = "esp32"


adc_dma.sys, i2s_microphone.sys = Implementation, Elsewhere
BLOCK = array("h", bytes(1024))


def config(rate, n_channels=1, **source):
    return {"n_channels": n_channels, "n_subcarriers": 0, "rate_hz": rate, "n_window": 32, "source": source}


# --- ADC by DMA ------------------------------------------------------------------------------------------------------


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
                # conversions of this input in this frame: every second one, from the frame's first on
                total = sum([ramp(at, 8 * (n_frames + f) + 2 * j + c) for j in range(4)])
                equal(BLOCK[2 * f + c], total * 16 // 4 - 32768, (f, c))
        n_frames += n
    equal(n_frames in (39, 40), True, n_frames)
    equal(source.read_into(BLOCK), NONE)


@test
def the_ring_goes_round_and_one_channel_starts_the_other():
    adc = converter(lambda at, i: i % 4096, lap=2048)  # a lap of two rings, instead of hours
    source = adc_dma.Source(config(4000, driver="adc_dma", pins=[26], oversample=1, ring_bytes=2048))
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
    source = adc_dma.Source(config(4000, driver="adc_dma", pins=[26], oversample=1, ring_bytes=2048))
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
        {"pins": [25]}, {"pins": [26, 27]}, {"pins": [26], "oversample": 65}, {"pins": [26], "ring_bytes": 1000},
    ):  # fmt: skip
        raises(ConfigError, lambda: adc_dma.Source(config(1000, driver="adc_dma", **changed)))
    raises(ConfigError, lambda: adc_dma.Source(config(100, driver="adc_dma", pins=[26], oversample=1)))
    raises(KeyError, lambda: adc_dma.Source(config(100, driver="adc_dma")))  # board.open_source tells which
    Implementation.implementation._machine = "Generic ESP32 module with ESP32"
    raises(ConfigError, lambda: adc_dma.Source(config(1000, driver="adc_dma", pins=[26])))
    Implementation.implementation._machine = _PICO


# --- ADC by timer ----------------------------------------------------------------------------------------------------


def ticking(source, n, period_us, off_us=0):
    """Call the timer's callback n times, each off_us late or early of the last."""
    for _ in range(n):
        Clock.us += period_us + off_us
        Timer.made[-1].callback(Timer.made[-1])


@test
def a_timer_samples_into_a_ring():
    source = adc_timer.Source(config(100, 2, driver="adc_timer", pins=[34, 35], timer=0))
    equal(Timer.made[-1].freq, 100)
    ADC.values = {34: 65535, 35: 0}
    ticking(source, 5, 10000)
    equal(source.read_into(BLOCK), 5)
    equal(list(BLOCK[:4]), [32767, -32768, 32767, -32768])
    equal((source.read_into(BLOCK), source.late), (NONE, 0))
    ticking(source, 4, 10000, 3000)
    equal((source.read_into(BLOCK), source.late), (4, 4))
    source.close()
    equal(Timer.made[-1].on, False)


@test
def a_sample_that_came_a_period_late_or_a_full_ring_is_a_gap():
    source = adc_timer.Source(config(100, driver="adc_timer", pins=[34]))
    ticking(source, 3, 10000)
    ticking(source, 1, 10000, 10000)
    equal(source.read_into(BLOCK), GAP)
    ticking(source, 2, 10000)
    equal(source.read_into(BLOCK), 2)
    ticking(source, 120, 10000)
    equal(source.read_into(BLOCK), GAP)
    raises(ConfigError, lambda: adc_timer.Source(config(2000, driver="adc_timer", pins=[34])))
    raises(ConfigError, lambda: adc_timer.Source(config(100, 2, driver="adc_timer", pins=[34])))


# --- microphone ------------------------------------------------------------------------------------------------------


def microphone(**changed):
    given = {"driver": "i2s_microphone", "sck": 16, "ws": 17, "sd": 18}
    given.update(changed)
    source = i2s_microphone.Source(config(16000, **given))
    while source.read_into(BLOCK) != GAP:  # what comes before the microphone is ready
        I2S.made.run(16)
    return source, I2S.made


def stopped_at_the_ends(v, gain_bits):
    return max(-32768, min(32767, v >> (8 - gain_bits)))


@test
def sound_comes_in_order_and_with_its_gain():
    for gain_bits in (0, 4, 8):
        source, i2s = microphone(gain_bits=gain_bits)
        first = None
        found = []
        while len(found) < 1500:
            n = source.read_into(BLOCK)
            if n > 0:
                found += list(BLOCK[:n])
            else:
                equal(n, NONE)
                i2s.run(37)
        first = 4096  # 2^18 clocks
        equal(found, [stopped_at_the_ends(sound(first + i), gain_bits) for i in range(len(found))])
        equal(i2s.n_lost, 0)
        source.close()
        equal(i2s.gone, True)


@test
def a_board_that_is_away_for_less_than_the_buffer_loses_nothing():
    source, i2s = microphone(ibuf_bytes=16384)
    total = 0
    for _ in range(10):
        i2s.run(1700)
        while True:
            n = source.read_into(BLOCK)
            if n <= 0:
                equal(n, NONE)
                break
            total += n
    equal((i2s.n_lost, total >= 10 * 1700 - 512), (0, True))


@test
def by_default_as_much_time_is_bridged_at_every_rate():
    for rate in (8000, 11025, 16000, 44100):
        source = i2s_microphone.Source(config(rate, sck=16, ws=17, sd=18))
        i2s = I2S.made
        equal(i2s.n_most in (rate * 128 // 1000 - 1, rate * 128 // 1000), True, (rate, i2s.n_most))
        while source.read_into(BLOCK) != GAP:
            i2s.run(16)
        for _ in range(20):
            i2s.run(i2s.n_most - 65)  # the port's margin is 64
            n = NONE + 1
            while n > 0:
                n = source.read_into(BLOCK)
                equal(n >= 0, True, rate)
        equal(i2s.n_lost, 0)


@test
def a_microphone_that_is_slower_than_the_boards_clock_makes_no_gap():
    source, i2s = microphone(ibuf_bytes=896)  # 3 ms, without the margin: 375 blocks of 8 us
    came = found = 0
    while came < 400 * 256:
        i2s.run(32)
        Clock.us += 1  # of 2000
        came += 32
        n = source.read_into(BLOCK)
        equal(n >= 0, True, (n, came))
        found += n
    equal((found > came - 512, i2s.n_lost), (True, 0), found)


@test
def longer_away_is_a_gap_after_what_was_kept():
    source, i2s = microphone(ibuf_bytes=16384)
    i2s.run(4000)
    equal(i2s.n_lost > 0, True)
    said = []
    while GAP not in said:
        said.append(source.read_into(BLOCK))
        i2s.run(16)
    equal(max(said), NONE, said)
    found = []
    while len(found) < 512:
        n = source.read_into(BLOCK)
        found += list(BLOCK[: max(0, n)])
        i2s.run(16)
    steps = [found[i + 1] - found[i] for i in range(511)]
    equal(len(set([s for s in steps if s > 0])) <= 2, True, set(steps))  # none missing since


@test
def what_a_microphone_cannot_do_is_refused():
    raises(ConfigError, lambda: i2s_microphone.Source(config(16000, 2, sck=1, ws=2, sd=3)))
    raises(ConfigError, lambda: i2s_microphone.Source(config(16000, sck=1, ws=2, sd=3, gain_bits=9)))
    i2s_microphone.sys = Implementation
    error = raises(ConfigError, lambda: i2s_microphone.Source(config(16000, sck=1, ws=2, sd=3)))
    equal("pio_microphone" in error.hint, True, error.hint)
    i2s_microphone.sys = Elsewhere


# --- microphone on the PIO -------------------------------------------------------------------------------------------


def pio_chip():
    chip = chip_rp2040_pio.Dma.chip = chip_rp2040_pio.Chip(sound)
    rp2_pio.microphone = None
    return chip


def listening(rate=16000, chip=None, skip=256, **changed):
    """Return a microphone on the PIO that has begun, after so many samples of its start, and its chip."""
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
    for gain_bits, steps in ((0, (900,)), (8, (900,)), (4, (37, 400, 511, 512, 513, 1, 1024, 1500, 600, 1700, 300))):
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
    equal((machine.on, chip.programs, rp2_pio.microphone), (False, [], None))
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
    for changed in ({"ws": 18, "sd": 19}, {"ws": 15}, {"sd": 17}, {"sd": 30}, {"sck": "GP16"}, {"gain_bits": 9}):
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
    sys.modules["machine"] = machine
    builtins.__import__ = without
    try:
        error = raises(ConfigError, lambda: board.open_source(config(16000, driver="pio_microphone")))
    finally:
        builtins.__import__ = real
        sys.modules["nearhum.sources.pio_microphone"] = kept
        if there:
            sys.modules["rp2"] = there
        if _real["machine"]:
            sys.modules["machine"] = _real["machine"]
    equal("i2s_microphone" in error.hint, True, error.hint)


# --- Wi-Fi -----------------------------------------------------------------------------------------------------------


@test
def signal_strength_comes_at_its_pace():
    source = wifi.Source(config(10, driver="wifi"))
    equal(source.read_into(BLOCK), 1)
    equal(BLOCK[0], -5 * 640)
    equal(source.read_into(BLOCK), NONE)
    Wlan.dbm = -20
    Clock.us += 100000
    equal((source.read_into(BLOCK), BLOCK[0]), (1, 45 * 640))
    Wlan.dbm = -120
    Clock.us += 250000  # late: held
    equal((source.read_into(BLOCK), BLOCK[0], BLOCK[1], source.late), (2, -32768, -32768, 1))
    Clock.us += 900000
    equal(source.read_into(BLOCK), GAP)
    source.close()


@test_of("socket")
def time_between_packets_is_the_second_channel():
    import socket

    source = wifi.Source(config(10, 2, driver="wifi", port=55005))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to = socket.getaddrinfo("127.0.0.1", 55005)[0][-1]
    source.read_into(BLOCK)
    for _ in range(2):
        Clock.us += 50000
        sender.sendto(b"hello", to)
        source.read_into(BLOCK)
    Clock.us += 100000
    equal((source.read_into(BLOCK) > 0, BLOCK[1]), (True, 50 * 16))
    source.close()
    sender.close()


@test
def wifi_that_is_not_connected_is_told():
    Wlan.connected = False
    error = raises(SourceError, wifi.Source, config(10, driver="wifi"))
    equal("boot.py" in error.hint, True)
    Wlan.connected = True
    raises(ConfigError, wifi.Source, config(10, 3, driver="wifi"))
    raises(ConfigError, wifi.Source, config(1000, driver="wifi"))


# --- numbers pushed --------------------------------------------------------------------------------------------------


@test
def pushed_numbers_become_counts():
    source = push.Source(config(1, 2, driver="push", scale=[100, 10]))
    equal(source.read_into(BLOCK), NONE)
    source.put([23.456, -1])
    source.put([1e6, -1e6])
    equal(source.read_into(BLOCK), 2)
    equal(list(BLOCK[:4]), [2346, -10, 32767, -32768])
    raises(CommandError, source.put, [1])
    for i in range(70):
        source.put([i, i])
    equal((source.read_into(BLOCK), source.read_into(BLOCK)), (GAP, NONE))
    raises(ConfigError, push.Source, config(1, 2, driver="push", scale=[1]))


# --- rest ------------------------------------------------------------------------------------------------------------


class Steady:
    """A driver that delivers a frame a millisecond."""

    opened = closed = 0
    cue = ""

    def __init__(self, config):
        Steady.opened += 1
        Steady.source = config["source"]
        self._us = Clock.us
        self.gap = False

    def read_into(self, block):
        n = min((Clock.us - self._us) // 1000, 8)
        self._us += 1000 * n
        return n or NONE

    def close(self):
        Steady.closed += 1


class Drivers:
    Source = Steady


sys.modules["nearhum.sources.steady"] = Drivers


@test
def a_paced_source_sleeps_after_each_window():
    Steady.opened = Steady.closed = Clock.slept_ms = 0
    source = board.open_source(config(1000, driver="paced", wraps="steady", duty_s=2, rest_ms=5))
    equal((Steady.source["driver"], "duty_s" in Steady.source), ("steady", False))
    begun = Clock.us
    frames, rests = [0], 0
    while rests < 5:
        n = source.read_into(BLOCK)
        if n == REST:
            rests += 1
            frames.append(0)
        frames[-1] += max(0, n)
        Clock.us += 1000
    equal(frames[:5], [32] * 5)
    equal((Steady.opened, Steady.closed), (6, 5))
    equal(abs(Clock.us - begun - 10000000) < 100000, True, Clock.us - begun)
    equal(Clock.slept_ms > 9000, True, Clock.slept_ms)
    source.close()
    equal(Steady.closed, 6)


@test
def light_sleep_is_the_ports():
    sys.modules["machine"] = machine
    source = board.open_source(config(1000, driver="paced", wraps="steady", duty_s=1, sleep="light"))
    if _real["machine"]:
        sys.modules["machine"] = _real["machine"]
    Modules.lightslept_ms = 0
    while source.read_into(BLOCK) != REST:
        Clock.us += 1000
    equal(Modules.lightslept_ms > 800, True, Modules.lightslept_ms)


@test
def what_cannot_be_paced_is_refused():
    for changed in ({"duty_s": 0.05}, {"duty_s": 100000}, {"rest_ms": -1}, {"duty_s": 9, "sleep": "deep"}):
        raises(ConfigError, lambda: board.open_source(config(1000, driver="paced", wraps="steady", **changed)))


@test
def a_source_without_a_pin_it_needs_is_told_so():
    error = raises(ConfigError, lambda: board.open_source(config(100, driver="adc_timer")))
    equal("pins" in error.message, True, error.message)


@test
def the_alarm_has_a_pin():
    for text, on in (("7", 1), ("7 low", 0), ("LED", 1)):
        signal = alarm_pin.opened(text)
        name = 7 if text[0] == "7" else "LED"
        equal(Pin.levels[name], 1 - on)
        signal(True)
        equal(Pin.levels[name], on)
        signal(False)
        equal(Pin.levels[name], 1 - on)
    for text in ("nonsense", "7 high", "7  low"):
        raises(ConfigError, alarm_pin.opened, text)


done()
