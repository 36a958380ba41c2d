"""Test a source that sleeps: windows between sleeps, light sleep, and refused settings."""

import sys

import fake_machine
from fake_machine import BLOCK, Clock, Machine, config
from harness import done, equal, raises, test
from nearhum import board
from nearhum.errors import ConfigError
from nearhum.sources import NONE, REST, paced

paced.time = Clock


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
    fake_machine.stand_in(machine=Machine)
    source = board.open_source(
        config(1000, driver="paced", wraps="steady", duty_s=1, sleep="light")
    )
    fake_machine.give_back()
    Machine.lightslept_ms = 0
    while source.read_into(BLOCK) != REST:
        Clock.us += 1000
    equal(Machine.lightslept_ms > 800, True, Machine.lightslept_ms)


@test
def what_cannot_be_paced_is_refused():
    for changed in (
        {"duty_s": 0.05},
        {"duty_s": 100000},
        {"rest_ms": -1},
        {"duty_s": 9, "sleep": "deep"},
    ):
        raises(
            ConfigError,
            lambda: board.open_source(config(1000, driver="paced", wraps="steady", **changed)),
        )


done()
