"""Test a microphone on the port's I2S: order, gain, how long a buffer lasts, and gaps."""

import fake_machine
from fake_machine import (
    BLOCK,
    I2S,
    Clock,
    Machine,
    OnEsp32,
    OnPico,
    config,
    sound,
    stopped_at_the_ends,
)
from harness import done, equal, raises, test

fake_machine.stand_in(machine=Machine)
from nearhum.errors import ConfigError
from nearhum.sources import GAP, NONE, i2s_microphone

fake_machine.give_back()
i2s_microphone.time, i2s_microphone.sys = Clock, OnEsp32


def microphone(**changed):
    given = {"driver": "i2s_microphone", "sck": 16, "ws": 17, "sd": 18}
    given.update(changed)
    source = i2s_microphone.Source(config(16000, **given))
    while source.read_into(BLOCK) != GAP:  # what comes before the microphone is ready
        I2S.made.run(16)
    return source, I2S.made


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
    raises(
        ConfigError, lambda: i2s_microphone.Source(config(16000, sck=1, ws=2, sd=3, gain_bits=9))
    )
    i2s_microphone.sys = OnPico
    error = raises(ConfigError, lambda: i2s_microphone.Source(config(16000, sck=1, ws=2, sd=3)))
    equal("pio_microphone" in error.hint, True, error.hint)
    i2s_microphone.sys = OnEsp32


done()
